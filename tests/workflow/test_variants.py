"""Other splits, regions and shards than the default's, run by real rules on the small phantom."""

import json
import shutil
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers.project import SMALL, snakemake
from mammo.dataset.images import decode

pytestmark = pytest.mark.slow


@pytest.fixture
def variant(study, tmp_path):
    """A function that runs a copy of the small study with other settings.

    It returns (results, what Snakemake said).
    """
    folder = tmp_path / "project"
    shutil.copytree(study, folder, symlinks=True)

    def run(*settings, targets=()):
        done = snakemake(folder, *targets, "--cores", "2", *SMALL, *settings)
        assert done.returncode == 0, done.stdout
        return folder / "results", done.stdout

    return run


def test_everything_made_from_a_split_that_leaks_says_so(variant):
    results, said = variant("split={by: image, method: folds, folds: 2}")
    mark = "leaks patients (split by image)"
    assert f"NOT EVIDENCE OF PERFORMANCE: the split {mark}" in said
    split = results / "splits/folds-folds2-validation0.2-seed1-by_image"
    tables = [split / "manifest.csv", results / "metrics.csv", *results.glob("plots/*.csv")]
    for fold in (0, 1):
        run = results / f"runs/baseline/fold{fold}-seed1"
        tables += [run / f"{name}.csv" for name in ("history", "predictions", "metrics")]
    for table in tables:
        assert set(pd.read_csv(table)["leaks"]) == {mark}, table
    assert json.loads((split / "audit.json").read_text())["leaks"] == mark
    assert json.loads((split / "gate.json").read_text())["leaks"] == mark
    assert {
        row["leaks"] for row in json.loads((results / "metrics.json").read_text())["values"]
    } == {mark}
    for figure in results.glob("plots/*.png"):
        with Image.open(figure) as image:
            red = (np.asarray(image.convert("RGB")) == (0xC0, 0x23, 0x2C)).all(-1)
        assert red.mean() > 0.005, figure
    manifest = pd.read_csv(split / "manifest.csv")
    assert manifest.groupby(["fold", "patient_id"])["partition"].nunique().max() > 1
    tested = manifest.loc[manifest["partition"] == "test", "image_id"]
    assert sorted(tested) == sorted(manifest["image_id"].unique())

    _, said = variant("split={by: image, method: folds, folds: 2}", targets=["audit"])
    assert f"NOT EVIDENCE OF PERFORMANCE: the split {mark}" in said
    assert "warn  no patient in two partitions" in said
    again = variant("split={by: image, method: folds, folds: 2}", targets=["audit"])[1]
    assert "warn  no patient in two partitions" in again  # each time it is asked


def test_every_later_artifact_carries_the_fingerprint(study):
    results = study / "results"
    fingerprint = json.loads((results / "inventory/fingerprint.json").read_text())["fingerprint"]
    later = [
        *results.glob("regions/*/images.csv"),
        *results.glob("tensors/*/index.csv"),
        *results.glob("splits/*/manifest.csv"),
        *results.glob("splits/*/excluded.csv"),
        *results.glob("tensors/*/excluded.csv"),
        results / "inventory/excluded.csv",
        *results.glob("runs/*/*/*.csv"),
        results / "metrics.csv",
        *results.glob("plots/*.csv"),
    ]
    assert len(later) >= 12
    for table in later:
        assert set(pd.read_csv(table)["dataset"].astype(str)) == {fingerprint}, table
    for figure in [*results.glob("plots/*.png"), *results.glob("inventory/*.png")]:
        with Image.open(figure) as image:
            assert image.text["Dataset"] == fingerprint
    for name in ("audit", "gate"):
        assert (
            json.loads(next(results.glob(f"splits/*/{name}.json")).read_text())["dataset"]
            == fingerprint
        )
    with zipfile.ZipFile(results / "runs/baseline/fold0-seed1/model.keras") as model:
        assert json.loads(model.read("origin.json")) == {"dataset": fingerprint, "leaks": ""}


def test_the_number_of_shards_changes_no_result(variant, study):
    results, _ = variant("image={shards: 3}", targets=["results/metrics.csv"])
    shards = [np.load(results / f"tensors/crop-64/shard-{n}of3/pixels.npy") for n in (1, 2, 3)]
    whole = np.load(study / "results/tensors/crop-64/shard-1of1/pixels.npy")
    assert max(map(len, shards)) - min(map(len, shards)) <= 1
    assert np.array_equal(np.concatenate(shards), whole)
    for name in ("index.csv", "excluded.csv"):
        assert (results / f"tensors/crop-64/{name}").read_bytes() == (
            study / f"results/tensors/crop-64/{name}"
        ).read_bytes()
    run = "runs/baseline/fold0-seed1/predictions.csv"
    assert (results / run).read_bytes() == (study / "results" / run).read_bytes()


def test_whole_images_are_studied_once_each_with_all_their_lesions(variant, study):
    results, _ = variant("image={region: full, fit: pad, mixed: leave_out}")
    images = pd.read_csv(results / "regions/full_unmixed/images.csv")
    lesions = pd.read_csv(results / "inventory/lesions.csv")
    excluded = pd.read_csv(results / "regions/full_unmixed/excluded.csv")
    classes = lesions.groupby("full_file")["label"].nunique()
    mixed = set(classes[classes == 2].index)
    assert len(mixed) > 0
    assert set(images["file"]) == set(lesions["full_file"].dropna()) - mixed
    assert set(excluded["reason"]) == {"mixed_classes"}
    assert (
        images["lesion_id"].str.count(";").add(1).sum()
        == lesions["full_file"].isin(images["file"]).sum()
    )
    tensor = np.load(results / "tensors/full_unmixed-pad-64/shard-1of1/pixels.npy")
    assert len(tensor) == len(images)
    assert np.array_equal(tensor[0], decode(results / "phantom" / images["file"][0], 64, "pad"))
    predictions = pd.read_csv(results / "runs/baseline/fold0-seed1/predictions.csv")
    assert set(predictions["image_id"]) <= set(images["image_id"])


def test_context_shows_the_lesion_in_the_middle_of_its_surroundings(variant):
    target = "results/tensors/context-margin100-64/index.csv"
    results, _ = variant("image={region: context, margin: 100}", targets=[target])
    images = pd.read_csv(results / "regions/context/images.csv")
    pixels = np.load(results / "tensors/context-margin100-64/shard-1of1/pixels.npy").astype(float)
    mass = pixels[(images["kind"] == "mass").to_numpy()]
    # The phantom's masses are brighter than what is around them.
    assert (mass[:, 24:40, 24:40].mean((1, 2)) > mass[:, [2, -3]].mean((1, 2))).mean() > 0.9
