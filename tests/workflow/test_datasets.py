"""Real rules on datasets of one's own, and results that belong to one dataset."""

import numpy as np
import pandas as pd
import pytest

from helpers.datasets import TinyKaggle
from helpers.project import ROOT, copy_workflow, model_weights, snakemake

pytestmark = pytest.mark.slow


def test_a_bare_run_does_not_touch_results_of_another_dataset(study, tmp_path):
    data = TinyKaggle(tmp_path / "data").write()
    before = {path: path.stat().st_mtime_ns for path in (study / "results").rglob("*")}
    done = snakemake(
        study, "--configfile", "config/kaggle.yaml", "--config", f"dataset={{path: {data}}}"
    )
    assert done.returncode != 0
    assert "was made from another dataset" in done.stdout
    assert f"the kaggle edition, path {data}" in done.stdout
    assert "--directory ELSEWHERE" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in (study / "results").rglob("*")} == before


def test_a_bare_run_does_not_touch_a_real_study(elsewhere):
    project, run, _, data = elsewhere
    before = {path: path.stat().st_mtime_ns for path in (run / "results").rglob("*")}
    done = snakemake(project, "--directory", run)
    assert done.returncode != 0
    assert f"there:  the kaggle edition, path {data}" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in (run / "results").rglob("*")} == before


def test_one_named_result_is_enough_to_own_a_folder(tmp_path):
    data = TinyKaggle(tmp_path / "data").write()
    run = ["--directory", tmp_path / "run", "results/inventory/summary.md"]
    done = snakemake(
        ROOT, *run, "--configfile", "config/kaggle.yaml", "--config", f"dataset={{path: {data}}}"
    )
    assert done.returncode == 0, done.stdout
    assert "was made from another dataset" in snakemake(ROOT, *run).stdout


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A Kaggle dataset run from a clean copy with --directory ELSEWHERE.

    Returns (copy, elsewhere, the copy's files before, dataset).
    """
    folder = tmp_path_factory.mktemp("elsewhere")
    data = TinyKaggle(folder / "data", patients=48)
    data.tables["mass_case_description_train_set.csv"][0]["cropped image file path"] = (
        "x/2.25.1/2.25.404/000000.dcm"
    )
    data.tables["mass_case_description_train_set.csv"][0]["ROI mask file path"] = (
        "x/2.25.1/2.25.404/000001.dcm"
    )
    data.write()
    project = copy_workflow(folder / "project")
    before = set(project.rglob("*"))
    done = snakemake(
        project,
        "--cores",
        "2",
        "--directory",
        folder / "run",
        "--configfile",
        "config/kaggle.yaml",
        "--config",
        f"dataset={{path: {data.folder}}}",
        "training={epochs: 1}",
    )
    assert done.returncode == 0, done.stdout
    return project, folder / "run", before, data.folder


def test_everything_that_a_run_writes_goes_to_its_directory(elsewhere):
    project, run, before, _ = elsewhere
    assert set(project.rglob("*")) - before == set()
    assert (run / "results/plots/loss.png").exists()
    assert {path.name for path in run.iterdir()} == {"results", ".snakemake"}


def test_a_missing_series_is_listed_and_the_run_goes_on(elsewhere):
    excluded = pd.read_csv(elsewhere[1] / "results/inventory/excluded.csv")
    assert excluded[["image_id", "reason"]].to_numpy().tolist() == [
        ["mass_P_00000_LEFT_CC_1", "missing_series"]
    ]
    manifest = pd.read_csv(
        elsewhere[1] / "results/splits/official-validation0.2-seed1/manifest.csv"
    )
    assert len(manifest) == 95


def test_a_failed_step_tells_why_and_leaves_what_was_finished(elsewhere):
    project, run, _, data = elsewhere
    arguments = [
        "--cores",
        "2",
        "--directory",
        run,
        "--configfile",
        "config/kaggle.yaml",
        "--config",
        f"dataset={{path: {data}}}",
        "training={epochs: 1}",
    ]
    table = data / "csv/mass_case_description_train_set.csv"
    sound = table.read_text()
    finished = {
        path: path.read_bytes() for path in (run / "results/runs").rglob("*") if path.is_file()
    }
    table.write_text(sound.replace("MALIGNANT", "UNSURE", 1))
    done = snakemake(project, *arguments)
    assert done.returncode != 0
    assert (
        "pathology: 'UNSURE' (allowed: BENIGN, BENIGN_WITHOUT_CALLBACK, MALIGNANT)" in done.stdout
    )
    assert "Traceback" not in done.stdout
    assert not (run / "results/inventory/lesions.csv").exists()  # no half-written output
    assert {path: path.read_bytes() for path in finished} == finished
    assert (run / "results/dataset.json").exists()  # still theirs
    table.write_text(sound)
    assert snakemake(project, "results/metrics.csv", *arguments).returncode == 0


def test_own_images_run_end_to_end_with_the_same_weights_whatever_the_cores(own_images, tmp_path):
    weights = []
    for cores in (1, 2):
        done = snakemake(
            ROOT,
            "--cores",
            cores,
            "--directory",
            tmp_path / str(cores),
            "results/metrics.csv",
            "--configfile",
            "config/table.yaml",
            "--config",
            f"dataset={{path: {own_images}, table: lesions.csv}}",
            "training={epochs: 2, batch_size: 8}",
        )
        assert done.returncode == 0, done.stdout
        run = tmp_path / str(cores) / "results/runs/baseline/fold0-seed1"
        weights.append(((run / "predictions.csv").read_bytes(), model_weights(run / "model.keras")))
    assert weights[0][0] == weights[1][0]
    for a, b in zip(weights[0][1], weights[1][1], strict=True):
        assert np.array_equal(a, b)
