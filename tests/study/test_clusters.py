"""Clusters: is a scheduler there behind a profile, and what recovers a killed Snakemake."""

import importlib.util
import subprocess
import sys
import time

import psutil
import pytest

from helpers.batch import stubs
from helpers.project import ROOT, options
from mammo.study.clusters import no_cluster


@pytest.mark.parametrize(
    ("squeue", "sacct", "answer"),
    [
        ("echo COMPLETED", "exit 1", "success"),
        ("echo PENDING", "exit 1", "running"),
        ("echo COMPLETING", "exit 1", "running"),
        ("echo OUT_OF_MEMORY", "exit 1", "failed"),
        (
            "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1",
            "exit 1",
            "running",
        ),
        (
            "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1",
            "echo COMPLETED",
            "success",
        ),
        ("echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1", "exit 1", "failed"),
    ],
)
def test_what_the_status_script_says_of_a_slurm_job(squeue, sacct, answer, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", stubs(tmp_path / "bin", squeue=squeue, sacct=sacct))
    done = subprocess.run(
        [ROOT / "profiles/slurm-generic/status.sh", "7"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{answer}\n"
    assert (done.stderr != "") == (answer == "failed")


def recover():
    """profiles/recover.py as a module."""
    spec = importlib.util.spec_from_file_location("recover", ROOT / "profiles/recover.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_a_killed_snakemake_left_is_ended_in_its_folder_alone(lsf, tmp_path, capfd):
    for folder in ("mine", "other"):
        (tmp_path / folder).mkdir()
        subprocess.run(["bsub", "exec sleep 100"], cwd=tmp_path / folder, check=True)
    (tmp_path / "mine/.snakemake/scripts").mkdir(parents=True)
    script = tmp_path / "mine/.snakemake/scripts/tmp1.step.py"
    script.write_text("import time\ntime.sleep(100)\n")
    with subprocess.Popen([sys.executable, script], cwd=tmp_path / "mine") as step:
        time.sleep(0.5)
        recover().end_what_was_left(tmp_path / "mine")
        assert not psutil.pid_exists(step.pid)
    said = capfd.readouterr().out
    assert f"in the queue of {tmp_path / 'mine'}: 1\n" in said
    assert f"process {step.pid}" in said
    assert [(lsf / job / "stat").read_text() for job in ("1", "2")] == ["EXIT\n", "RUN\n"]
    subprocess.run(["bkill", "2"], check=True)


def test_nothing_is_touched_while_snakemake_runs_or_the_queue_does_not_answer(
    tmp_path, monkeypatch
):
    module = recover()
    (tmp_path / "snakemake").write_text("import time\ntime.sleep(100)\n")
    with subprocess.Popen([sys.executable, tmp_path / "snakemake"], cwd=tmp_path) as running:
        try:
            time.sleep(0.5)
            with pytest.raises(
                SystemExit, match=f"still works in {tmp_path}, as process {running.pid}"
            ):
                module.end_what_was_left(tmp_path)
        finally:
            running.kill()
    no_answer = "echo 'Unable to contact slurm controller' >&2; exit 1"
    monkeypatch.setenv("PATH", stubs(tmp_path / "bin", squeue=no_answer))
    with pytest.raises(
        SystemExit, match=r"squeue does not answer.*Unable to contact.*\n.*Nothing was changed"
    ):
        module.end_what_was_left(tmp_path)


def test_a_profile_with_no_cluster_behind_it():
    nowhere = {"which": lambda program: None}
    assert no_cluster(options(), **nowhere) == ""
    slurm = options(executor="slurm", workflow_profile="profiles/slurm")
    assert "profiles/slurm: sends jobs to Slurm, but sbatch, squeue, scancel" in no_cluster(
        slurm, **nowhere
    )
    assert no_cluster(slurm, which=lambda program: f"/usr/bin/{program}") == ""
    assert no_cluster(options(executor="slurm", dryrun=True), **nowhere) == ""
    only_bsub = {"which": lambda program: "/usr/bin/bsub" if program == "bsub" else None}
    lsf = options(
        executor="cluster-generic", cluster_generic_cancel_cmd="bkill", profile=["profiles/lsf"]
    )
    assert "profiles/lsf: sends jobs to LSF, but bjobs, bkill cannot be found" in no_cluster(
        lsf, **only_bsub
    )
    assert (
        no_cluster(
            options(executor="cluster-generic", cluster_generic_cancel_cmd="qdel"), **nowhere
        )
        == ""
    )
