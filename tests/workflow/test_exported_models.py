"""Exported networks of a study, and predicting with them: the same numbers, and what is refused."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers.datasets import save_image
from helpers.project import ROOT, SMALL, snakemake
from mammo.dataset.headers import walk
from mammo.log import InputError
from mammo.model.exported import as_input, read_model, run
from mammo.model.prediction import predict_files
from mammo.report.figures.predictions import gallery
from mammo.tables import read_table

pytestmark = pytest.mark.slow
MODEL = "results/models/baseline-fold0"


def test_the_exported_network_gives_what_the_study_predicted(study):
    model = read_model(study / MODEL)
    assert model.settings["agreement"]["keras"] <= 1e-5
    assert model.settings["agreement"]["scores"] <= 1e-5
    scores = pd.read_csv(study / "results/runs/baseline/scores.csv")
    index = pd.read_csv(study / "results/tensors/crop-64/index.csv").set_index("image_id")["row"]
    pixels = np.load(study / "results/tensors/crop-64/shard-1of1/pixels.npy")[
        index[scores["image_id"]]
    ]
    probability, _ = run(model.session, pixels)
    assert np.abs(probability - scores["probability"]).max() < 1e-5
    assert as_input(pixels[:2]).shape == (2, 64, 64, 3)


def test_the_exported_settings_are_those_of_the_study(study):
    told = json.loads((study / MODEL / "model.json").read_text())
    thresholds = (
        pd.read_csv(study / "results/thresholds.csv").query("level == 'image'").set_index("point")
    )
    for point, row in thresholds.iterrows():
        assert told["thresholds"][point]["threshold"] == pytest.approx(row["threshold"], abs=0)
    metrics = pd.read_csv(study / "results/metrics.csv").query(
        "partition == 'test' and level == 'image'"
    )
    auroc = metrics.set_index("metric").loc["auroc"]
    found = {row["metric"]: row for row in told["test"] if row["point"] == ""}
    assert found["auroc"]["value"] == pytest.approx(auroc["value"])
    assert found["auroc"]["n"] == auroc["n"]
    # So few patients allow no interval, here as there.
    assert (found["auroc"]["low"], found["auroc"]["reason"]) == (None, auroc["reason"])
    scores = pd.read_csv(study / "results/runs/baseline/scores.csv").query("partition == 'test'")
    called = scores["calibrated"] >= thresholds["threshold"]["youden"]
    sensitivity = next(
        row for row in told["test"] if (row["point"], row["metric"]) == ("youden", "sensitivity")
    )
    assert sensitivity["value"] == pytest.approx(called[scores["label"] == 1].mean())
    assert str(study) not in json.dumps(told)  # no path of the machine that made it
    assert "Not for clinical use" in told["limits"]


def test_the_reference_holds_the_training_images_and_no_others(study):
    reference = read_table(study / MODEL / "reference.csv", "reference")
    training = pd.read_csv(study / "results/runs/baseline/scores.csv").query(
        "partition == 'training'"
    )
    assert set(reference["image_id"]) == set(training["image_id"])
    assert "patient_id" not in reference
    label = dict(zip(training["image_id"], training["label"], strict=True))
    assert [label[name] for name in reference["image_id"]] == (
        reference["label"] == "malignant"
    ).astype(int).tolist()


@pytest.fixture(scope="module")
def handed_over(study, tmp_path_factory):
    """A model as somebody else has it, with nothing of the study but its folder."""
    folder = tmp_path_factory.mktemp("handed over") / "a {model}"
    shutil.copytree(study / MODEL, folder)
    return folder


@pytest.fixture(scope="module")
def new_images(study, tmp_path_factory):
    """(folder, {file: image_id}): crops of test, and what else lies about in a folder of images."""
    folder = tmp_path_factory.mktemp("new") / "images"
    (folder / "a folder").mkdir(parents=True)
    scores = pd.read_csv(study / "results/runs/baseline/scores.csv").query("partition == 'test'")
    crops = pd.read_csv(study / "results/regions/crop/images.csv").set_index("image_id")["file"]
    names = {}
    for number, name in enumerate(scores["image_id"].head(12)):
        file = ["{}.jpg", 'a folder/it\'s "{}".jpg', "$x_{}$ é\nü.jpg"][number % 3].format(number)
        shutil.copy(study / "results/phantom" / crops[name], folder / file)
        names[file] = name
    sound = (folder / "0.jpg").read_bytes()
    rng = np.random.default_rng(0)
    save_image(folder / "noise.png", rng.integers(0, 256, (90, 90), dtype=np.uint8))
    (folder / "cut.jpg").write_bytes(sound[: len(sound) // 2])
    (folder / "empty.png").write_bytes(b"")
    (folder / "notes.txt").write_text("<script>alert(1)</script>")
    (folder / "=1+1.png").symlink_to("nowhere")
    (folder / ".hidden.png").write_bytes(sound)
    folder.chmod(0o555)
    yield folder, names
    folder.chmod(0o755)


def predicted(folder):
    return read_table(folder / "results/predictions/predictions.csv", "predicted").set_index("file")


def test_predicting_elsewhere_needs_the_model_alone_and_gives_the_same(
    study, handed_over, new_images, tmp_path
):
    folder, names = new_images
    images = {"images": str(folder), "model": str(handed_over)}
    done = snakemake(
        ROOT,
        "predict",
        "--cores",
        "2",
        "--directory",
        tmp_path,
        "--config",
        f"predict={json.dumps(images)}",
    )
    assert done.returncode == 0, done.stdout
    made = {
        path.relative_to(tmp_path / "results").parts[0]
        for path in (tmp_path / "results").rglob("*")
    }
    assert made == {"predictions", "logs", "benchmarks"}
    found = predicted(tmp_path)
    assert len(found) == len(names) + 5
    scores = pd.read_csv(study / "results/runs/baseline/scores.csv").set_index("image_id")
    for file, name in names.items():
        assert found["raw"][file] == pytest.approx(scores["probability"][name], abs=1e-5)
        assert found["probability"][file] == pytest.approx(scores["calibrated"][name], abs=1e-5)
    by_probability = found["probability"].dropna().sort_values(ascending=False)
    assert found.index[: len(names) + 1].tolist() == by_probability.index.tolist()
    assert "out of distribution" in found["warnings"]["noise.png"]
    assert found["problem"][["cut.jpg", "empty.png", "notes.txt", "=1+1.png"]].ne("").all()
    assert found.loc[found["problem"] != "", ["probability", "raw"]].isna().all(axis=None)
    assert f"{len(names) + 1} of {len(found)} files. Not for clinical use." in done.stdout
    assert Image.open(tmp_path / "results/predictions/gallery.png").width > 1000
    # Asked again, it looks again.
    given = ["--config", f"predict={json.dumps(images)}"]
    again = snakemake(ROOT, "predict", "-n", "--directory", tmp_path, *given)
    assert "predict" in again.stdout


def test_predicting_with_a_model_from_elsewhere_leaves_results_of_another_dataset_alone(
    handed_over, new_images, tmp_path
):
    results = tmp_path / "results"
    (results / "inventory").mkdir(parents=True)
    (results / "inventory/files.csv").write_text("theirs")
    (results / "dataset.json").write_text('{"edition": "kaggle", "path": "/theirs", "table": null}')
    own = ["--cores", "2", "--directory", tmp_path, "--config"]
    images = {"images": str(new_images[0])}
    refused = snakemake(ROOT, "predict", *own, f"predict={json.dumps(images)}")
    assert "was made from another dataset" in refused.stdout
    refused = snakemake(
        ROOT, "all", *own, f"predict={json.dumps(images | {'model': str(handed_over)})}"
    )
    assert "was made from another dataset" in refused.stdout
    done = snakemake(
        ROOT, "predict", *own, f"predict={json.dumps(images | {'model': str(handed_over)})}"
    )
    assert done.returncode == 0, done.stdout
    assert '"/theirs"' in (results / "dataset.json").read_text()
    assert predicted(tmp_path)["probability"].notna().sum() == len(new_images[1]) + 1


def test_predicting_with_the_studys_own_network_shows_the_neighbours(study, new_images, tmp_path):
    """In a copy with Snakemake's notes, so that nothing is trained again."""
    folder = tmp_path / "project"
    shutil.copytree(study, folder, symlinks=True)
    own = [*SMALL, f"predict={json.dumps({'images': str(new_images[0])})}"]
    done = snakemake(folder, "predict", "--cores", "2", *own)
    assert done.returncode == 0, done.stdout
    assert "train_network" not in done.stdout
    found = predicted(folder).loc[list(new_images[1])]
    training = pd.read_csv(folder / "results/runs/baseline/scores.csv").query(
        "partition == 'training'"
    )
    assert set(found[[f"nearest_{number}" for number in (1, 2, 3)]].to_numpy().ravel()) <= set(
        training["image_id"]
    )
    assert (found["nearest_1_distance"] <= found["nearest_2_distance"]).all()


def test_predicting_without_images_says_how_to_give_them(study):
    done = snakemake(study, "predict", "-n", *SMALL)
    assert done.returncode != 0
    assert (
        "predict.images: null; give a folder with --config 'predict={images: DIR}'" in done.stdout
    )
    done = snakemake(study, "predict", "-n", "--config", "predict={images: nowhere}")
    assert "predict.images: 'nowhere' does not exist" in done.stdout


def test_warnings_find_what_is_no_crop_and_spare_what_is(study, tmp_path):
    model = read_model(study / MODEL)
    scores = pd.read_csv(study / "results/runs/baseline/scores.csv").query("partition == 'test'")
    lesions = (
        pd.read_csv(study / "results/inventory/lesions.csv")
        .set_index("image_id")
        .loc[scores["image_id"]]
    )
    rng = np.random.default_rng(0)

    def warned(name, images):
        for number, image in enumerate(images):
            save_image(tmp_path / name / f"{number}.png", np.asarray(image))
        files = list(walk(tmp_path / name))
        rows = predict_files(tmp_path / name, files, model, 2)
        return rows["warnings"].map(bool).mean()

    def read(column):
        return [
            np.asarray(Image.open(study / "results/phantom" / file).convert("L"))
            for file in lesions[column].dropna()
        ]

    crops = read("crop_file")
    assert warned("crops", crops) < 0.1
    assert warned("masks", read("mask_file")) == 1
    assert warned("full", read("full_file")[:20]) == 1
    assert warned("noise", rng.integers(0, 256, (20, 80, 80), dtype=np.uint8)) == 1
    assert warned("grey", np.repeat(np.arange(0, 250, 10, np.uint8), 6400).reshape(-1, 80, 80)) == 1
    assert warned("inverted", [255 - crop for crop in crops]) > 0.7


@pytest.fixture
def spoilt(handed_over, tmp_path):
    folder = tmp_path / "spoilt"
    shutil.copytree(handed_over, folder)
    return folder


def edit(folder, **changes):
    told = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(told | changes))
    return told


def refusal(folder):
    with pytest.raises(InputError) as caught:
        read_model(folder)
    return str(caught.value)


@pytest.mark.parametrize("name", ["model.onnx", "model.json", "reference.csv"])
def test_a_missing_file_is_named(spoilt, name):
    (spoilt / name).unlink()
    assert f"no {name}" in refusal(spoilt)


def test_another_version_of_the_format_is_told(spoilt):
    edit(spoilt, format_version=2)
    assert (
        "model.json: format_version is 2, and this workflow reads 1. Predict with the version"
        in refusal(spoilt)
    )


@pytest.mark.parametrize("text", ["", "[]", '{"format_version": NaN}', "\x80\x04"])
def test_what_is_no_settings_file_is_refused(spoilt, text):
    (spoilt / "model.json").write_text(text, encoding="latin-1")
    assert "model.json" in refusal(spoilt)


def test_settings_that_do_not_keep_to_the_schema_are_named(spoilt):
    edit(spoilt, temperature=-1)
    assert "model.json: temperature: -1 is less than or equal to" in refusal(spoilt)


def test_views_that_are_no_warps_are_refused(spoilt):
    edit(spoilt, views=[[1, 0, 0]])
    assert "model.json: views: each is a warp of 8 numbers" in refusal(spoilt)


@pytest.mark.parametrize("name", ["model.onnx", "reference.csv"])
def test_a_file_of_another_export_is_told(spoilt, name):
    with open(spoilt / name, "ab") as file:
        file.write(b"\n")
    assert f"{name} is not the file that model.json was made with" in refusal(spoilt)


def test_a_network_of_another_input_size_is_told(spoilt):
    told = edit(spoilt)
    edit(spoilt, image=told["image"] | {"size": 32})
    assert "model.json says image (n, 32, 32, 3)" in refusal(spoilt)


def test_a_reference_of_other_features_is_told(spoilt):
    told = edit(spoilt)
    scale = told["reference"]["scale"]
    edit(
        spoilt,
        reference=told["reference"] | {"scale": scale | {"features": scale["features"][:-1]}},
    )
    assert "has 64 features of" in refusal(spoilt)


def test_a_folder_without_files_is_an_error_that_says_so(handed_over, tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images/.hidden").write_text("")
    given = json.dumps({"images": str(tmp_path / "images"), "model": str(handed_over)})
    done = snakemake(
        ROOT,
        "predict",
        "--cores",
        "1",
        "--directory",
        tmp_path / "run",
        "--config",
        f"predict={given}",
    )
    assert done.returncode != 0
    assert "no files in this folder" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_folder_where_nothing_can_be_shown_is_listed_all_the_same(handed_over, tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images/notes.txt").write_text("no image")
    given = json.dumps({"images": str(tmp_path / "images"), "model": str(handed_over)})
    done = snakemake(
        ROOT,
        "predict",
        "--cores",
        "1",
        "--directory",
        tmp_path / "run",
        "--config",
        f"predict={given}",
    )
    assert done.returncode == 0, done.stdout
    assert predicted(tmp_path / "run")["problem"].tolist() == [
        "File is not an image in a known format"
    ]


def test_the_gallery_draws_what_a_table_may_hold(study):
    """Text with a meaning to a typesetter; with neighbours' images and without."""
    settings = read_model(study / MODEL).settings
    row = {
        "file": "$\\frac$ <b> 图 " + "x" * 200,
        "problem": "",
        "probability": 0.5,
        "youden": "",
        "sensitivity_90": "",
        "half": "malignant",
        "warnings": "unlike; unlike " * 30,
    }
    for number in (1, 2, 3):
        nearest = {"": "id", "_label": "benign", "_distance": 1.0}
        row |= {f"nearest_{number}{part}": value for part, value in nearest.items()}
    tile = np.zeros((64, 64), np.uint8)
    for neighbours in (None, [np.zeros((3, 64, 64), np.uint8)]):
        figure = gallery(
            pd.DataFrame([row]), [tile], neighbours, settings | {"leaks": "splits by image"}, 1, 3
        )
        words = " ".join(text.get_text() for text in figure.axes[0].texts)
        assert "malignant at every operating point" in words
        assert "NOT EVIDENCE OF PERFORMANCE" in words
        assert "Not for clinical use" in words
