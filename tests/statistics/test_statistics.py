"""Metrics, levels and intervals: equal to other implementations on any data, and as sure as they say."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn import metrics
from sklearn.linear_model import LogisticRegression

from helpers.work import calls_of
from mammo.statistics.bootstrap import (
    BLOCK,
    FEWEST_PATIENTS,
    Draws,
    draw_metrics,
    draw_sums,
    ends,
    estimate,
    interval,
)
from mammo.statistics.collection import together
from mammo.statistics.evaluation import ensemble, evaluate, prepared
from mammo.statistics.levels import units_of
from mammo.statistics.metrics import NEEDS, measure

EVALUATION = {"draws": 200, "confidence": 0.95, "seed": 1}
# Few different probabilities, so that ties are the rule; 0 and 1 are among them, and so is the threshold.
PROBABILITIES = st.sampled_from([0.0, 0.05, 0.1, 0.3, 0.5, 0.51, 0.8, 0.999, 1.0]) | st.floats(0, 1)
ROWS = st.lists(
    st.tuples(st.integers(0, 1), PROBABILITIES, st.integers(0, 3)), min_size=1, max_size=40
)


def by_others(label, probability, weights):
    """The same metrics by scikit-learn, for rows of both classes or, where it has no answer for one class, None."""
    given, called, both = (
        {"sample_weight": weights},
        (probability >= 0.5).astype(int),
        len(set(label)) == 2,
    )
    clipped = np.clip(probability, 1e-7, 1 - 1e-7)
    return {
        "auroc": metrics.roc_auc_score(label, probability, **given) if both else None,
        "auprc": metrics.average_precision_score(label, probability, **given) if both else None,
        "accuracy": metrics.accuracy_score(label, called, **given),
        "majority_class_accuracy": metrics.accuracy_score(label, np.ones_like(label), **given),
        "balanced_accuracy": metrics.balanced_accuracy_score(label, called, **given)
        if both
        else None,
        "sensitivity": metrics.recall_score(label, called, **given) if 1 in label else None,
        "specificity": metrics.recall_score(label, called, pos_label=0, **given)
        if 0 in label
        else None,
        "ppv": metrics.precision_score(label, called, **given) if 1 in called else None,
        "npv": metrics.precision_score(label, called, pos_label=0, **given)
        if 0 in called
        else None,
        "f1": metrics.f1_score(label, called, **given) if 1 in label else None,
        "brier_score": metrics.brier_score_loss(label, probability, labels=[0, 1], **given),
        "log_loss": metrics.log_loss(label, clipped, labels=[0, 1], **given),
    }


@settings(deadline=None, max_examples=300)
@given(ROWS)
def test_metrics_are_scikit_learns_on_any_data(rows):
    label, probability, weights = map(np.array, zip(*rows, strict=True))
    assume(weights.any())
    there = weights > 0
    found = measure(label, probability, 1)(weights[None].astype(float))
    assert list(found) == list(NEEDS)
    for metric, value in by_others(label[there], probability[there], weights[there]).items():
        if value is None:
            assert np.isnan(found[metric]), metric
        else:
            assert found[metric][0] == pytest.approx(value, abs=1e-9), metric


@settings(deadline=None, max_examples=200)
@given(ROWS, st.integers(0, 2**32 - 1))
def test_a_weight_is_the_row_standing_there_so_often_in_any_order(rows, seed):
    label, probability, weights = map(np.array, zip(*rows, strict=True))
    assume(weights.any())
    repeated = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(rows)), weights))
    weighted = measure(label, probability, 0)(np.stack([np.ones(len(rows)), weights]))
    plain = measure(label[repeated], probability[repeated], 0)(np.ones((1, len(repeated))))
    for metric in NEEDS:
        assert weighted[metric][1] == pytest.approx(
            plain[metric][0], rel=1e-5, abs=1e-8, nan_ok=True
        ), metric


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0.01, 0.99)), min_size=4, max_size=60))
def test_recalibration_is_the_logistic_regression_on_the_logit(rows):
    label, probability = map(np.array, zip(*rows, strict=True))
    found = {
        name: value[0]
        for name, value in measure(label, probability, 0)(np.ones((1, len(rows)))).items()
    }
    if len(set(label)) == 1:
        assert np.isnan(found["calibration_slope"])
        assert np.isnan(found["calibration_intercept"])
        return
    score = logit(probability)
    # With the intercept alone, the mean of the recalibrated probabilities is the share of malignant rows.
    assert expit(score + found["calibration_intercept"]).mean() == pytest.approx(
        label.mean(), abs=1e-9
    )
    positive, negative = score[label == 1], score[label == 0]
    if positive.min() >= negative.max() or positive.max() <= negative.min():
        assert np.isnan(found["calibration_slope"])  # infinite, or anything
        return
    # At its maximum the likelihood is flat: residuals are orthogonal to the intercept and to the score.
    slope = found["calibration_slope"]
    intercept = brentq(lambda at: (label - expit(at + slope * score)).sum(), -1e4, 1e4, xtol=1e-12)
    assert abs((label - expit(intercept + slope * score)) @ score) < 1e-6 * len(rows)


def test_recalibration_finds_what_scikit_learn_finds():
    rng = np.random.default_rng(0)
    score = rng.normal(size=500)
    label = (rng.random(500) < expit(0.5 + 0.7 * score)).astype(int)
    found = measure(label, expit(score), 0)(np.ones((1, 500)))
    other = LogisticRegression(C=np.inf, tol=1e-10).fit(score[:, None], label)
    assert found["calibration_slope"][0] == pytest.approx(other.coef_[0, 0], abs=1e-5)


def test_the_calibration_error_is_that_worked_out_by_hand():
    label, probability = np.array([0, 1, 1, 1, 0]), np.array([0.12, 0.18, 0.9, 1.0, 0.05])
    found = measure(label, probability, 0)(np.ones((1, 5)))["expected_calibration_error"][0]
    # In 0.1 to 0.2 a mean of 0.15 against a half, in 0.9 to 1 0.95 against 1, below 0.1 0.05 against none.
    assert found == pytest.approx((2 * 0.35 + 2 * 0.05 + 1 * 0.05) / 5)


def table(rows):
    columns = ["image_id", "patient_id", "laterality", "lesion_id", "label", "probability"]
    return pd.DataFrame(rows, columns=columns)


VIEWS = table([
    ("a", "P1", "left", "P1_l1", 0, 0.2), ("b", "P1", "left", "P1_l1", 1, 0.6),  # views that differ: malignant
    ("c", "P1", "left", "P1_l2", 0, 0.5),
    ("d", "P1", "right", "P1_r1", 0, 0.9), ("e", "P1", "right", "P1_r1", 0, 0.3),
    ("f", "P2", "left", "P2_l1", 0, 0.1),
])  # fmt: skip


@pytest.mark.parametrize(
    ("level", "labels", "probabilities", "images"),
    [
        ("image", [0, 1, 0, 0, 0, 0], [0.2, 0.6, 0.5, 0.9, 0.3, 0.1], [1] * 6),
        ("lesion", [1, 0, 0, 0], [0.4, 0.5, 0.6, 0.1], [2, 1, 2, 1]),
        ("breast", [1, 0, 0], [0.5, 0.6, 0.1], [3, 2, 1]),
        ("patient", [1, 0], [0.6, 0.1], [5, 1]),
    ],
)
def test_a_unit_is_the_mean_of_its_views_and_the_highest_of_its_lesions(
    level, labels, probabilities, images
):
    units = units_of(VIEWS, level, "crop")
    assert units["label"].tolist() == labels
    assert units["probability"].tolist() == pytest.approx(probabilities)
    assert units["images"].tolist() == images
    assert units["unit"].is_unique


def test_whole_images_are_averaged_by_breast_and_one_without_a_side_stands_alone():
    whole = VIEWS.assign(lesion_id="l1;l2")
    assert units_of(whole, "breast", "full")["probability"].tolist() == pytest.approx(
        [1.3 / 3, 0.6, 0.1]
    )
    assert units_of(whole, "patient", "full")["probability"].tolist() == pytest.approx([0.6, 0.1])
    assert units_of(whole.assign(laterality=""), "patient", "full")[
        "probability"
    ].tolist() == pytest.approx([0.9, 0.1])


def simulated(rng, patients, difference=1.0):
    """Predictions of `patients` with one to five images each, a lesion each, which share much of their chance."""
    place = np.repeat(np.arange(patients), rng.integers(1, 6, patients))
    label = np.where(
        rng.random(len(place)) < 0.8,
        (rng.random(patients) < 0.5)[place],
        rng.random(len(place)) < 0.5,
    )
    score = (
        difference * (label - 0.5)
        + 0.7 * rng.normal(size=patients)[place]
        + 0.7 * rng.normal(size=len(place))
    )
    names = [f"i{n}" for n in range(len(place))]
    return pd.DataFrame({
        "image_id": names, "lesion_id": names, "laterality": "left", "patient_id": [f"P{n:04d}" for n in place],
        "label": label.astype(int), "probability": expit(score), "partition": "test", "dataset": "d", "leaks": "",
    })  # fmt: skip


def values_of(predictions, region="crop", **changed):
    images = predictions[["image_id", "lesion_id", "laterality"]]
    runs = [prepared(predictions.drop(columns=["lesion_id", "laterality"]), images, region)]
    return (
        evaluate(runs, images, region, EVALUATION | changed)
        .set_index(["partition", "level", "metric"])
        .sort_index()
    )


def test_a_draw_takes_whole_patients_and_is_what_repeating_their_rows_gives():
    units = units_of(simulated(np.random.default_rng(3), 30), "image", "crop").assign(majority=0)
    patients, place = np.unique(units["patient_id"].to_numpy(str), return_inverse=True)
    draws = Draws(len(patients), 50, 7)
    (drawn,) = draws.blocks()
    assert (drawn.sum(1) == len(patients)).all()
    assert np.array_equal([drawn], [*Draws(len(patients), 50, 7).blocks()])
    assert not np.array_equal([drawn], [*Draws(len(patients), 50, 8).blocks()])
    found = draw_metrics(units, place, draws)["auroc"]
    for draw in (0, 49):
        rows = np.concatenate(
            [
                np.flatnonzero(place == n)
                for n in np.repeat(np.arange(len(patients)), drawn[draw].astype(int))
            ]
        )
        assert found[draw] == pytest.approx(
            metrics.roc_auc_score(units["label"].iloc[rows], units["probability"].iloc[rows])
        )


@pytest.mark.parametrize("units", [0, BLOCK // 7, BLOCK, 10 * BLOCK])
def test_draws_are_the_same_in_blocks_of_any_size_and_no_block_is_large(units):
    draws = Draws(13, 100, 7)
    blocks = [*draws.blocks(units)]
    assert np.array_equal(np.concatenate(blocks), *draws.blocks())
    assert max(map(len, blocks)) == (100 if not units else max(1, BLOCK // units))
    several = Draws(5000, 100, 7)  # patients alone make several blocks
    assert len([*several.blocks()]) > 1
    values = np.random.default_rng(1).integers(9, size=(5000, 2)).astype(float)
    at_once = np.random.default_rng(7).integers(5000, size=(100, 5000))
    np.testing.assert_array_equal(
        draw_sums(values, np.arange(5000), several), values[at_once].sum(1)
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
    assert found.loc["majority_class_accuracy", "reason"] == "no interval: the same in every draw"


def test_too_few_patients_have_a_value_and_no_interval():
    rows = simulated(np.random.default_rng(5), FEWEST_PATIENTS - 1)
    found = values_of(rows).loc["test", "image"]
    assert found.loc["auroc", "value"] == pytest.approx(
        metrics.roc_auc_score(rows["label"], rows["probability"])
    )
    assert found["low"].isna().all()
    assert found["high"].isna().all()
    assert found.loc["accuracy", "reason"] == "no interval: 9 patients, and it takes 10"
    few = simulated(np.random.default_rng(5), 40)
    few["label"] = few["patient_id"].isin(["P0001", "P0002"]).astype(int)
    assert (
        values_of(few).loc[("test", "image", "auroc"), "reason"]
        == "no interval: 2 patients with a malignant image, and it takes 10"
    )
    assert (
        values_of(few).loc[("test", "patient", "auroc"), "reason"]
        == "no interval: 2 malignant patients, and it takes 10"
    )
    one = values_of(rows[rows["patient_id"] == "P0003"]).loc["test"]
    assert one["low"].isna().all()
    assert (one.loc["patient", "n"] == 1).all()


def test_equal_probabilities_are_chance_in_every_draw():
    found = values_of(simulated(np.random.default_rng(5), 60).assign(probability=0.5)).loc[
        "test", "image"
    ]
    assert found.loc["auroc", "value"] == 0.5
    assert found.loc["auroc", "reason"] == "no interval: the same in every draw"
    assert found.loc["calibration_slope", "reason"] == "not defined: all probabilities are equal"
    assert found.loc["npv", "reason"] == "not defined: no image is called benign"


def test_an_interval_leaves_out_a_few_undefined_draws_and_not_many():
    values = np.linspace(0, 1, 101)
    assert interval(values, 0.9, 10**6)[:2] == (
        pytest.approx(0.05, abs=1e-5),
        pytest.approx(0.95, abs=1e-5),
    )
    assert interval(np.append(values, np.nan), 0.9, 20) == interval(values, 0.9, 20)
    low, high, reason = interval(np.append(values, np.full(6, np.nan)), 0.9, 20)
    assert (low, high, reason) == (None, None, "no interval: not defined in 6 of 107 draws")


def test_an_interval_that_rests_on_few_patients_is_wider():
    """Of a mean of n normal values, whose interval is known: the standard error without n - 1, by Student's t."""
    rng = np.random.default_rng(2)
    for patients in (10, 25, 100):
        half = np.sqrt(
            1 / patients * (patients - 1) / patients
        )  # how the bootstrap's means spread, in standard deviations
        low, high, _ = interval(half * rng.normal(size=400_000), 0.95, patients)
        wanted = stats.t.ppf(0.975, patients - 1) / np.sqrt(patients)
        assert (-low, high) == (pytest.approx(wanted, rel=0.02), pytest.approx(wanted, rel=0.02))
    assert ends(0.95, 1)[0] > 0


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


def study_of(folds, seeds):
    """({(fold, seed): predictions}, images): each patient is test in one fold."""
    rng = np.random.default_rng(2)
    rows = simulated(rng, 60)
    runs = {}
    for fold in range(folds):
        test = rows["patient_id"].str[1:].astype(int) % max(folds, 2) == fold
        for seed in range(seeds):
            noise = rng.normal(0, 0.1, len(rows))
            run = rows.assign(
                partition=np.where(test, "test", "training"),
                probability=(rows["probability"] + noise).clip(0, 1),
            )
            runs[fold, seed] = run.drop(columns=["lesion_id", "laterality"])
    return runs, rows[["image_id", "lesion_id", "laterality"]]


def test_of_several_seeds_there_are_a_mean_and_an_ensemble():
    runs, images = study_of(1, 3)
    mean, joint = together(runs, images, "crop", EVALUATION)
    assert (set(mean["of"]), set(joint["of"]), set(joint["fold"]), set(joint["runs"])) == (
        {"mean"},
        {"ensemble"},
        {0},
        {3},
    )
    tests = [run[run["partition"] == "test"].set_index("image_id") for run in runs.values()]
    single = [metrics.roc_auc_score(run["label"], run["probability"]) for run in tests]
    key = "partition == 'test' and level == 'image' and metric == 'auroc'"
    row = mean.query(key).iloc[0]
    assert (row["value"], row["sd"]) == (
        pytest.approx(np.mean(single)),
        pytest.approx(np.std(single, ddof=1)),
    )
    assert row["low"] < row["value"] < row["high"]
    averaged = sum(run["probability"] for run in tests) / 3
    assert joint.query(key)["value"].iloc[0] == pytest.approx(
        metrics.roc_auc_score(tests[0]["label"], averaged)
    )
    assert together(dict(list(runs.items())[:1]), images, "crop", EVALUATION) == []


def test_the_folds_of_a_cross_validation_are_pooled_in_test_alone():
    runs, images = study_of(3, 2)
    mean, *ensembles, pooled = together(runs, images, "crop", EVALUATION)
    assert [set(values["fold"]) for values in ensembles] == [{0}, {1}, {2}]
    assert set(pooled["partition"]) == {"test"}
    assert set(mean["runs"]) == set(pooled["runs"]) == {6}
    tested = [
        ensemble([run for (of, _), run in runs.items() if of == fold]).query("partition == 'test'")
        for fold in range(3)
    ]
    tested = pd.concat(tested)
    assert sorted(tested["image_id"]) == sorted(images["image_id"])
    row = pooled.query("level == 'image' and metric == 'auroc'").iloc[0]
    assert row["value"] == pytest.approx(
        metrics.roc_auc_score(tested["label"], tested["probability"])
    )
    assert row["n"] == len(images)


def test_pooled_images_are_compared_with_the_commoner_class_of_their_own_fold():
    runs, images = study_of(2, 1)
    for fold, label in [(0, 0), (1, 1)]:
        training = runs[fold, 0]["partition"] == "training"
        runs[fold, 0].loc[training, "label"] = label
    pooled = together(runs, images, "crop", EVALUATION)[-1]
    tests = [runs[fold, 0].query("partition == 'test'")["label"] == fold for fold in (0, 1)]
    found = pooled.query("level == 'image' and metric == 'majority_class_accuracy'")["value"].iloc[
        0
    ]
    assert found == pytest.approx(pd.concat(tests).mean())


@pytest.mark.parametrize("difference", [1.0, 2.2])  # AUROCs of 0.76 and 0.94
def test_intervals_hold_the_truth_about_as_often_as_they_say(difference):
    """120 simulations of 60 patients, in clusters: 95 % is 114; fewer than 106 would be seen once in a thousand times."""
    rng = np.random.default_rng(11)
    many = simulated(rng, 40_000, difference)
    truth = metrics.roc_auc_score(many["label"], many["probability"])
    held = 0
    for _ in range(120):
        units = units_of(simulated(rng, 60, difference), "image", "crop").assign(majority=0)
        row = (
            estimate([units], "image", EVALUATION | {"draws": 500}).set_index("metric").loc["auroc"]
        )
        held += row["low"] <= truth <= row["high"]
    assert held >= 106


def test_no_loop_runs_over_3500_rows_or_2000_bootstrap_replicates():
    few, rows = (simulated(np.random.default_rng(1), patients) for patients in (117, 1170))
    assert 3300 < len(rows) < 3700
    assert calls_of(values_of, rows, 2000) < 3 * calls_of(values_of, few, 200)
    found = values_of(rows, draws=2000)
    assert found.loc[("test", "image", "auroc"), "low"] > 0.5
