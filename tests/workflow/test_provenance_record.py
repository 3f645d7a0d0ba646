"""What a run records of its results, and `snakemake verify`, which names what no longer matches."""

import json
import shutil

import pytest

from helpers.project import SMALL, snakemake
from mammo.hashing import sha256
from mammo.study.provenance import code_of_steps

pytestmark = pytest.mark.slow


def test_provenance_has_the_hash_of_every_result_and_what_it_was_made_from(study):
    results = study / "results"
    record = json.loads((results / "provenance.json").read_text())
    files = {
        path.relative_to(results).as_posix()
        for path in results.rglob("*")
        if path.is_file()
        and path.relative_to(results).parts[0] not in ("logs", "benchmarks", "phantom")
    }
    assert files - set(record["files"]) == {
        "dataset.json",
        "provenance.json",
        "inventory/headers.csv",
    }
    assert all(sha256(results / path) == known["sha256"] for path, known in record["files"].items())
    assert record["experiments"]["baseline"]["training"]["epochs"] == 2
    assert record["dataset"] == {
        "edition": "phantom",
        **json.loads((results / "inventory/fingerprint.json").read_text()),
    }
    assert record["code"] == code_of_steps()
    assert str(study) not in (results / "provenance.json").read_text()


def test_metrics_name_the_predictions_that_they_were_computed_from(study):
    made_from = json.loads((study / "results/metrics.json").read_text())["made_from"]
    assert "results/runs/baseline/fold0-seed1/predictions.csv" in made_from
    assert all(sha256(study / path) == known for path, known in made_from.items())


@pytest.fixture
def copied(study, tmp_path):
    """The results of the study, to be spoilt. Hashing reads what links lead to, but here files are changed."""
    shutil.copytree(study / "results", tmp_path / "results")
    return tmp_path


def verify(study, folder):
    return snakemake(study, "verify", "--directory", folder, "--cores", "1", *SMALL)


def test_what_was_not_touched_matches(study, copied):
    done = verify(study, copied)
    assert done.returncode == 0, done.stdout
    assert "Everything matches what was recorded." in done.stdout
    assert "not recorded" not in done.stdout


def test_everything_that_was_touched_is_named(study, copied):
    results = copied / "results"
    (results / "metrics.csv").write_text(
        (results / "metrics.csv").read_text().replace("0.", "0.9", 1)
    )
    (results / "characteristics.html").unlink()
    with open(results / "plots/loss.csv", "a") as file:
        file.write(" ")
    (results / "plots/mine.png").write_bytes((results / "plots/loss.png").read_bytes())
    image = next((results / "phantom/jpeg").rglob("*.jpg"))
    image.write_bytes(image.read_bytes() + b"x")
    next((results / "phantom/csv").glob("mass*")).open("a").write("x")
    done = verify(study, copied)
    assert done.returncode != 0
    for line in [
        "WRONG  missing: 1",
        "         characteristics.html",
        "WRONG  changed: 2",
        "         metrics.csv",
        "         plots/loss.csv",
        "WRONG  dataset: 2",
        f"         {image.relative_to(results / 'phantom').as_posix()} had ",
        "WRONG  stamp: 2",
        "plots/loss.png does not show loss.csv as it is",
        "note   not recorded: 1",
        "         plots/mine.png",
        "7 thing(s) no longer match.",
    ]:
        assert line in done.stdout, (line, done.stdout)


def test_other_code_and_other_packages_are_told_but_are_no_fault(study, copied):
    path = copied / "results/provenance.json"
    record = json.loads(path.read_text())
    record["code"]["train_network"] = "0" * 16
    record["made_with"]["packages"]["numpy"] = "1.0"
    path.write_text(json.dumps(record))
    done = verify(study, copied)
    assert done.returncode == 0, done.stdout
    assert "train_network has changed" in done.stdout
    assert "numpy 1.0, and now " in done.stdout


def test_without_a_record_verify_says_how_to_get_one(study, tmp_path):
    done = verify(study, tmp_path)
    assert done.returncode != 0
    assert "provenance.json is not there: the study's whole command" in done.stdout
