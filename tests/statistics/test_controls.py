"""Controls: they see what they are given alone, and expose a planted shortcut and nothing else."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from helpers.datasets import save_image
from mammo.dataset.grey_levels import grey_levels, measure_images
from mammo.dataset.images import histogram
from mammo.model.training import dealt_labels
from mammo.statistics.bootstrap import ClusterBootstrap
from mammo.statistics.control_evaluation import (
    Columns,
    available_columns,
    evaluate_controls,
    score_controls,
)
from mammo.statistics.control_features import border, described
from mammo.statistics.controls import (
    BORDER,
    CONTROLS,
    FEWEST,
    label_of,
    logistic_regression,
)
from mammo.statistics.intervals import expanded_probabilities
from mammo.statistics.settings import Evaluation

EVALUATION = Evaluation.default(draws=300)
NOTHING = dict.fromkeys(CONTROLS, Columns([], []))


def study(patients=120, images=3, seed=0):
    """The scores of an experiment with one fold: a model that knows a little, in all partitions."""
    rng = np.random.default_rng(seed)
    n = patients * images
    patient = np.repeat([f"P{number:03}" for number in range(patients)], images)
    partition = np.repeat(
        rng.choice(["training", "validation", "test"], patients, p=[0.6, 0.1, 0.3]), images
    )
    label = rng.integers(0, 2, n)
    return pd.DataFrame(
        {
            "experiment": "baseline",
            "fold": 0,
            "image_id": [f"{name}_{number}" for number, name in enumerate(patient)],
            "patient_id": patient,
            "partition": partition,
            "label": label,
            "probability": 1 / (1 + np.exp(-label - rng.normal(size=n))),
            "dataset": "d",
            "leaks": "",
        }
    )


def auroc_of(rows, table):
    """{control: its AUROC on the test images} for the controls that `table` allows."""
    found = score_controls(rows, table.set_index(rows["image_id"])).groupby("control")
    return {control: roc_auc_score(part["label"], part["probability"]) for control, part in found}


def test_one_column_of_levels_says_what_each_level_was_in_training():
    """With a column per level, the regression says the fraction malignant of each."""
    rows = study(200)
    rows["assessment"] = pd.array(np.random.default_rng(1).integers(2, 6, len(rows)), "Int64")
    training = rows["partition"] == "training"
    share = rows[training].groupby("assessment")["label"].mean()
    found = logistic_regression(
        rows, rows["label"].to_numpy(), training.to_numpy(), [], ["assessment"]
    )
    by_level = pd.Series(found).groupby(rows["assessment"]).agg(["min", "max"])
    assert (by_level["min"] == by_level["max"]).all()
    assert by_level["min"].sort_values().index.tolist() == share.sort_values().index.tolist()
    assert by_level["min"].tolist() == pytest.approx(
        share.tolist(), abs=0.03
    )  # drawn together by the penalty


def test_numbers_are_regressed_as_scikit_learn_does_after_standardising_on_training_alone():
    rows = study(60)
    rng = np.random.default_rng(2)
    numbers = pd.DataFrame(
        {"mean": rng.normal(80, 20, len(rows)), "sd": rng.normal(30, 5, len(rows))}
    )
    training, label = (rows["partition"] == "training").to_numpy(), rows["label"].to_numpy()
    scaled = (numbers - numbers[training].mean()) / numbers[training].std(ddof=0)
    wanted = LogisticRegression().fit(scaled[training], label[training]).predict_proba(scaled)[:, 1]
    found = logistic_regression(numbers, label, training, ["mean", "sd"], [])
    assert found == pytest.approx(wanted, abs=1e-4)
    other = np.where(training, label, 1 - label)  # what test says is not looked at
    assert (logistic_regression(numbers, other, training, ["mean", "sd"], []) == found).all()


def test_a_missing_value_is_a_level_and_a_rare_or_unknown_one_is_like_another():
    n = 200
    values = pd.Series(["a"] * 80 + [""] * 80 + ["rare"] * (FEWEST - 1) + ["b"] * 31)
    table = pd.DataFrame(
        {"kind": values, "assessment": pd.array([4] * 80 + [pd.NA] * 80 + [5] * 40, "Int64")}
    )
    table = pd.concat(
        [table, pd.DataFrame({"kind": ["unknown"], "assessment": pd.array([2], "Int64")})],
        ignore_index=True,
    )
    label = np.r_[np.zeros(80), np.ones(80), np.tile([0, 1], 20), 0].astype(int)
    training = np.arange(n + 1) < n
    found = logistic_regression(table, label, training, [], ["kind"])
    assert found[0] < 0.1 < 0.9 < found[80]  # what is missing tells
    assert found[160] == found[n]
    ordered = logistic_regression(table, label, training, ["assessment"], [])
    assert ordered[0] < 0.2 < 0.8 < ordered[80]


def test_where_training_has_one_class_that_is_the_answer():
    table = pd.DataFrame({"mean": [1.0, 2, 3]})
    assert logistic_regression(
        table, np.array([1, 1, 0]), np.array([True, True, False]), ["mean"], []
    ).tolist() == [1, 1, 1]


def test_a_control_of_which_a_dataset_tells_nothing_is_left_out_and_says_so():
    rows = study()
    table = pd.DataFrame({"kind": "", "view": "", "laterality": "left", "mean": 1.0}, rows.index)
    table = table.assign(
        assessment=pd.array([pd.NA] * len(rows), "Int64"), mass_shape="", subtlety=pd.NA
    )
    given = available_columns(table)
    assert given["technical_columns"] == ([], ["laterality"])
    assert given["reader_assessment"] == given["reader_columns"] == ([], [])
    controls = score_controls(rows, table.set_index(rows["image_id"]))
    assert set(controls["control"]) == {"majority_class", "image_statistics", "technical_columns"}
    values = evaluate_controls(
        rows[rows["partition"] == "test"], controls, given, EVALUATION
    ).set_index("control")
    assert list(dict.fromkeys(values.index)) == ["network", *CONTROLS]
    absent = values.loc["reader_columns"]
    assert absent["value"].isna().all()
    assert absent["difference"].isna().all()
    assert set(absent["reason"]) == {
        f"this dataset does not record {', '.join(CONTROLS['reader_columns'].columns)}"
    }
    assert values.loc["technical_columns", "columns"].tolist() == ["laterality"] * 2


def test_the_majority_class_has_one_answer_whatever_the_fold():
    rows = pd.concat([study(seed=0), study(seed=1).assign(fold=1)])
    rows["label"] = (np.arange(len(rows)) % 10 < 3).astype(int)
    controls = score_controls(rows, pd.DataFrame(index=rows["image_id"].unique()))
    assert set(controls["partition"]) == {"test"}
    assert controls["probability"].nunique() == 1
    tested = rows[rows["partition"] == "test"]
    values = evaluate_controls(tested, controls, NOTHING, EVALUATION)
    values = values.set_index(["control", "metric"])["value"]
    assert values["majority_class", "auroc"] == 0.5
    assert values["majority_class", "accuracy"] == (tested["label"] == 0).mean()


def test_a_difference_is_paired_and_is_what_resampling_patients_by_hand_gives():
    rows = study().query("partition == 'test'").reset_index(drop=True)
    rng = np.random.default_rng(3)
    other = rows.assign(control="image_border", probability=rng.random(len(rows)))
    values = evaluate_controls(rows, other, NOTHING, EVALUATION)
    found = values.set_index(["control", "metric"]).loc[("image_border", "auroc")]
    auroc = [roc_auc_score(rows["label"], table["probability"]) for table in (rows, other)]
    assert found["difference"] == pytest.approx(auroc[0] - auroc[1])
    drawn = []
    for weights in np.concatenate([*ClusterBootstrap.of(rows, EVALUATION).weights(rows)]):
        both = [
            roc_auc_score(rows["label"], t["probability"], sample_weight=weights)
            for t in (rows, other)
        ]
        drawn.append(both[0] - both[1])
    fewest = min(rows[rows["label"] == label]["patient_id"].nunique() for label in (0, 1))
    wanted = np.quantile(drawn, expanded_probabilities(0.95, fewest))
    assert [found["difference_low"], found["difference_high"]] == pytest.approx(wanted.tolist())
    # Against itself there is nothing to choose, in any draw.
    same = evaluate_controls(rows, rows.assign(control="image_border"), NOTHING, EVALUATION)
    same = same.set_index(["control", "metric"]).loc[("image_border", "auroc")]
    assert same["difference"] == 0
    assert pd.isna(same["difference_low"])


@pytest.mark.parametrize("label", [0, 1])
def test_a_test_set_of_one_class_has_no_auroc_and_no_difference(label):
    rows = study().query("partition == 'test'").assign(label=label)
    controls = rows.assign(control="image_border", probability=0.3)
    values = evaluate_controls(rows, controls, NOTHING, EVALUATION)
    found = values.set_index(["control", "metric"]).loc[("image_border", "auroc")]
    assert pd.isna(found[["value", "difference", "difference_low"]].astype(float)).all()
    assert found["reason"].startswith("not defined: no image is")


def test_shuffled_labels_go_to_whole_patients_and_keep_their_share_in_each_partition():
    rows = study(150).assign(
        label=lambda table: np.where(table["label"] == 1, "malignant", "benign")
    )
    dealt = dealt_labels(rows, seed=1)
    assert (dealt.groupby("patient_id")["label"].nunique() == 1).all()
    for partition, part in dealt.groupby("partition"):
        before = (rows.loc[part.index, "label"] == "malignant").sum()
        assert abs((part["label"] == "malignant").sum() - before) <= 3, (
            partition
        )  # three images a patient
    assert dealt.drop(columns="label").equals(rows.drop(columns="label"))
    assert dealt_labels(rows, seed=1).equals(dealt)
    assert not dealt_labels(rows, seed=2).equals(dealt)
    leaking = rows.assign(partition=np.random.default_rng(0).permutation(rows["partition"]))
    assert (dealt_labels(leaking, seed=1).groupby("patient_id")["label"].nunique() == 1).all()


def test_shuffled_labels_tell_nothing_of_the_true_ones():
    rows = study(150).assign(
        label=lambda table: np.where(table["label"] == 1, "malignant", "benign")
    )
    agree = [(dealt_labels(rows, seed)["label"] == rows["label"]).mean() for seed in range(200)]
    share = (rows["label"] == "malignant").mean()
    assert np.mean(agree) == pytest.approx(share**2 + (1 - share) ** 2, abs=0.01)


def test_the_border_is_all_that_its_control_sees():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 64, 64), np.uint8)
    found = border(pixels)
    assert found.shape == (5, len(BORDER))
    assert found[0, 0] == pytest.approx(pixels[0, :4, :16].mean(), abs=1e-3)
    assert found[0, 1] == pytest.approx(pixels[0, :4, :16].std(), abs=1e-3)
    inner = pixels.copy()
    inner[:, 4:-4, 4:-4] = 0
    assert (border(inner) == found).all()
    for row, column in [(0, 20), (63, 20), (20, 0), (20, 63), (3, 3)]:
        marked = pixels.copy()
        marked[:, row, column] ^= 128
        assert (border(marked) != found).any(), (row, column)
    assert border(pixels[:, :16, :16]).shape == found.shape


def test_grey_levels_are_those_of_the_pixels():
    pixels = np.random.default_rng(0).integers(40, 230, (50, 60), np.uint8)
    found = grey_levels(np.bincount(pixels.ravel(), minlength=256))
    assert found["mean"] == pytest.approx(pixels.mean())
    assert found["sd"] == pytest.approx(pixels.std())
    assert (found["darkest"], found["brightest"]) == (pixels.min(), pixels.max())
    counts = np.zeros(256, int)
    counts[[3, 5, 18, 19, 200, 238, 239, 240, 250]] = [1, 7, 7, 90, 500, 90, 8, 3, 2]
    found = grey_levels(counts)
    # Within 16 levels of an end: 3 to 18, and 235 to 250; of two as frequent, the one at the end.
    assert (
        found["darkest"],
        found["darkest_peak"],
        found["brightest"],
        found["brightest_peak"],
    ) == (3, 5, 250, 238)
    counts = np.zeros(256, int)
    counts[[0, 255]] = 1
    assert [grey_levels(counts)[f"{end}_peak"] for end in ("darkest", "brightest")] == [0, 255]


def test_files_are_measured_and_a_broken_one_is_left_to_others(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (50, 60), np.uint8)
    save_image(tmp_path / "a.png", pixels)
    save_image(tmp_path / "deep.png", pixels.astype(np.uint16) * 257)
    (tmp_path / "broken.png").write_bytes(b"no image")
    found = measure_images(tmp_path, ["a.png", "deep.png", "broken.png"], 2)
    assert list(found) == ["a.png", "deep.png"]
    assert found["a.png"] == pytest.approx(found["deep.png"])
    assert (
        histogram(tmp_path / "a.png").tolist()
        == np.bincount(pixels.ravel(), minlength=256).tolist()
    )


def crops(rows, plant, quality, folder):
    """The measures of crops: shaded discs, some beside air; malignant ones `plant` brighter."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-1:1:80j, -1:1:80j]
    for name, label in zip(rows["image_id"], rows["label"], strict=True):
        disc = np.hypot(x - rng.normal(0, 0.2), y) < rng.uniform(0.3, 0.6)
        pixels = (
            rng.uniform(60, 110)
            + rng.uniform(20, 60) * disc
            + rng.uniform(2, 15) * rng.normal(size=disc.shape)
        )
        if rng.random() < 0.3:  # air at the edge of the breast, with the film's noise
            pixels[:, : rng.integers(8, 30)] = rng.normal(0, 2, 80)[:, None]
        pixels = (
            (pixels.clip(0, 255).astype(np.uint8).astype(int) + plant * label)
            .clip(0, 255)
            .astype(np.uint8)
        )
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "png" if quality is None else "jpeg", quality=quality)
        (folder / name).write_bytes(stream.getvalue())
    found = pd.DataFrame.from_dict(
        measure_images(folder, list(rows["image_id"]), 2), orient="index"
    )
    bytes_ = [(folder / name).stat().st_size for name in rows["image_id"]]
    return found.assign(width=80.0, height=80.0, bytes=np.log(bytes_)).reset_index(drop=True)


@pytest.mark.parametrize("quality", [None, 95, 90])
def test_malignant_images_one_grey_level_brighter_are_exposed(tmp_path, quality):
    rows = study(250)
    n = (rows["partition"] == "test").sum()
    plain = auroc_of(rows, crops(rows, 0, quality, tmp_path))
    planted = auroc_of(rows, crops(rows, 1, quality, tmp_path))
    chance = norm.ppf(0.999) * np.sqrt(
        (n + 1) / 12 / (n / 2) ** 2
    )  # of the AUROC of two equal halves that mean nothing
    assert {"image_statistics", "darkest_levels", "brightest_levels"} <= set(plain)
    assert all(abs(value - 0.5) < chance for value in plain.values()), plain
    assert planted["darkest_levels"] > 0.5 + chance, planted


@pytest.mark.parametrize(
    ("control", "column"),
    [
        ("image_statistics", "width"),
        ("technical_columns", "view"),
        ("image_border", BORDER[7]),
        ("reader_columns", "calc_type"),
    ],
)
def test_a_shortcut_in_any_column_is_exposed_by_its_control(control, column):
    rows = study()
    rng = np.random.default_rng(4)
    told = np.where(rng.random(len(rows)) < 0.8, rows["label"], 1 - rows["label"])
    values = (
        told.astype(float)
        if column in CONTROLS[control].numbers
        else np.where(told == 1, "one", "other")
    )
    assert auroc_of(rows, pd.DataFrame({column: values}))[control] > 0.7
    assert auroc_of(rows, pd.DataFrame({column: rng.permutation(values)}))[control] < 0.65


def test_a_whole_image_has_the_highest_assessment_on_it_and_all_words():
    lesions = pd.DataFrame(
        {
            "image_id": ["a", "b", "c"],
            "full_file": ["f1", "f1", "f2"],
            "assessment": pd.array([3, 5, pd.NA], "Int64"),
            "subtlety": pd.array([5, 1, 2], "Int64"),
            "breast_density": pd.array([2, 2, 3], "Int64"),
            "mass_shape": ["ROUND", "IRREGULAR", ""],
            "mass_margins": ["", "", ""],
            "calc_type": ["", "", "COARSE"],
            "calc_distribution": ["", "", "N/A"],
        }
    )
    films = pd.DataFrame(
        {
            "image_id": ["x", "y"],
            "file": ["f1", "f2"],
            "kind": "mass",
            "view": "CC",
            "laterality": "left",
        }
    )
    found = described(films, lesions, "full").set_index("image_id")
    assert found["assessment"].tolist() == [5, pd.NA]
    assert found["subtlety"].tolist() == [5, 2]
    assert found["mass_shape"].tolist() == ["IRREGULAR;ROUND", ""]
    assert found["calc_distribution"].tolist() == ["", "N/A"]
    crops = pd.DataFrame(
        {
            "image_id": ["c", "a"],
            "file": ["1", "2"],
            "kind": "mass",
            "view": "CC",
            "laterality": "left",
        }
    )
    found = described(crops, lesions, "crop")
    assert found["assessment"].tolist() == [pd.NA, 3]
    assert found["calc_type"].tolist() == ["COARSE", ""]


def test_a_control_has_one_name_and_something_to_look_at_or_a_word_for_it():
    assert len({control.label for control in CONTROLS.values()}) == len(CONTROLS)
    for name, control in CONTROLS.items():
        assert control.columns or control.sees, name
        assert label_of(name) == control.label
    assert label_of("network") == "Model"
    assert [name for name, control in CONTROLS.items() if control.reader] == [
        "reader_assessment",
        "reader_assessment_ordered",
        "reader_columns",
    ]
