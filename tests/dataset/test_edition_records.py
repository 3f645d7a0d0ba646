"""The records of the editions: what each says of itself."""

import dataclasses
import subprocess
import sys

import pytest
import yaml

from helpers.project import ROOT
from mammo.dataset.edition import OPEN, REGIONS_SHOWN
from mammo.dataset.editions import EDITIONS
from mammo.dataset.layout import CASE_TABLES
from mammo.dataset.settings import EDITION_NAMES, Dataset, Phantom

RECORDS = pytest.mark.parametrize("edition", EDITIONS.values(), ids=[*EDITIONS])


def test_the_configuration_allows_the_editions_that_there_are():
    assert [*EDITIONS] == EDITION_NAMES
    assert all(name == edition.name for name, edition in EDITIONS.items())
    extra = Dataset.model_fields["edition"].json_schema_extra
    assert extra["enum"] == EDITION_NAMES


def test_the_records_bring_nothing_slow():
    code = "import sys; from mammo.dataset.editions import EDITIONS; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT / "workflow",
    )
    assert not {"numpy", "pandas", "PIL", "pydicom", "scipy"} & {*done.stdout.split()}


@RECORDS
def test_a_record_is_complete(edition):
    assert {*edition.needs} <= {"path", "table", "patient"}
    assert all(f"{key}: " in edition.given for key in edition.needs)
    assert edition.description.endswith(".")
    assert edition.shown.keys() == REGIONS_SHOWN.keys()
    assert edition.synthetic == (edition.needs == ())
    for heading, lines in dataclasses.asdict(edition.datasheet(Phantom.default())).items():
        assert lines, heading
        assert all(isinstance(line, str) and line[-1] == "." for line in lines), heading
        if edition.own_images:
            assert any(line.startswith(OPEN) for line in lines), heading


@RECORDS
def test_the_overlay_selects_the_edition(edition):
    file = ROOT / (edition.overlay or "config/config.yaml")
    assert yaml.safe_load(file.read_text())["dataset"]["edition"] == edition.name


def test_only_synthetic_images_are_warned_of():
    phantom = Phantom.default(lookalikes=0.25)
    warned = {name: edition.warning(phantom) for name, edition in EDITIONS.items()}
    assert [name for name, text in warned.items() if text] == ["phantom"]
    assert "Bayes-optimal AUROC is 0.75" in warned["phantom"]
    assert [name for name, edition in EDITIONS.items() if edition.limitation] == ["phantom"]


def test_the_tables_that_an_edition_is_read_from_are_watched(tmp_path):
    assert EDITIONS["phantom"].watched("results/phantom", None) == [
        *(f"results/phantom/csv/{name}" for name in CASE_TABLES.values()),
        "results/phantom/csv/dicom_info.csv",
        "results/phantom/csv/meta.csv",
    ]
    for name in [*CASE_TABLES.values(), "dicom_info.csv", "mine.csv"]:
        (tmp_path / name).write_text("x")
    cases = [str(tmp_path / name) for name in CASE_TABLES.values()]
    folder = str(tmp_path)
    assert EDITIONS["dicom"].watched(folder, None) == cases
    assert EDITIONS["kaggle"].watched(folder, None) == [*cases, str(tmp_path / "dicom_info.csv")]
    assert EDITIONS["table"].watched(folder, "mine.csv") == [str(tmp_path / "mine.csv")]
    assert EDITIONS["table"].watched(folder, "none.csv") == []
    assert EDITIONS["folder"].watched(folder, None) == []


def test_a_reader_says_which_key_it_lacks():
    with pytest.raises(ValueError, match=r"dataset\.path: null, but the kaggle edition needs it"):
        Dataset.default(edition="kaggle").required("path")
