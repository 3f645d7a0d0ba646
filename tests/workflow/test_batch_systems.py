"""Cluster profiles: the phantom study through a real Slurm.

On the way its jobs are ended, and its Snakemake is killed.
"""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from helpers.batch import stubs
from helpers.project import HANGS, ROOT, epochs_saved, model_weights, snakemake

pytestmark = pytest.mark.slow


RUN = "results/runs/baseline/fold0-seed1"


# As many and as long epochs as it takes to end a training in between.
SETTINGS = [
    "--config",
    "phantom={patients: 36}",
    "training={epochs: 12, patience: 12, batch_size: 2}",
]


TRAINED_ON = [
    "results/splits/official-validation0.2-seed1/gate.json",
    "results/tensors/crop-64/index.csv",
]


STARVED = "train_network:mem_mb=300 if attempt == 1 else 4000"


# The profiles, and how a small study waits less for a job's end.
FASTER = {"slurm": ["--slurm-init-seconds-before-status-checks", "6"], "slurm-generic": []}


SLURM_PROFILES = list(FASTER)


@pytest.fixture(scope="session")
def slurm():
    """A Slurm that runs until the tests end; they skip where there can be none."""
    if os.getuid() != 0:
        pytest.skip("a Slurm to test with needs root")
    if missing := [
        name for name in ("slurmctld", "slurmd", "sbatch", "munged") if shutil.which(name) is None
    ]:
        pytest.skip(
            f"no Slurm on this machine ({', '.join(missing)} not found); .ci/run installs it"
        )
    with open(Path(tempfile.gettempdir()) / "tests-slurm.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a machine can run one: other tests wait
        folder = tempfile.mkdtemp(
            prefix="tests-slurm-", dir="/var/tmp"
        )  # where Slurm's user may go, unlike pytest's
        up = subprocess.run([ROOT / "tests/slurm/up.sh", folder], capture_output=True, text=True)
        try:
            if up.returncode:
                pytest.skip(f"Slurm could not be brought up: {up.stderr[-1000:]}")
            yield
        finally:
            subprocess.run([ROOT / "tests/slurm/down.sh", folder], check=True)


def slurm_jobs(folder, states="all"):
    """{id: (state, memory, rule)} of the Slurm jobs that were submitted from a folder."""
    command = ["squeue", "--noheader", f"--states={states}", "--format=%A|%Z|%T|%m|%j %k"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    jobs = [line.split("|") for line in lines]
    return {
        job: (state, memory, name)
        for job, where, state, memory, name in jobs
        if where == str(folder)
    }


def wait_for(what, main):
    """Wait until `what` returns something true, and return it; Snakemake must not end meanwhile."""
    end = time.monotonic() + HANGS
    while not (found := what()):
        assert main.poll() is None and time.monotonic() < end, what
        time.sleep(0.05)
    return found


def job_of(rule, folder):
    """The id of the job of a rule that runs now; None where there is none."""
    running = slurm_jobs(folder, "running")
    return next((job for job, (_, _, name) in running.items() if rule in name), None)


@contextlib.contextmanager
def started(
    profile, folder, log, program=("-m", "snakemake"), targets=("results/metrics.csv",), more=()
):
    """Snakemake's process, at work on the study; it does not outlive the block."""
    command = [
        sys.executable,
        *map(str, program),
        "--workflow-profile",
        ROOT / "profiles" / profile,
    ]
    command += ["--directory", folder, *targets, *more, *FASTER[profile], *SETTINGS]
    with subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT) as main:
        try:
            yield main
        finally:
            main.kill()


def study_with_misfortunes(profile, folder):
    """The study from its tensors to its metrics, through Slurm.

    Training has too little memory at first; it is cancelled where the profile is quick to see it;
    then Snakemake is killed, and recover.py goes on. Returns what both said, and the job left.
    """
    starved = ["--set-resources", STARVED]
    with (
        open(folder.with_suffix(".first"), "w") as log,
        started(profile, folder, log, more=starved) as main,
    ):
        wait_for(lambda: epochs_saved(folder), main)
        if profile == "slurm-generic":
            cancelled = job_of("train_network", folder)
            subprocess.run(["scancel", cancelled], check=True)
            wait_for(lambda: job_of("train_network", folder) not in (None, cancelled), main)
        left = wait_for(lambda: job_of("train_network", folder), main)
        wait_for(lambda: epochs_saved(folder) > 2, main)
        main.send_signal(signal.SIGKILL)
        main.wait()
    assert slurm_jobs(folder)[left][0] == "RUNNING"  # it outlives Snakemake
    again = [ROOT / "profiles/recover.py"]
    with (
        open(folder.with_suffix(".second"), "w") as log,
        started(profile, folder, log, program=again) as main,
    ):
        if profile == "slurm":
            subprocess.run(
                ["scancel", wait_for(lambda: job_of("evaluate_run", folder), main)], check=True
            )
        assert main.wait(timeout=HANGS) == 0, folder.with_suffix(".second").read_text()
    return (
        folder,
        *(folder.with_suffix(f".{part}").read_text() for part in ("first", "second")),
        left,
    )


def study_at_home(folder):
    """The same study on this machine, without misfortunes."""
    done = snakemake(ROOT, "--cores", "2", "--directory", folder, "results/metrics.csv", *SETTINGS)
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture(scope="session")
def studies(slurm, tmp_path_factory):
    """{profile: what study_with_misfortunes returns}, with two more entries.

    `home` is the folder of the study at home; `before` is what was said until there were tensors,
    which slurm-generic makes for both, because it waits less. The rest runs at once, because both
    wait a lot.
    """
    base = tmp_path_factory.mktemp("clusters").resolve()
    quick, other = base / "slurm-generic", base / "slurm"
    with ThreadPoolExecutor(3) as together:
        ran = {"home": together.submit(study_at_home, base / "home")}
        with (
            open(base / "before", "w") as log,
            started("slurm-generic", quick, log, targets=TRAINED_ON) as main,
        ):
            assert main.wait(timeout=HANGS) == 0, (base / "before").read_text()
        shutil.copytree(quick, other)
        ran |= {
            path.name: together.submit(study_with_misfortunes, path.name, path)
            for path in (quick, other)
        }
    return {name: study.result() for name, study in ran.items()} | {
        "before": (base / "before").read_text()
    }


@pytest.mark.parametrize("profile", SLURM_PROFILES)
def test_results_are_those_of_the_same_study_at_home(profile, studies):
    folder, home = studies[profile][0], studies["home"]
    for name in ("results/metrics.csv", f"{RUN}/predictions.csv", f"{RUN}/history.csv"):
        assert (folder / name).read_bytes() == (home / name).read_bytes(), name
    weights = [model_weights(where / RUN / "model.keras") for where in (folder, home)]
    for a, b in zip(*weights, strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("profile", SLURM_PROFILES)
def test_jobs_pass_through_slurm_and_light_rules_do_not(profile, studies):
    folder, first, second, _ = studies[profile]
    before = studies["before"] if profile == "slurm-generic" else ""
    told = re.findall(r"SLURM jobid (\d+)|external jobid '(\d+)'\.", before + first + second)
    jobs = slurm_jobs(folder)
    assert sorted(one or other for one, other in told) == sorted(jobs)
    names = " ".join(name for _, _, name in jobs.values())
    heavy = ["make_phantom", "take_inventory", "find_duplicates", "decode_images"] if before else []
    for rule in [*heavy, "train_network", "evaluate_run", "collect_metrics"]:
        assert rule in names
    for rule in ("split_patients", "gate_split") if before else ():
        assert f"localrule {rule}:" in before
        assert rule not in names


@pytest.mark.parametrize("profile", SLURM_PROFILES)
def test_a_job_that_runs_out_of_memory_is_retried_with_more(profile, studies):
    folder, first, _, _ = studies[profile]
    jobs = sorted(slurm_jobs(folder).items(), key=lambda job: int(job[0]))
    trainings = [(state, memory) for _, (state, memory, name) in jobs if "train_network" in name]
    assert trainings[0] == (
        "FAILED",
        "300M",
    )  # OUT_OF_MEMORY where Slurm has cgroups to learn it from
    assert {memory for _, memory in trainings[1:]} == {"4000M"}
    assert re.search(
        "[Ee]xceeded (job )?memory limit", first
    )  # Slurm's words for it, of which the last ones are shown
    assert "Trying to restart job" in first


@pytest.mark.parametrize("profile", SLURM_PROFILES)
def test_a_job_that_is_cancelled_is_reported_and_run_again(profile, studies):
    folder, first, second, left = studies[profile]
    cancelled = {job for job, (state, _, _) in slurm_jobs(folder).items() if state == "CANCELLED"}
    assert left in cancelled
    (other,) = cancelled - {left}
    said = second if profile == "slurm" else first
    assert re.search(rf"job '?{other}'?.*CANCELLED", said, re.IGNORECASE)
    assert "Trying to restart job" in said


@pytest.mark.parametrize("profile", SLURM_PROFILES)
def test_after_snakemake_was_killed_one_command_goes_on_and_loses_nothing(profile, studies):
    folder, _, second, left = studies[profile]
    assert f"Cancelling what was left in the queue of {folder}: {left}" in second
    rules = re.findall(r"^(?:local)?rule (\w+):", second, re.MULTILINE)
    assert set(rules) == {"train_network", "evaluate_run", "collect_metrics"}
    assert (
        "training goes on after epoch"
        in (folder / "results/logs/train_network/baseline-fold0-seed1.log").read_text()
    )
    assert not (folder / "results/checkpoints").exists()
    assert not slurm_jobs(folder, "running,pending")


@pytest.mark.parametrize("profile", SLURM_PROFILES)
def test_a_gpu_is_asked_for_where_the_job_has_that_resource(profile, tmp_path, monkeypatch):
    asked = f'echo "$@" >> {tmp_path}/asked; exit 1'
    # The plugin asks for an account before it submits, and for partitions.
    accounts = {"sacct": "exit 1", "sacctmgr": "exit 1", "sinfo": "echo 'main*'"}
    programs = {"sbatch": asked, "squeue": "", "scancel": ""} | accounts
    monkeypatch.setenv("PATH", stubs(tmp_path / "bin", **programs))
    snakemake(
        ROOT,
        "--workflow-profile",
        f"profiles/{profile}",
        "--directory",
        tmp_path / "study",
        "results/phantom/planted.csv",
        "--retries",
        "0",
        "--set-resources",
        "make_phantom:gpu=2",
        *FASTER[profile],
    )
    assert "--gpus=2" in (tmp_path / "asked").read_text()


def test_jobs_pass_through_lsf_and_one_that_failed_is_retried_with_more(lsf, tmp_path, monkeypatch):
    monkeypatch.setenv("STARVE", "1")
    done = snakemake(
        ROOT,
        "--workflow-profile",
        "profiles/lsf",
        "--directory",
        tmp_path / "study",
        "results/phantom/planted.csv",
        "--seconds-between-status-checks",
        "1",
        "--set-resources",
        "make_phantom:gpu=attempt - 1",
        *SETTINGS,
    )
    assert done.returncode == 0, done.stdout
    assert "external jobid '1'" in done.stdout
    assert "LSF job 1: TERM_MEMLIMIT" in done.stdout
    assert "external jobid '2'" in done.stdout
    first, second = ((lsf / job / "asked").read_text().splitlines() for job in ("1", "2"))
    assert first[first.index("-M") :][:4] == ["-M", "1000MB", "-W", "10"]
    assert second[second.index("-M") :][:6] == ["-M", "2000MB", "-W", "20", "-gpu", "num=1"]
    assert "-gpu" not in first
    assert (lsf / "2/stat").read_text() == "DONE\n"


@pytest.mark.parametrize("how", ["--profile", "--workflow-profile"])
def test_no_cluster_is_told_before_any_job_starts(how, tmp_path, monkeypatch):
    for name in ("bash", "sh", "which"):  # what Snakemake itself needs
        (tmp_path / name).symlink_to(shutil.which(name))
    monkeypatch.setenv("PATH", str(tmp_path))
    done = snakemake(ROOT, how, "profiles/lsf", "--directory", tmp_path / "study")
    assert done.returncode == 1
    assert (
        "profiles/lsf: sends jobs to LSF, but bsub, bjobs, bkill cannot be found here"
        in done.stdout
    )
    assert "without the profile" in done.stdout
    assert not (tmp_path / "study/results").exists()
