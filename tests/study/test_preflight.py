"""Preflight: what is found on a machine, what is made of it, and the command."""

import json
import re

import pytest

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
