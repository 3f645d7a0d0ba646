"""ROC, precision-recall, calibration and decision curves: scikit-learn's, and those by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn import metrics

from helpers.work import calls_of
from mammo.statistics import curves as score_curves
from mammo.statistics.bootstrap import ClusterBootstrap
from mammo.statistics.estimation import estimate
from mammo.statistics.intervals import expanded_probabilities
from mammo.statistics.metrics import METRICS
from mammo.statistics.settings import Evaluation

EVALUATION = Evaluation.default(draws=200)
FEW = Evaluation.model_construct(draws=40, confidence=0.95, seed=1)  # fewer than a study may have
# Few different probabilities, so that ties are the rule; 0, 1 and edges of bins are among them.
PROBABILITIES = st.sampled_from([0.0, 0.05, 0.1, 0.3, 0.5, 0.51, 0.8, 0.999, 1.0]) | st.floats(0, 1)
ROWS = st.lists(st.tuples(st.integers(0, 1), PROBABILITIES), min_size=2, max_size=40).filter(
    lambda rows: len({label for label, _ in rows}) == 2
)


def units_of(label, probability, patients=None):
    names = [f"i{n}" for n in range(len(label))]
    patients = names if patients is None else [f"P{n}" for n in patients]
    return pd.DataFrame(
        {
            "unit": names,
            "patient_id": patients,
            "label": label,
            "probability": probability,
            "calibrated": probability,
        }
    )


def simulated(patients, seed=0, difference=1.0):
    """Units of `patients` with one to three images each, which share some of their chance."""
    rng = np.random.default_rng(seed)
    place = np.repeat(np.arange(patients), rng.integers(1, 4, patients))
    label = (rng.random(patients) < 0.45)[place].astype(int)
    score = (
        difference * (label - 0.5)
        + 0.5 * rng.normal(size=patients)[place]
        + 0.8 * rng.normal(size=len(place))
    )
    return units_of(label, expit(score), place)


def drawn(curve, units, *further):
    return curve(units, *further, ClusterBootstrap.of(units, EVALUATION))


@settings(deadline=None, max_examples=200)
@given(ROWS)
def test_the_roc_curve_is_scikit_learns(rows):
    label, probability = map(np.array, zip(*rows, strict=True))
    found = drawn(score_curves.roc, units_of(label, probability))
    steps = found[found["part"] == "step"]
    false, true, thresholds = metrics.roc_curve(label, probability, drop_intermediate=False)
    # Corners alone are kept: each is one of scikit-learn's points, and the others lie between them.
    at = {threshold: number for number, threshold in enumerate(thresholds)}
    for _, step in steps.iloc[1:].iterrows():
        number = at[step["threshold"]]
        assert (step["one_minus_specificity"], step["sensitivity"]) == pytest.approx(
            (false[number], true[number])
        )
    assert steps.iloc[0][["one_minus_specificity", "sensitivity"]].tolist() == [0, 0]
    assert np.isnan(steps["threshold"].iloc[0])
    area = np.trapezoid(steps["sensitivity"], steps["one_minus_specificity"])
    assert area == pytest.approx(metrics.roc_auc_score(label, probability), abs=1e-9)
    assert found["auroc"].iloc[0] == pytest.approx(area, abs=1e-9)
    # The height at a rate is the highest that the curve reaches there.
    band = found[found["part"] == "band"].set_index("one_minus_specificity")["sensitivity"]
    for rate in (0, 0.25, 0.5, 1):
        reached = true[np.isclose(false, rate)]
        wanted = reached.max() if len(reached) else np.interp(rate, false, true)
        assert band[rate] == pytest.approx(wanted, abs=1e-6)


@settings(deadline=None, max_examples=200)
@given(ROWS)
def test_the_precision_recall_curve_is_scikit_learns(rows):
    label, probability = map(np.array, zip(*rows, strict=True))
    found = drawn(score_curves.precision_recall, units_of(label, probability))
    steps = found[found["part"] == "step"]
    precision, recall, thresholds = metrics.precision_recall_curve(label, probability)
    at = {threshold: number for number, threshold in enumerate(thresholds)}
    numbers = [at[threshold] for threshold in steps["threshold"]]
    assert steps["recall"].tolist() == pytest.approx(recall[numbers])
    assert steps["precision"].tolist() == pytest.approx(precision[numbers])
    area = (np.diff(steps["recall"], prepend=0) * steps["precision"]).sum()
    assert area == pytest.approx(metrics.average_precision_score(label, probability), abs=1e-9)
    assert found["auprc"].iloc[0] == pytest.approx(area, abs=1e-9)
    # At a recall, the precision is that of the first threshold that reaches it: no line upward.
    band = found[found["part"] == "band"].set_index("recall")["precision"]
    for wanted in (0.25, 0.5, 1):
        first = np.flatnonzero(steps["recall"].to_numpy() >= wanted - 1e-9)[0]
        assert band[wanted] == pytest.approx(steps["precision"].iloc[first])


@pytest.mark.parametrize(("curve", "metric"), [("roc", "auroc"), ("precision_recall", "auprc")])
def test_areas_and_their_intervals_are_those_of_the_metrics(curve, metric):
    units = simulated(60)
    found = drawn(getattr(score_curves, curve), units).iloc[0]
    wanted = (
        estimate([units.assign(majority=0, images=1)], "image", EVALUATION)
        .set_index("metric")
        .loc[metric]
    )
    assert found[[metric, "low", "high"]].tolist() == pytest.approx(
        wanted[["value", "low", "high"]].tolist()
    )


@pytest.mark.parametrize(
    ("curve", "value"),
    [("roc", "sensitivity"), ("precision_recall", "precision"), ("decision_curve", "net_benefit")],
)
def test_a_band_lies_about_its_curve(curve, value):
    found = drawn(getattr(score_curves, curve), simulated(150)).dropna(subset="low")
    found = found[found[value].notna()]
    assert (found["low"] <= found[value]).all()
    assert (found[value] <= found["high"]).all()
    assert (found["low"] < found["high"]).mean() > 0.5
    assert set(found["confidence"]) == {0.95}


@pytest.mark.parametrize(
    ("curve", "value"), [("roc", "sensitivity"), ("precision_recall", "precision")]
)
def test_a_band_is_what_repeating_the_drawn_patients_gives(curve, value):
    units = simulated(30)
    bootstrap = ClusterBootstrap.of(units, FEW)
    fewest = units.groupby("label")["patient_id"].nunique().min()
    heights = []
    for weights in np.concatenate([*bootstrap.weights(units)]):
        repeated = units.loc[np.repeat(np.arange(len(units)), weights.astype(int))]
        one = ClusterBootstrap.of(repeated, FEW)
        curve_of = getattr(score_curves, curve)(repeated, one)
        heights.append(curve_of.loc[curve_of["part"] == "band", value])
    found = getattr(score_curves, curve)(units, bootstrap)
    found = found[found["part"] == "band"]
    assert np.allclose(
        found[["low", "high"]].T,
        np.quantile(heights, expanded_probabilities(0.95, fewest), axis=0),
    )


def test_the_band_is_about_as_wide_as_chance_is():
    """Sensitivity at a rate of 0.2, of 200 test sets: about 80 % fall into the 80 % band."""
    sets = [simulated(120, seed) for seed in range(200)]
    heights = []
    for units in sets:
        label, probability = units["label"], units["probability"]
        false, true, _ = metrics.roc_curve(label, probability)
        heights.append(np.interp(0.2, false, true))
    widths = []
    for units in sets[:20]:
        evaluation = Evaluation.default(draws=200, confidence=0.8)
        found = score_curves.roc(units, ClusterBootstrap.of(units, evaluation))
        row = found[(found["part"] == "band") & (found["one_minus_specificity"] == 0.2)].iloc[0]
        widths.append(row["high"] - row["low"])
    low, high = np.quantile(heights, [0.1, 0.9])
    assert np.mean(widths) == pytest.approx(high - low, rel=0.25)


def test_reliability_is_that_worked_out_by_hand():
    units = units_of([0, 1, 1, 1, 0], [0.12, 0.18, 0.9, 1.0, 0.05])
    found = drawn(score_curves.reliability, units, "probability").set_index("lower")
    assert found["n"].tolist() == [1, 2, 0, 0, 0, 0, 0, 0, 0, 2]
    assert found.loc[0.1, ["mean_probability", "share_malignant"]].tolist() == pytest.approx(
        [0.15, 0.5]
    )
    assert found.loc[0.9, ["mean_probability", "share_malignant"]].tolist() == pytest.approx(
        [0.95, 1]
    )
    assert found.loc[0.2, "reason"] == "not defined: no image in this bin"
    assert found.loc[0.1, "reason"] == "no interval: 2 patients, at least 10 needed"
    assert found["mean_probability"].notna().sum() == 3


def test_bins_are_those_of_the_calibration_error_and_have_intervals_where_they_are_full():
    units = simulated(200)
    found = drawn(score_curves.reliability, units, "calibrated")
    error = (found["n"] * (found["mean_probability"] - found["share_malignant"]).abs()).sum() / len(
        units
    )
    wanted = METRICS["expected_calibration_error"](units["label"], units["calibrated"])
    assert error == pytest.approx(wanted)
    full = found[found["low"].notna()]
    assert len(full) >= 5
    assert (
        (full["low"] <= full["share_malignant"]) & (full["share_malignant"] <= full["high"])
    ).all()


@settings(deadline=None, max_examples=50)
@given(ROWS)
def test_net_benefit_is_that_of_counting(rows):
    label, probability = map(np.array, zip(*rows, strict=True))
    found = drawn(score_curves.decision_curve, units_of(label, probability)).set_index(
        ["strategy", "threshold"]
    )
    for threshold in (0.05, 0.3, 0.5, 0.8):
        called = probability >= threshold
        true, false = (called & (label == 1)).sum(), (called & (label == 0)).sum()
        wanted = true / len(label) - false / len(label) * threshold / (1 - threshold)
        assert found.loc[("network", threshold), "net_benefit"] == pytest.approx(wanted)
        prevalence = label.mean()
        treat_all = prevalence - (1 - prevalence) * threshold / (1 - threshold)
        assert found.loc[("treat_all", threshold), "net_benefit"] == pytest.approx(treat_all)
        assert found.loc[("treat_none", threshold), "net_benefit"] == 0


def test_who_calls_everything_malignant_has_the_benefit_of_treating_all():
    found = drawn(score_curves.decision_curve, units_of([0, 1, 0, 1, 0], [1.0] * 5))
    network, treat_all = (
        found.loc[found["strategy"] == name, "net_benefit"] for name in ("network", "treat_all")
    )
    assert network.tolist() == pytest.approx(treat_all.tolist())


def test_scores_are_counted_by_class():
    found = score_curves.distribution(units_of([0, 0, 1, 1, 1], [0.0, 0.05, 0.05, 0.99, 1.0]))
    by_class = found.set_index(["label", "lower"])["n"]
    assert by_class["benign"][[0.0, 0.05]].tolist() == [1, 1]
    assert by_class["malignant"][[0.05, 0.95]].tolist() == [1, 2]
    assert found["n"].sum() == 5
    assert found.groupby("label")["share"].sum().tolist() == pytest.approx([1, 1])


@pytest.mark.parametrize(("label", "absent"), [(1, "benign"), (0, "malignant")])
def test_of_one_class_there_is_a_reason_and_no_curve(label, absent):
    units = units_of([label] * 30, np.linspace(0, 1, 30))
    for curve in (score_curves.roc, score_curves.precision_recall, score_curves.decision_curve):
        found = drawn(curve, units)
        assert found["reason"].tolist() == [f"not defined: no image is {absent}"]
        assert found.drop(columns=["reason"]).select_dtypes("number").isna().all(axis=None)
    assert drawn(score_curves.reliability, units, "calibrated")[
        "share_malignant"
    ].dropna().unique() == [label]
    counted = score_curves.distribution(units).groupby("label")["n"].sum()
    assert counted[absent] == 0


def test_few_patients_have_a_curve_and_no_band():
    found = drawn(score_curves.roc, units_of([0, 1, 0, 1, 1], [0.1, 0.4, 0.5, 0.8, 0.9]))
    assert found["low"].isna().all()
    assert found["auroc"].iloc[0] == pytest.approx(5 / 6)
    assert (
        found["reason"].iloc[0] == "no interval: 2 patients with a benign image, at least 10 needed"
    )


def test_where_all_probabilities_are_equal_the_curve_is_the_diagonal():
    units = units_of([0, 1] * 20, [0.3] * 40)
    found = drawn(score_curves.roc, units)
    steps = found[found["part"] == "step"]
    assert steps[["one_minus_specificity", "sensitivity"]].to_numpy().tolist() == [[0, 0], [1, 1]]
    band = found[found["part"] == "band"]
    assert np.allclose(band["one_minus_specificity"], band["sensitivity"], atol=1e-6)
    assert found["reason"].iloc[0] == "no interval: the same in every bootstrap replicate"
    steps = drawn(score_curves.precision_recall, units).query("part == 'step'")
    assert steps[["recall", "precision"]].to_numpy().tolist() == [[1, 0.5]]


def all_curves(units, evaluation):
    bootstrap = ClusterBootstrap.of(units, evaluation)
    for curve in (score_curves.roc, score_curves.precision_recall, score_curves.decision_curve):
        curve(units, bootstrap)
    for column in ("probability", "calibrated"):
        score_curves.reliability(units, column, bootstrap)


def test_no_loop_runs_over_3500_rows_or_2000_bootstrap_replicates():
    few, units = simulated(175), simulated(1750)
    assert 3300 < len(units) < 3700
    many = calls_of(all_curves, units, Evaluation.default(draws=2000))
    assert many < 2 * calls_of(all_curves, few, EVALUATION)
