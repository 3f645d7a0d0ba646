"""The downloads by name: they need no study, and claim none."""

import json

import pytest

from helpers.project import ROOT, rules_to_run, snakemake
from mammo.dataset.download.records import CASE_TABLES

pytestmark = pytest.mark.slow

NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens there


def lay(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


@pytest.fixture(scope="module")
def whole_edition(tmp_path_factory):
    """As many files of Kaggle's size as are published, all of them holes.

    They lie in the folder that a download would fill.
    """
    folder = tmp_path_factory.mktemp("data") / "kaggle"
    names = [f"jpeg/2.25.{n % 6774}/{n // 6774 + 1}-{n:05}.jpg" for n in range(10_237)]
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with open(folder / name, "wb") as file:
            file.truncate(620_000)
    lay(folder, {f"csv/{name}": b" " * size for name, size in CASE_TABLES.items()})
    listed = "image_path\n" + "".join(f"CBIS-DDSM/{name}\n" for name in names)
    lay(folder, {"csv/dicom_info.csv": listed.encode(), "csv/meta.csv": b"x"})
    return folder


def test_a_download_by_name_needs_and_claims_nothing_and_looks_each_time(
    whole_edition, tmp_path, monkeypatch
):
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, NOWHERE)  # whatever network this machine has
    record = json.dumps({"edition": "table", "path": "/another/study", "table": "t.csv"})
    lay(tmp_path, {"results/dataset.json": record.encode(), "results/inventory/lesions.csv": b"x"})
    ask = ["--directory", tmp_path, "--config", f"download={{path: {whole_edition.parent}}}"]
    assert rules_to_run(snakemake(ROOT, "-n", "download_kaggle", *ask)) == {"download_kaggle"}
    for target in ("download_kaggle", "results/downloads/kaggle.json"):
        done = snakemake(ROOT, "--cores", "1", target, *ask)
        assert done.returncode == 0, done.stdout
        assert "Downloaded and verified: 10,237 files in 6,774 folders, 6.3 GB, in" in done.stdout
        command = "snakemake --cores 4 --configfile config/kaggle.yaml"
        given = f"--config 'dataset={{path: {whole_edition}}}'"
        assert f"Next: {command} {given}" in done.stdout
        assert "tail -f" in done.stdout
        assert "run(s)" not in done.stdout
    assert json.loads((tmp_path / "results/downloads/kaggle.json").read_text())["tables"] == 6
    assert (tmp_path / "results/dataset.json").read_text() == record
    both = snakemake(ROOT, "--cores", "1", "download_kaggle", "all", *ask)
    for done in (both, snakemake(ROOT, "--cores", "1", *ask), snakemake(ROOT, "-n", *ask)):
        assert done.returncode != 0
        assert "was made from another dataset" in done.stdout
    assert not (tmp_path / "results/phantom").exists()

    lost = whole_edition / "jpeg/2.25.7"
    lost.rename(whole_edition / "elsewhere")
    done = snakemake(ROOT, "--cores", "1", "download_kaggle", *ask)
    (whole_edition / "elsewhere").rename(lost)
    assert done.returncode != 0
    assert "2 files are missing" in done.stdout
    assert done.stdout.count("error: ") == 1
    assert "By hand: download https://www.kaggle.com/datasets/awsaf49" in done.stdout
    assert "Traceback" not in done.stdout
    assert len(list((whole_edition / "jpeg").iterdir())) == 6774


def test_a_study_needs_no_download(tmp_path):
    assert not {
        rule
        for rule in rules_to_run(snakemake(ROOT, "-n", "--directory", tmp_path))
        if "download" in rule
    }
