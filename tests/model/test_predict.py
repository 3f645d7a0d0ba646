"""Exported networks and what they say of new images: the numbers, the neighbours, the warnings, and what is refused."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import stats
from sklearn.neighbors import NearestNeighbors

from helpers.datasets import save_image
from helpers.project import ROOT, SMALL, snakemake
from mammo.dataset.headers import walk
from mammo.log import InputError
from mammo.model.export import chosen, make_reference, rounded
from mammo.model.exported_model import as_input, open_session, read_model, run
from mammo.model.novelty import (
    FEATURES,
    STATISTICS,
    compare,
    feature_spread,
    image_statistics,
    limit,
    nearest,
    spread,
    statistic_names,
    usual_range,
)
from mammo.model.prediction import as_table, call, judge, predict_files
from mammo.report.figures.predictions import gallery
from mammo.study.ownership import prediction_words
from mammo.study.settings import image_name
from mammo.tables import read_table

MODEL = "results/models/baseline-fold0"


# Neighbours and warnings


@pytest.mark.parametrize("count", [7, 1203])  # of many, some at a time
def test_neighbours_are_those_of_scikit_learn_on_scaled_columns(count):
    rng = np.random.default_rng(0)
    reference, values, scale = (
        rng.normal(size=(50, 4)),
        rng.normal(size=(count, 4)),
        np.array([1, 0.1, 3, 2]),
    )
    apart, rows = nearest(values, reference, scale)
    wanted = NearestNeighbors(n_neighbors=3).fit(reference / scale).kneighbors(values / scale)
    assert np.allclose(apart, wanted[0])
    assert np.array_equal(rows, wanted[1])


def test_a_small_reference_has_fewer_neighbours_and_no_limit():
    apart, rows = nearest(np.zeros((2, 3)), np.ones((1, 3)), np.ones(3))
    assert apart.shape == rows.shape == (2, 1)
    assert limit(np.ones((1, 3)), np.ones(3), ["a"]) is None
    # Five images, but two patients, so that one of them has only two images of others.
    assert limit(np.arange(10.0).reshape(5, 2), np.ones(2), list("aaabb")) is None


@pytest.mark.parametrize("patients", [10, 401])
def test_the_limit_leaves_out_images_of_the_same_patient(patients):
    """Patients on a line, 1 apart, each with three images in one place: the third nearest of others is 1 away, or 1 at the ends."""
    names = np.repeat(np.arange(patients), 3)
    assert limit(names[:, None].astype(float), np.ones(1), names) == 1
    assert (
        limit(names[:, None] * 1.0, np.ones(1), np.arange(3 * patients)) == 1
    )  # were each a patient: two are 0 away, the third 1


def test_about_one_in_two_hundred_new_images_lies_beyond_a_limit():
    """Of 400 simulations, each with new images from where the reference came from: as conformal prediction promises."""
    beyond = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        reference, new = rng.normal(size=(250, 2)), rng.normal(size=(100, 2))
        scale = spread(reference, 1e-6)
        at = limit(reference, scale, np.arange(250))
        beyond.append(np.mean(nearest(new, reference, scale)[0][:, -1] > at))
    assert 0.002 < np.mean(beyond) < 0.008


def test_a_column_of_one_value_has_a_scale_too():
    features = np.column_stack([np.linspace(0, 10, 11), np.zeros(11)])
    assert np.allclose(
        feature_spread(features), [np.std(np.arange(11)), np.std(np.arange(11)) / 100]
    )
    assert feature_spread(np.zeros((5, 2))).tolist() == [1, 1]


def test_statistics_are_what_their_names_say():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (3, 20, 20), dtype=np.uint8)
    names = statistic_names("crop")
    found = pd.DataFrame(image_statistics(pixels, [40, 20, 30], [20, 20, 60], names), columns=names)
    grey = pixels.reshape(3, -1).astype(float)
    assert np.allclose(found["mean"], grey.mean(1), rtol=1e-5)
    assert np.allclose(found["skew"], stats.skew(grey, axis=1), atol=1e-4)
    assert np.allclose(found["black"], [np.mean(image < 16) for image in pixels])
    assert np.allclose(np.exp(found["proportions"]), [2, 1, 0.5])
    assert np.allclose(np.exp(found["shorter_side"]), [20, 20, 30])
    inverted = pd.DataFrame(image_statistics(255 - pixels, [1] * 3, [1] * 3, names), columns=names)
    assert np.allclose(inverted["skew"], -found["skew"], atol=1e-4)
    assert np.allclose(inverted["detail"], found["detail"])
    assert (
        statistic_names("context") == names[:-2]
    )  # files do not tell the shape of what was cut from them


def small_reference(images=60):
    """A reference of images around one place, and the names of its statistics."""
    rng = np.random.default_rng(1)
    names = statistic_names("crop")
    values = {
        FEATURES: rng.normal(size=(images, 5)),
        STATISTICS: rng.normal(size=(images, len(names))),
    }
    scale = {name: spread(part, 1e-6) for name, part in values.items()}
    low, high = usual_range(values[STATISTICS])
    limits = {name: limit(part, scale[name], np.arange(images)) for name, part in values.items()}
    return values | {"scale": scale, "limit": limits, "low": low, "high": high}, names


def test_what_is_far_is_warned_of_and_what_is_near_is_not():
    reference, names = small_reference()
    features, statistics = np.zeros((4, 5)), np.zeros((4, len(names)))
    features[1] += 50  # far to the network alone
    statistics[2, names.index("mean")] += 500  # far by its grey levels alone
    features[3], statistics[3] = reference[FEATURES][7], reference[STATISTICS][7]
    found = compare(features, statistics, names, reference)
    assert [len(texts) for texts in found["warnings"]] == [0, 1, 1, 0]
    assert "to the network" in found["warnings"][1][0]
    assert "mean grey level 500 (training: " in found["warnings"][2][0]
    assert found["equal"].tolist() == [-1, -1, -1, 7]
    assert (found[FEATURES] > 1).tolist() == [False, True, False, False]


def test_without_a_limit_nothing_is_warned_of():
    reference, names = small_reference()
    reference["limit"] = {FEATURES: None, STATISTICS: None}
    found = compare(np.full((1, 5), 99.0), np.full((1, len(names)), 99.0), names, reference)
    assert found["warnings"] == [[]]
    assert np.isnan(found[FEATURES]).all()


# Decisions and the table


def test_the_call_is_malignant_at_the_threshold_and_above():
    assert call(np.array([0.2, 0.3, 0.4]), 0.3).tolist() == ["benign", "malignant", "malignant"]
    assert call(np.array([0.2]), None) == ""


def test_judging_calibrates_and_an_unset_threshold_leaves_its_point_empty():
    reference, names = small_reference()
    thresholds = {
        "youden": {"threshold": None, "reason": "one class"},
        "half": {"threshold": 0.5, "reason": ""},
    }
    settings = {"temperature": 2.0, "thresholds": thresholds}
    rows = judge(
        np.array([0.1, 0.9]),
        np.zeros((2, 5)),
        np.zeros((2, len(names))),
        names,
        settings,
        reference,
    )
    assert np.allclose(
        rows["probability"], [0.25, 0.75]
    )  # odds of 1/9 and 9, and their square roots
    assert rows["half"].tolist() == ["benign", "malignant"]
    assert rows["youden"].tolist() == ["", ""]


def test_the_table_has_the_most_suspicious_first_and_problems_last():
    reference, names = small_reference()
    settings = {"temperature": 1.0, "thresholds": {"half": {"threshold": 0.5, "reason": ""}}}
    features, statistics = np.zeros((2, 5)), np.zeros((2, len(names)))
    features[1], statistics[1] = reference[FEATURES][3], reference[STATISTICS][3]
    rows = pd.DataFrame({"file": ["a", "b", "c"], "problem": ["", "an empty file", ""]})
    said = judge(np.array([0.2, 0.8]), features, statistics, names, settings, reference)
    table = pd.DataFrame(
        {"image_id": [f"T{n}" for n in range(60)], "label": ["benign", "malignant"] * 30}
    )
    found = as_table(
        rows.join(said.set_index(rows.index[[0, 2]])),
        table,
        {"model": "m", "dataset": "d", "leaks": ""},
    )
    assert found["file"].tolist() == ["c", "a", "b"]
    assert found["nearest_1"].tolist()[0] == "T3"
    assert found["nearest_1_label"].tolist() == ["malignant", found["nearest_1_label"].iloc[1], ""]
    assert found["warnings"].tolist()[0] == "shows what training image T3 shows"
    assert found["warnings"].tolist()[2] == ""


def test_the_reference_keeps_six_digits_and_no_more_images_than_can_be_read_at_once():
    assert rounded(np.array([[123.456789, -0.000123456789, 0.0]])).tolist() == [
        [123.457, -0.000123457, 0.0]
    ]
    scores = pd.DataFrame({"partition": ["training"] * 6000 + ["test"] * 10})
    assert chosen(scores, 64)["partition"].value_counts().to_dict() == {
        "training": 5000,
        "test": 10,
    }
    assert (chosen(scores, 2000)["partition"] == "training").sum() == 1000
    assert chosen(scores, 64).equals(chosen(scores, 64))


# Exporting


def test_a_network_with_a_backbone_in_half_precision_exports_and_agrees(tmp_path):
    """As pretrained ones will be: layers within layers, normalisation with constants, and an activation by itself. Two seeds."""
    code = f"""
import numpy as np
import keras
from keras import layers
from mammo.model.exported_model import as_input, open_session, run
from mammo.model.export import export, joined

folder = {str(tmp_path)!r}
keras.mixed_precision.set_global_policy("mixed_float16")
for seed in (1, 2):
    keras.utils.set_random_seed(seed)
    inner = keras.Input((32, 32, 3))
    out = layers.Normalization(mean=[100.0, 110, 120], variance=[900.0, 800, 700])(inner)
    out = layers.BatchNormalization()(layers.Conv2D(8, 3, strides=2, activation="swish")(out))
    backbone = keras.Model(inner, layers.GlobalAveragePooling2D()(out), name="backbone")
    image = keras.Input((32, 32, 3), name="image")
    out = layers.Dense(1)(layers.Dropout(0.5)(backbone(image)))
    keras.Model(image, layers.Activation("sigmoid", dtype="float32")(out)).save(f"{{folder}}/{{seed}}.keras")
keras.mixed_precision.set_global_policy("float32")  # it is another process that exports
paths = [f"{{folder}}/{{seed}}.keras" for seed in (1, 2)]
model = joined(paths)
export(model, f"{{folder}}/model.onnx", "words")
pixels = np.random.default_rng(0).integers(0, 256, (70, 32, 32), dtype=np.uint8)
probability, features = run(open_session(f"{{folder}}/model.onnx", 32), pixels)
assert features.shape == (70, 16), features.shape
assert np.abs(model.predict(as_input(pixels), verbose=0)["probability"][:, 0] - probability).max() < 1e-5
each = [keras.saving.load_model(path, compile=False).predict(as_input(pixels), verbose=0)[:, 0] for path in paths]
assert np.ptp(probability) > 1e-4
assert np.abs(np.mean(each, axis=0) - probability).max() < 5e-3  # half precision, which the study predicted in
"""
    environment = os.environ | {"PYTHONPATH": f"{ROOT}/workflow", "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr


def test_the_exported_network_gives_what_the_study_predicted(study):
    settings, session, _, _ = read_model(study / MODEL)
    assert settings["agreement"]["keras"] <= 1e-5
    assert settings["agreement"]["scores"] <= 1e-5
    scores = pd.read_csv(study / "results/runs/baseline/scores.csv")
    index = pd.read_csv(study / "results/tensors/crop-64/index.csv").set_index("image_id")["row"]
    pixels = np.load(study / "results/tensors/crop-64/shard-1of1/pixels.npy")[
        index[scores["image_id"]]
    ]
    probability, _ = run(session, pixels)
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


def test_limits_are_of_what_the_reference_keeps():
    rng = np.random.default_rng(0)
    names = statistic_names("crop")
    images = pd.DataFrame(
        {"image_id": range(80), "patient_id": range(80), "label": [0, 1] * 40, "kind": "mass"}
    )
    features, statistics = rng.normal(size=(80, 3)), rng.normal(size=(80, len(names)))
    table, told, _ = make_reference(images, features, statistics, names)
    kept = table[["f0", "f1", "f2"]].to_numpy()
    assert told["limit"][FEATURES] == limit(kept, feature_spread(kept), np.arange(80))


# The command


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
    assert found.index[: len(names) + 1].tolist() == found["probability"].dropna().sort_values(ascending=False).index.tolist()  # fmt: skip
    assert "unlike the training images" in found["warnings"]["noise.png"]
    assert found["problem"][["cut.jpg", "empty.png", "notes.txt", "=1+1.png"]].ne("").all()
    assert found.loc[found["problem"] != "", ["probability", "raw"]].isna().all(axis=None)
    assert f"{len(names) + 1} of {len(found)} files. Not for clinical use." in done.stdout
    assert Image.open(tmp_path / "results/predictions/gallery.png").width > 1000
    # Asked again, it looks again.
    assert "predict" in snakemake(ROOT, "predict", "-n", "--directory", tmp_path, "--config", f"predict={json.dumps(images)}").stdout  # fmt: skip


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
    """In a copy, because no test may leave the study changed; Snakemake's notes are copied too, so nothing is trained again."""
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


def test_the_closing_words_count_what_was_predicted(tmp_path):
    assert list(prediction_words(tmp_path / "none.csv")) == []
    columns = "file,problem,youden,sensitivity_90,half,warnings,model,dataset,leaks"
    rows = [
        "a,,malignant,malignant,benign,unlike,m,d,",
        "b,,benign,malignant,benign,,m,d,",
        "c,empty,,,,,m,d,",
    ]
    (tmp_path / "p.csv").write_text("\n".join([columns, *rows]))
    words = list(prediction_words(tmp_path / "p.csv"))
    assert words[0] == "Predicted by m, trained on dataset d: 2 of 3 files. Not for clinical use."
    assert words[1:4] == [
        "Malignant at youden: 1",
        "Malignant at sensitivity_90: 2",
        "Malignant at half: 0",
    ]
    assert words[4].startswith("1 bear a warning")


# What the warnings find, on the phantom


def test_warnings_find_what_is_no_crop_and_spare_what_is(study, tmp_path):
    settings, session, reference, _ = read_model(study / MODEL)
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
        rows = predict_files(
            tmp_path / name, list(walk(tmp_path / name)), settings, session, reference, 2
        )
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


# What is refused


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


def test_what_is_no_onnx_file_is_refused(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"\x80\x04\x95not a network")
    with pytest.raises(InputError, match="cannot be read by onnxruntime"):
        open_session(tmp_path / "model.onnx", 64)


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
    """Text that means something to a typesetter, one class alone, no warning; with neighbours' images and without."""
    settings, _, _, _ = read_model(study / MODEL)
    row = {"file": "$\\frac$ <b> 图 " + "x" * 200, "problem": "", "probability": 0.5, "youden": "", "sensitivity_90": "",
           "half": "malignant", "warnings": "unlike; unlike " * 30}  # fmt: skip
    row |= {f"nearest_{n}{part}": value for n in (1, 2, 3) for part, value in {"": "id", "_label": "benign", "_distance": 1.0}.items()}  # fmt: skip
    tile = np.zeros((64, 64), np.uint8)
    for neighbours in (None, [np.zeros((3, 64, 64), np.uint8)]):
        figure = gallery(
            pd.DataFrame([row]), [tile], neighbours, settings | {"leaks": "splits by image"}, 1, 3
        )
        words = " ".join(text.get_text() for text in figure.axes[0].texts)
        assert "malignant at every operating point" in words
        assert "NOT EVIDENCE OF PERFORMANCE" in words
        assert "Not for clinical use" in words


def test_an_image_name_is_the_same_with_and_without_predicting():
    import yaml

    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    assert image_name(config | {"predict": {"images": "x", "model": "y"}}) == image_name(config)
    assert Path(ROOT, "workflow/schemas/exported_model.schema.yaml").exists()
