"""`snakemake plan`: what would run and why, what it would take, and that nothing is started."""

import re
import shutil

import pytest

from helpers.project import ROOT, SMALL, edited, snakemake

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def copied(study, tmp_path_factory):
    """A copy of what the study left, for `--directory`: notes, benchmarks and all."""
    folder = tmp_path_factory.mktemp("plan") / "run"
    shutil.copytree(study / "results", folder / "results")
    shutil.copytree(study / ".snakemake/metadata", folder / ".snakemake/metadata")
    return folder


def files(folder):
    return {path: path.stat().st_mtime_ns for path in (folder / "results").rglob("*")}


def rows(done):
    """{step: what stands in its row, its further lines too} of a plan."""
    assert done.returncode == 0, done.stdout
    found, step, table = {}, None, done.stdout[done.stdout.index("\nA plan: ") :]
    for line in table[table.index("\nstep ") + 1 :].split("\n")[1:]:
        if not line:
            return found
        step = line.split()[0] if line[0] != " " else step
        found[step] = found.get(step, "") + line.strip() + "\n"


def test_a_plan_of_what_is_up_to_date_has_nothing_to_do(study, copied):
    before = files(copied)
    done = snakemake(study, "plan", "--cores", "4", "--directory", copied, *SMALL)
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout
    done = snakemake(study, "plan", "results/plots/loss.png", "--directory", copied, *SMALL)
    assert done.returncode == 0
    assert "Nothing to do: everything that was asked for is there and up to date." in done.stdout
    assert files(copied) == before


def test_a_plan_tells_keys_experiments_and_times_and_starts_nothing(study, copied, tmp_path):
    before = files(copied)
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(
        "phantom: {patients: 36}\ntraining: {epochs: 3}\nevaluation: {draws: 500}\n"
        "experiments: {small: {image: {size: 32}}}\n"
    )
    done = snakemake(study, "plan", "--cores", "2", "--directory", copied, "--configfile", overlay)
    found = rows(done)
    training = found["train_network"]
    assert re.match(
        r"train_network +2 +.* MB +itself 1, others 1 +training.epochs: 2 → 3 \(1 of 2\)\n",
        training,
    )
    assert "new experiment: small (1 of 2)" in training
    assert re.search(r" itself +training.epochs: 2 → 3\n$", found["train_shuffled"])
    assert "new experiment: small" in found["decode_images"]
    assert "evaluation.draws: 2000 → 500 (1 of 2)" in found["evaluate_run"]
    assert "follows from train_network" in found["explain_run"]
    assert found["record_provenance"].count("→") == 2
    assert re.search(
        r"compare_experiments +1 +\? +\? +\? +unknown +not made yet", found["compare_experiments"]
    )
    assert "take_inventory" not in found
    assert re.search(
        r"^Expected: at least .* of work; on 2 core\(s\) at least about ", done.stdout, re.MULTILINE
    )
    assert "Done." not in done.stdout
    assert files(copied) == before
    assert not list((copied / ".snakemake").glob("locks/*"))
    # The same again: a plan changes nothing that a plan or a run would look at.
    again = snakemake(study, "plan", "--cores", "2", "--directory", copied, "--configfile", overlay)
    assert rows(again) == found


def test_a_plan_tells_what_was_edited_what_is_missing_and_what_is_newer(editable, copied, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(copied, folder)
    (folder / "results/plots/loss.png").unlink()
    manifest = next((folder / "results/splits").glob("*/manifest.csv"))
    manifest.write_text(manifest.read_text().replace("training", "validation", 1))
    with edited(editable / "workflow/mammo/statistics/calibration.py"):
        found = rows(snakemake(editable, "plan", "--directory", folder, *SMALL))
    assert "edited: mammo/statistics/calibration.py" in found["score_images"]
    assert "missing: results/plots/loss.png (1 of" in found["draw_figure"]
    assert f"newer than what was made of it: {manifest.relative_to(folder)}" in found["audit_split"]
    assert "take_inventory" not in found


def test_a_plan_of_a_folder_where_nothing_ran_claims_nothing(tmp_path):
    done = snakemake(
        ROOT, "plan", "results/metrics.csv", "--directory", tmp_path / "new", "--cores", "2"
    )
    found = rows(done)
    assert all(row.endswith("unknown        not made yet\n") for row in found.values())
    assert {"make_phantom", "train_network", "collect_metrics"} <= found.keys()
    assert "nothing is known of their time and memory" in done.stdout
    assert {path.name for path in (tmp_path / "new").iterdir()} == {".snakemake"}


def test_a_plan_for_a_cluster_counts_jobs_and_submits_none(study, copied, tmp_path):
    submit = tmp_path / "submit.sh"
    submit.write_text(f"#!/bin/sh\ntouch {tmp_path}/submitted\nexit 1\n")
    submit.chmod(0o755)
    cluster = [
        "--executor",
        "cluster-generic",
        "--cluster-generic-submit-cmd",
        submit,
        "--jobs",
        "20",
    ]
    done = snakemake(
        study,
        "plan",
        "results/metrics.csv",
        "--directory",
        copied,
        *cluster,
        *SMALL[:2],
        "training={epochs: 1}",
    )
    assert re.search(
        r"; with 20 job\(s\) at a time about .* waiting in the queue not\.$",
        done.stdout,
        re.MULTILINE,
    )
    assert done.returncode == 0
    assert not (tmp_path / "submitted").exists()
