"""`snakemake preflight`, as a person gives it."""

import json
import re

import pytest

from helpers.datasets import TinyKaggle
from helpers.project import ROOT, snakemake
from mammo.model.devices import list_gpus

pytestmark = pytest.mark.slow


def test_preflight_is_asked_anew_each_time_and_claims_nothing(tmp_path):
    tokens = []
    for _ in range(2):
        done = snakemake(
            ROOT,
            "preflight",
            "--cores",
            "2",
            "--directory",
            tmp_path,
            "--config",
            "training={gpus: 1}",
        )
        assert done.returncode == 0, done.stdout
        assert ("training.gpus is 1: runs would train on the CPU" in done.stdout) == (
            not list_gpus()
        )
        tokens.append(json.loads((tmp_path / "results/preflight/node.json").read_text())["token"])
    assert tokens[0] != tokens[1]
    assert not (tmp_path / "results/dataset.json").exists()


def test_preflight_may_be_asked_where_results_are_another_datasets(tmp_path):
    (tmp_path / "run/results/inventory").mkdir(parents=True)
    (tmp_path / "run/results/inventory/lesions.csv").touch()
    theirs = '{"edition": "phantom", "path": null, "table": null}'
    (tmp_path / "run/results/dataset.json").write_text(theirs)
    data = TinyKaggle(tmp_path / "data").write()
    given = [
        "--directory",
        tmp_path / "run",
        "--configfile",
        "config/kaggle.yaml",
        "--config",
        f"dataset={{path: {data}}}",
    ]
    assert "was made from another dataset" in snakemake(ROOT, *given).stdout
    done = snakemake(ROOT, "preflight", "--cores", "2", *given)
    assert done.returncode == 0, done.stdout
    assert re.search("^pass  dataset +there +there$", done.stdout, re.MULTILINE)
    assert (tmp_path / "run/results/dataset.json").read_text() == theirs
