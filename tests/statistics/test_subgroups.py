"""Subgroups: they part the test images, and each value is scikit-learn's or has a reason."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from helpers.work import calls_of
from mammo.statistics.characteristics import with_crop_size
from mammo.statistics.settings import Evaluation
from mammo.statistics.subgroups import ALL, described, grouped, subgroups
from mammo.tables import read_table, write_table

EVALUATION = Evaluation.default(draws=300)


def dataset(patients=60, seed=0):
    """(lesions with crop_size, images, scores) of crops, two views of a lesion for each patient."""
    rng = np.random.default_rng(seed)
    n = 2 * patients
    name = [f"i{number}" for number in range(n)]
    patient = [f"P{number // 2:03}" for number in range(n)]
    label = np.repeat(rng.random(patients) < 0.5, 2)
    lesions = pd.DataFrame(
        {
            "image_id": name,
            "lesion_id": [f"l{number // 2}" for number in range(n)],
            "patient_id": patient,
            "laterality": np.repeat(rng.choice(["left", "right"], patients), 2),
            "view": ["CC", "MLO"] * patients,
            "kind": np.repeat(rng.choice(["mass", "calcification"], patients), 2),
            "label": np.where(label, "malignant", "benign"),
            "pathology": np.where(label, "MALIGNANT", "BENIGN"),
            "assessment": pd.array(np.where(label, 5, rng.choice([3, 4, 5], n)), "Int64"),
            "breast_density": pd.array(rng.choice([1, 2, 3, 4], n), "Int64"),
            "subtlety": pd.array([pd.NA] * n, "Int64"),
            "mass_shape": "",
            "mass_margins": "",
            "calc_type": "",
            "calc_distribution": "",
            "official_partition": "",
            "crop_file": name,
            "mask_file": "",
            "full_file": [f"f{number // 4}" for number in range(n)],
            "source": "t",
            "scanner": rng.choice(["A", "B", ""], n),
            "note": [f"note {number}" for number in range(n)],
            "age": rng.integers(30, 90, n).astype(str),
        }
    )
    side = rng.integers(20, 500, n)
    files = pd.DataFrame({"file": name, "width": side, "height": side // 2})
    images = lesions[
        ["image_id", "lesion_id", "patient_id", "laterality", "view", "kind", "label"]
    ].assign(file=name, width=side, height=side // 2)
    scores = pd.DataFrame(
        {
            "image_id": name,
            "patient_id": patient,
            "partition": "test",
            "label": label.astype(int),
            "probability": (label + rng.normal(0, 1, n)).round(1),
        }
    )
    return with_crop_size(lesions, files), images, scores


def test_groups_are_in_words_and_part_the_test_images():
    lesions, images, scores = dataset()
    variables = described(images, lesions, "crop")
    assert list(variables) == [
        "kind",
        "laterality",
        "view",
        "breast_density",
        "assessment",
        "scanner",
        "note",
        "age",
        "crop_size",
    ]
    scores.loc[:20, "partition"] = "training"
    table = subgroups(scores, variables, EVALUATION)
    assert table["group"].iloc[0] == "all test images"
    assert table.query("variable == 'breast_density'")["group"].tolist() == [
        f"density {letter}" for letter in "abcd"
    ]
    assert table.query("variable == 'assessment'")["group"].tolist() == [
        "BI-RADS 3",
        "BI-RADS 4",
        "BI-RADS 5",
    ]
    assert table.query("variable == 'scanner'")["group"].tolist() == ["A", "B", "not given"]
    note = table.query("variable == 'note'").iloc[0]
    assert (note["group"], note["reason"]) == (
        "",
        f"no groups: {len(lesions)} different values that are no numbers",
    )
    assert np.isnan(note["value"])
    test = scores[scores["partition"] == "test"]
    for _, rows in table.groupby("variable"):
        assert rows[["n", "malignant"]].sum().tolist() == [len(test), test["label"].sum()]
    for column in ("scanner", "view", "kind", "laterality"):
        for _, row in table[table["variable"] == column].iterrows():
            value = "" if row["group"] == "not given" else row["group"]
            part = test[test["image_id"].isin(lesions.loc[lesions[column] == value, "image_id"])]
            assert row["n"] == len(part)
            assert row["patients"] == part["patient_id"].nunique()
            assert row["value"] == pytest.approx(roc_auc_score(part["label"], part["probability"]))
            if row["low"] == row["low"]:
                assert row["low"] < row["value"] < row["high"]
            else:
                assert "at least 10 needed" in row["reason"]


def test_thirds_state_their_limits_which_the_whole_dataset_gives_and_no_split_moves():
    values = pd.Series([str(n) for n in range(1, 31)], [f"i{n}" for n in range(1, 31)])
    names, order, _ = grouped("crop_size", values)
    assert order[:3] == ["up to 10 px", "above 10 to 20 px", "above 20 px"]
    assert names.value_counts().tolist() == [10, 10, 10]
    assert names["i10"] == "up to 10 px"
    assert names["i20"] == "above 10 to 20 px"
    same = pd.Series(["64"] * 8 + ["80"], [f"i{n}" for n in range(9)])
    assert grouped("crop_size", same)[0].value_counts().to_dict() == {
        "up to 64 px": 8,
        "above 64 px": 1,
    }
    assert grouped("crop_size", same[:8])[0].unique().tolist() == ["up to 64 px"]
    assert grouped("age", values)[1][0] == "up to 10"
    assert grouped("age", values[:20])[1][:3] == ["1", "2", "3"]  # few enough to be groups each


def test_a_whole_image_of_lesions_that_differ_says_so_and_one_that_is_not_on_it_does_not_count():
    lesions, images, _ = dataset(8)
    lesions = lesions.assign(kind="mass", scanner="A")
    lesions.loc[0, "kind"] = "calcification"
    lesions.loc[8, "kind"] = "calcification"  # on f2, and not of those that its image shows
    whole = images.drop_duplicates("patient_id").iloc[::2].reset_index(drop=True)
    whole = whole.assign(
        image_id=[f"whole {n}" for n in range(4)], file=[f"f{n}" for n in range(4)], width=900
    )
    whole["lesion_id"] = [f"l{2 * n};l{2 * n + 1}" for n in range(4)]
    whole.loc[2, "lesion_id"] = "l5"
    found = described(whole, lesions, "full")
    assert found["kind"].to_dict() == {
        "whole 0": "lesions differ",
        "whole 1": "mass",
        "whole 2": "mass",
        "whole 3": "mass",
    }
    assert "crop_size" not in found
    assert found["image_size"].tolist() == ["900"] * 4


def test_a_group_of_one_class_has_no_value_and_one_of_few_patients_no_interval():
    lesions, images, scores = dataset()
    lesions["scanner"] = "A"
    few = lesions["patient_id"].isin([f"P{n:03}" for n in range(12)])
    lesions.loc[few, "scanner"] = "B"
    one = (lesions["label"] == "benign") & lesions["patient_id"].isin(
        [f"P{n:03}" for n in range(40, 60)]
    )
    lesions.loc[one, "scanner"] = "C"
    table = subgroups(
        scores, {"scanner": described(images, lesions, "crop")["scanner"]}, EVALUATION
    ).set_index("group")
    malignant = scores[
        scores["image_id"].isin(lesions.loc[few, "image_id"]) & (scores["label"] == 1)
    ]
    number = malignant["patient_id"].nunique()
    fewest = f"no interval: {number} patients with a malignant image, at least 10 needed"
    assert table.loc["B", "reason"] == fewest
    assert table.loc["B", "value"] > 0
    assert np.isnan(table.loc["B", "low"])
    assert table.loc["C", "reason"] == "not defined: no image is malignant"
    assert np.isnan(table.loc["C", "value"])
    assert table.loc["A", "low"] < table.loc["A", "high"]


@pytest.mark.parametrize("patients", [1, 60])
def test_the_order_of_rows_does_not_matter_and_one_class_or_patient_is_told(patients):
    lesions, images, scores = dataset(patients)
    variables = described(images, lesions, "crop")
    table = subgroups(scores, variables, EVALUATION)
    again = subgroups(scores.sample(frac=1, random_state=1), variables, EVALUATION)
    pd.testing.assert_frame_equal(table, again)
    single = subgroups(scores.assign(label=1), variables, EVALUATION)
    assert single["value"].isna().all()
    assert (single["reason"] != "").all()
    if patients == 1:
        assert (table["reason"] != "").all()
        assert table["low"].isna().all()


def test_ties_everywhere_are_chance_without_an_interval():
    lesions, images, scores = dataset()
    table = subgroups(
        scores.assign(probability=0.5), described(images, lesions, "crop"), EVALUATION
    )
    assert set(table["value"].dropna()) == {0.5}
    assert table["low"].isna().all()
    assert table["reason"].iloc[0] == "no interval: the same in every bootstrap replicate"


@pytest.mark.parametrize("one_class", [False, True])
def test_the_table_is_as_its_schema_says(tmp_path, one_class):
    lesions, images, scores = dataset()
    scores = scores.assign(label=0) if one_class else scores
    table = subgroups(scores, described(images, lesions, "crop"), EVALUATION)
    table = table.assign(experiment="baseline", dataset="abc", leaks="").replace(
        {"group": {"A": "$x_{" + 50 * "y"}}
    )
    write_table(table, tmp_path / "forest.csv", "subgroups")
    read = read_table(tmp_path / "forest.csv", "subgroups")
    assert len(read) == len(table)


@pytest.mark.slow
def test_no_loop_runs_over_3500_images_or_2000_bootstrap_replicates():
    calls = []
    for patients, draws in [(175, 200), (1750, 2000)]:
        lesions, images, scores = dataset(patients)
        variables = described(images, lesions, "crop")
        evaluation = Evaluation.default(draws=draws)
        calls.append(calls_of(subgroups, scores, variables, evaluation))
    assert calls[1] < 3 * calls[0]
    table = subgroups(scores, variables, evaluation)
    assert set(table["variable"]) > {ALL, "kind", "crop_size"}
