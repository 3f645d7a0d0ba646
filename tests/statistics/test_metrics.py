"""Metrics: each equal to another implementation on any data, under any weights."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn import metrics
from sklearn.linear_model import LogisticRegression

from mammo.statistics.metrics import METRICS, Rows, under

# Few different probabilities, so that ties are the rule; 0, 1 and the threshold are among them.
PROBABILITIES = st.sampled_from([0.0, 0.05, 0.1, 0.3, 0.5, 0.51, 0.8, 0.999, 1.0]) | st.floats(0, 1)
ROWS = st.lists(
    st.tuples(st.integers(0, 1), PROBABILITIES, st.integers(0, 3)), min_size=1, max_size=40
)


def measured(label, probability, weights, majority=0):
    """{metric: its value under each weighting}."""
    return under(Rows(label, probability, majority).under(weights))


def by_others(label, probability, weights):
    """The same metrics by scikit-learn; None where it has no answer for one class."""
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
    found = measured(label, probability, weights[None].astype(float), majority=1)
    assert list(found) == list(METRICS)
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
    weighted = measured(label, probability, np.stack([np.ones(len(rows)), weights]))
    plain = measured(label[repeated], probability[repeated], np.ones((1, len(repeated))))
    for metric in METRICS:
        assert weighted[metric][1] == pytest.approx(
            plain[metric][0], rel=1e-5, abs=1e-8, nan_ok=True
        ), metric


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0.01, 0.99)), min_size=4, max_size=60))
def test_recalibration_is_the_logistic_regression_on_the_logit(rows):
    label, probability = map(np.array, zip(*rows, strict=True))
    found = {
        name: METRICS[name](label, probability)
        for name in ("calibration_slope", "calibration_intercept")
    }
    if len(set(label)) == 1:
        assert np.isnan(found["calibration_slope"])
        assert np.isnan(found["calibration_intercept"])
        return
    score = logit(probability)
    # With the intercept alone, the mean of the recalibrated probabilities is the prevalence.
    assert expit(score + found["calibration_intercept"]).mean() == pytest.approx(
        label.mean(), abs=1e-9
    )
    positive, negative = score[label == 1], score[label == 0]
    if positive.min() >= negative.max() or positive.max() <= negative.min():
        assert np.isnan(found["calibration_slope"])  # infinite, or anything
        return
    # At its maximum the likelihood is flat: residuals are orthogonal to intercept and score.
    slope = found["calibration_slope"]
    intercept = brentq(lambda at: (label - expit(at + slope * score)).sum(), -1e4, 1e4, xtol=1e-12)
    assert abs((label - expit(intercept + slope * score)) @ score) < 1e-6 * len(rows)


def test_recalibration_finds_what_scikit_learn_finds():
    rng = np.random.default_rng(0)
    score = rng.normal(size=500)
    label = (rng.random(500) < expit(0.5 + 0.7 * score)).astype(int)
    found = METRICS["calibration_slope"](label, expit(score))
    other = LogisticRegression(C=np.inf, tol=1e-10).fit(score[:, None], label)
    assert found == pytest.approx(other.coef_[0, 0], abs=1e-5)


def test_the_calibration_error_is_that_worked_out_by_hand():
    label, probability = np.array([0, 1, 1, 1, 0]), np.array([0.12, 0.18, 0.9, 1.0, 0.05])
    found = METRICS["expected_calibration_error"](label, probability)
    # A mean of 0.15 against a half, 0.95 against 1, and below 0.1 0.05 against none.
    assert found == pytest.approx((2 * 0.35 + 2 * 0.05 + 1 * 0.05) / 5)


@given(ROWS)
def test_a_metric_is_called_like_scikit_learns(rows):
    label, probability, weights = map(np.array, zip(*rows, strict=True))
    assume(weights.any())
    together = measured(label, probability, weights[None].astype(float))
    for name, metric in METRICS.items():
        alone = metric(label, probability, sample_weight=weights)
        assert alone == pytest.approx(together[name][0], nan_ok=True), name
    unweighted = METRICS["accuracy"](label, probability, threshold=0.3)
    assert unweighted == pytest.approx(metrics.accuracy_score(label, probability >= 0.3))


def test_a_metric_says_all_there_is_to_say_of_it():
    assert len({metric.label for metric in METRICS.values()}) == len(METRICS)
    kinds = {"malignant", "benign", "predicted malignant", "predicted benign"}
    for name, metric in METRICS.items():
        assert {*metric.needs} <= kinds, name
        assert metric.compute.__doc__, name
