"""Preflight: what is found on a machine, what is made of it, and the command as a person gives it."""

import json
import re

import pytest

from helpers.datasets import TinyKaggle
from helpers.project import ROOT, snakemake
from mammo.model.devices import list_gpus
from mammo.study.node import found_here
from mammo.study.preflight import as_text, checks

HERE = {
    "machine": "head",
    "python": "3.11.7",
    "interpreter": "/env/bin/python",
    "packages": {"snakemake": "9.27.1", "numpy": "2.4.6"},
    "cpus": 8,
    "gpus": [],
    "free_gb": {"results": 100.0, "/tmp": 20.0},
    "folder": True,
    "path": "/data",
    "missing_tables": [],
    "token": "a",
}
NODE = HERE | {"machine": "c1", "gpus": ["GPU-aa"]}


def statuses(node, gpus=1, threads=2, here=HERE):
    rows = list(checks(here, node, gpus, threads))
    assert {status for status, *_ in rows} <= {"pass", "warn", "fail"}
    assert all(bool(way_out) == (status != "pass") for status, *_, way_out in rows)
    return {what: status for status, what, *_ in rows if status != "pass"}


def test_a_node_that_has_all_passes():
    assert statuses(NODE) == {}
    assert statuses(NODE | {"python": "3.11.9"}) == {}


@pytest.mark.parametrize(
    ("other", "found"),
    [
        ({"python": "3.12.1"}, {"Python": "fail"}),
        ({"packages": {"snakemake": "8.0", "numpy": "2.4.6"}}, {"snakemake": "fail"}),
        ({"packages": {"snakemake": "9.27.1"}}, {"numpy": "warn"}),
        ({"token": "b"}, {"results/ shared": "fail"}),
        ({"cpus": 1}, {"CPUs": "warn"}),
        ({"gpus": []}, {"GPUs": "warn"}),
        ({"free_gb": {"results": 1.0, "/scratch": 20.0}}, {"free, results": "warn"}),
        ({"free_gb": {"results": 100.0, "/scratch": 0.1}}, {"free, /tmp, /scratch": "warn"}),
        ({"folder": False}, {"dataset": "fail"}),
        ({"missing_tables": ["/data/csv/a.csv"]}, {"its tables": "fail"}),
    ],
)
def test_what_is_amiss_is_told_with_the_way_out(other, found):
    assert statuses(NODE | other) == found
    text = "\n".join(as_text(list(checks(HERE, NODE | other, 1, 2))))
    assert re.search(r"^(fail|warn) .*\n +→ ", text, re.MULTILINE)
    assert text.splitlines()[1].startswith(next(iter(found.values())))  # first what matters


def test_an_edition_without_a_folder_asks_for_none():
    assert "dataset" not in {
        what for _, what, *_ in checks(HERE | {"path": None}, NODE | {"path": None}, 0, 2)
    }


def test_what_a_machine_has(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "there.csv").touch()
    found = found_here(
        str(tmp_path), [str(tmp_path / "there.csv"), str(tmp_path / "gone.csv")], None
    )
    assert found["folder"]
    assert found["missing_tables"] == [str(tmp_path / "gone.csv")]
    assert found["packages"]["snakemake"]
    assert found["free_gb"]["results"] > 0
    answer = found_here(str(tmp_path / "no"), [], json.dumps(found))
    assert answer["token"] == found["token"] != found_here(None, [], None)["token"]
    assert not answer["folder"]


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
