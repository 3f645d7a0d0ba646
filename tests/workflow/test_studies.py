"""The phantom study as a person runs it: the default one, a wrong one, one whose audit fails."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from helpers.project import ROOT, SMALL, copy_study, rules_to_run, snakemake

pytestmark = pytest.mark.slow


def test_the_default_study_comes_near_the_right_answer(tmp_path):
    """The phantom's ceiling is 0.9; an AUROC of 0.9 on 144 images has a standard error of 0.025."""
    done = snakemake(ROOT, "--cores", "2", "--directory", tmp_path, "results/metrics.csv")
    assert done.returncode == 0, done.stdout
    values = pd.read_csv(tmp_path / "results/metrics.csv").query("level == 'image'")
    interval = values.query("partition == 'test' and metric == 'auroc'").iloc[0]
    assert interval["low"] < 0.9 < interval["high"]
    values = values.set_index(["partition", "metric"])["value"]
    assert 0.75 < values["test", "auroc"] < 0.9 + 3 * 0.025
    assert values["test", "accuracy"] > values["test", "majority_class_accuracy"] + 0.15


def test_a_wrong_configuration_stops_before_anything_runs(study):
    done = snakemake(study, "--config", "training={epoch: 3}", "image={size: big}", "sed=1")
    assert done.returncode != 0
    assert "has 3 mistake(s)" in done.stdout
    assert (
        '--config: training.epoch ("3"): unknown key, did you mean training.epochs?' in done.stdout
    )
    size = '--config: image.size: "big" is not allowed; allowed: a whole number, at least 16'
    assert f"{size}, at most 1024" in done.stdout


def test_a_failed_audit_stops_training_and_can_be_read(study, tmp_path):
    """With a patient in two partitions the audit is written, and the gate names the patient."""
    project = copy_study(study, tmp_path / "project")
    shutil.rmtree(project / "results/runs")
    target = "results/splits/official-validation0.2-seed1"
    manifest = pd.read_csv(project / target / "manifest.csv")
    row = manifest.index[manifest["partition"] == "training"][0]
    manifest.loc[row, "partition"] = "test"
    manifest.to_csv(project / target / "manifest.csv", index=False)
    done = snakemake(project, "--cores", "2", *SMALL)
    assert done.returncode != 0
    assert f"no patient in two partitions: {manifest['patient_id'][row]}" in done.stdout
    assert "Nothing is trained or evaluated" in done.stdout
    audit = json.loads((project / target / "audit.json").read_text())
    assert {check["name"] for check in audit["checks"] if check["status"] == "fail"} >= {
        "no patient in two partitions"
    }
    assert not (project / "results/runs").exists()
    done = snakemake(project, "audit", *SMALL)
    assert done.returncode == 0
    assert re.search(r"^fail  no patient in two partitions +1 ", done.stdout, re.MULTILINE)
    assert f"          {manifest['patient_id'][row]}: " in done.stdout


def test_a_named_target_makes_itself_and_what_it_needs(tmp_path):
    done = snakemake(ROOT, "results/plots/loss.png", "-n", "--directory", tmp_path / "run")
    assert rules_to_run(done) == {
        "make_phantom",
        "take_inventory",
        "list_images",
        "find_duplicates",
        "split_patients",
        "audit_split",
        "gate_split",
        "decode_images",
        "gather_tensors",
        "train_network",
        "tabulate_curves",
        "draw_figure",
    }
    assert Path(tmp_path / "run/results").exists() is False
