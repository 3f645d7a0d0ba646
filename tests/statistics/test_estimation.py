"""Metrics with their confidence intervals: as sure as they say, and reasons where there is none."""

import numpy as np
import pytest
from sklearn import metrics

from helpers.simulated import simulated
from helpers.work import calls_of
from mammo.statistics.estimation import estimate
from mammo.statistics.evaluation import evaluate, prepared
from mammo.statistics.settings import Evaluation
from mammo.statistics.support import FEWEST_PATIENTS
from mammo.statistics.units import units_of


def values_of(predictions, region="crop", **changed):
    images = predictions[["image_id", "lesion_id", "laterality"]]
    runs = [prepared(predictions.drop(columns=["lesion_id", "laterality"]), images, region)]
    return (
        evaluate(runs, images, region, Evaluation.default(**{"draws": 200} | changed))
        .set_index(["partition", "level", "metric"])
        .sort_index()
    )


def test_an_interval_is_the_same_in_any_order_of_the_rows_and_wider_with_more_confidence():
    rows = simulated(np.random.default_rng(5), 60)
    found, again = values_of(rows), values_of(rows.sample(frac=1, random_state=0))
    columns = ["value", "low", "high"]
    np.testing.assert_allclose(
        found[columns].to_numpy(float), again[columns].to_numpy(float), rtol=1e-9
    )
    wider = values_of(rows, confidence=0.99)
    key = ("test", "image", "auroc")
    assert (
        wider.loc[key, "low"]
        < found.loc[key, "low"]
        < found.loc[key, "value"]
        < found.loc[key, "high"]
        < wider.loc[key, "high"]
    )
    assert (found.loc[key, "confidence"], wider.loc[key, "confidence"]) == (0.95, 0.99)


@pytest.mark.parametrize("only", [0, 1])
def test_one_class_leaves_null_and_a_reason_never_a_number(only):
    rows = simulated(np.random.default_rng(5), 60).assign(label=only)
    found = values_of(rows).loc["test", "lesion"]
    absent = "benign" if only else "malignant"
    needing = ["auroc", "auprc", "balanced_accuracy", "calibration_slope", "calibration_intercept"]
    for metric in [*needing, *(["specificity"] if only else ["sensitivity", "f1"])]:
        assert found.loc[metric, ["value", "low", "high"]].isna().all()
        assert found.loc[metric, "reason"] == f"not defined: no lesion is {absent}"
    assert found.loc["accuracy", ["value", "low", "high"]].notna().all()
    # Right by always calling it so, in each draw: that is no certainty.
    assert found.loc["majority_class_accuracy", ["low", "high"]].isna().all()
    assert (
        found.loc["majority_class_accuracy", "reason"]
        == "no interval: the same in every bootstrap replicate"
    )


def test_too_few_patients_have_a_value_and_no_interval():
    rows = simulated(np.random.default_rng(5), FEWEST_PATIENTS - 1)
    found = values_of(rows).loc["test", "image"]
    assert found.loc["auroc", "value"] == pytest.approx(
        metrics.roc_auc_score(rows["label"], rows["probability"])
    )
    assert found["low"].isna().all()
    assert found["high"].isna().all()
    assert found.loc["accuracy", "reason"] == "no interval: 9 patients, at least 10 needed"
    few = simulated(np.random.default_rng(5), 40)
    few["label"] = few["patient_id"].isin(["P0001", "P0002"]).astype(int)
    assert (
        values_of(few).loc[("test", "image", "auroc"), "reason"]
        == "no interval: 2 patients with a malignant image, at least 10 needed"
    )
    assert (
        values_of(few).loc[("test", "patient", "auroc"), "reason"]
        == "no interval: 2 malignant patients, at least 10 needed"
    )
    one = values_of(rows[rows["patient_id"] == "P0003"]).loc["test"]
    assert one["low"].isna().all()
    assert (one.loc["patient", "n"] == 1).all()


def test_equal_probabilities_are_chance_in_every_draw():
    found = values_of(simulated(np.random.default_rng(5), 60).assign(probability=0.5)).loc[
        "test", "image"
    ]
    assert found.loc["auroc", "value"] == 0.5
    assert found.loc["auroc", "reason"] == "no interval: the same in every bootstrap replicate"
    assert found.loc["calibration_slope", "reason"] == "not defined: all probabilities are equal"
    assert found.loc["npv", "reason"] == "not defined: no image is predicted benign"


def test_a_level_that_is_not_there_is_told():
    rows = simulated(np.random.default_rng(5), 30)
    full = values_of(rows, region="full")
    assert (
        full.loc[("test", "lesion"), "reason"]
        == "no such level: a whole image may show several lesions"
    ).all()
    rows.loc[0, "laterality"] = ""
    found = values_of(rows)
    assert found.loc[("test", "breast"), "value"].isna().all()
    assert (
        found.loc[("test", "breast"), "reason"]
        == f"no such level: the side is not known of 1 of {len(rows)} images"
    ).all()
    assert found.loc[("test", "patient", "auroc"), "value"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("difference", [1.0, 2.2])  # AUROCs of 0.76 and 0.94
def test_intervals_hold_the_truth_about_as_often_as_they_say(difference):
    """120 simulations of 60 patients: 95 % is 114; fewer than 106 is one chance in a thousand."""
    rng = np.random.default_rng(11)
    many = simulated(rng, 40_000, difference)
    truth = metrics.roc_auc_score(many["label"], many["probability"])
    held = 0
    for _ in range(120):
        units = units_of(simulated(rng, 60, difference), "image", "crop").assign(majority=0)
        row = (
            estimate([units], "image", Evaluation.default(draws=500))
            .set_index("metric")
            .loc["auroc"]
        )
        held += row["low"] <= truth <= row["high"]
    assert held >= 106


@pytest.mark.slow
def test_no_loop_runs_over_3500_rows_or_2000_bootstrap_replicates():
    few, rows = (simulated(np.random.default_rng(1), patients) for patients in (117, 1170))
    assert 3300 < len(rows) < 3700
    found = []
    many = calls_of(lambda: found.append(values_of(rows, draws=2000)))
    assert many < 3 * calls_of(lambda: values_of(few))
    assert found[0].loc[("test", "image", "auroc"), "low"] > 0.5
