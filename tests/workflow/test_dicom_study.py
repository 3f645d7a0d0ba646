"""A study of DICOM files: no secret of a header leaks, and nothing is written into the dataset."""

import os
import stat

import pytest

from helpers.datasets import NAMES, TinyKaggle
from helpers.dicom_files import WINDOW, keep_secrets, write_edition, write_secret_into_window
from helpers.project import ROOT, rules_to_run, snakemake
from mammo.dataset.headers import read_header

pytestmark = pytest.mark.slow


@pytest.fixture
def secretive(tmp_path):
    """A DICOM edition whose headers are full of secrets.

    Two crops are broken, and nothing can be written into it.
    """
    data = TinyKaggle(tmp_path / "kaggle")
    folder = write_edition(data, tmp_path / "data", "tcia", **keep_secrets(WINDOW))
    crops = [
        path for path in sorted(folder.rglob("*-1.dcm")) if read_header(path)["described"] == "crop"
    ]
    crops[0].write_bytes(crops[0].read_bytes()[:-500])
    write_secret_into_window(crops[1])
    for path in [folder, *folder.rglob("*")]:
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    yield folder
    for path in [folder, *folder.rglob("*")]:
        path.chmod(path.stat().st_mode | stat.S_IWUSR)


def test_no_secret_of_a_header_reaches_the_results_and_nothing_is_written_into_a_dataset(
    secretive, tmp_path
):
    before = {
        path: (path.stat().st_mtime_ns, path.stat().st_mode)
        for path in [secretive, *secretive.rglob("*")]
    }
    run = tmp_path / "run"
    arguments = [
        "--directory",
        run,
        "--configfile",
        "config/dicom.yaml",
        "--config",
        f"dataset={{path: {secretive}}}",
    ]
    targets = [
        "results/inventory/summary.md",
        "results/inventory/contact_sheet_benign.png",
        "results/tensors/crop-64/index.csv",
    ]
    done = snakemake(ROOT, *targets, "--cores", "2", *arguments)
    assert done.returncode == 0, done.stdout
    assert {
        path: (path.stat().st_mtime_ns, path.stat().st_mode)
        for path in [secretive, *secretive.rglob("*")]
    } == before
    assert (run / "results/tensors/crop-64/excluded.csv").read_text().count(
        "cannot be decoded"
    ) == 2
    written = [path for path in run.rglob("*") if path.is_file()]
    assert len(written) > 12
    for path in written:
        assert b"SECRET" not in path.read_bytes(), path
    assert "SECRET" not in done.stdout
    assert all(
        b"SECRET^JANE" in path.read_bytes() for path in secretive.rglob("*-1.dcm")
    )  # the test would see it

    # What was read stays known, also when a run fails, and a second run is none.
    assert rules_to_run(snakemake(ROOT, *targets, "-n", *arguments)) == set()
    known = (run / "results/inventory/headers.csv").read_bytes()
    table = secretive / NAMES[0]
    table.chmod(0o600)
    table.write_text(table.read_text().replace("MALIGNANT", "UNSURE", 1))
    done = snakemake(ROOT, *targets, "--cores", "2", *arguments)
    assert done.returncode != 0
    assert "pathology: 'UNSURE'" in done.stdout
    assert not (run / "results/inventory/lesions.csv").exists()
    assert (run / "results/inventory/headers.csv").read_bytes() == known
    assert os.access(table, os.R_OK)
