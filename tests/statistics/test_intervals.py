"""Confidence intervals: each method by hand, wider with few patients, and reasons for none."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import logit

from mammo.statistics.intervals import (
    expanded_percentile,
    expanded_probabilities,
    logit_t,
    mirrored_percentile,
    pointwise_band,
)


def test_an_interval_leaves_out_a_few_undefined_replicates_and_not_many():
    values = np.linspace(0, 1, 101)
    found = expanded_percentile(0.5, values, 0.9, 10**6)
    assert (found.low, found.high) == (
        pytest.approx(0.05, abs=1e-5),
        pytest.approx(0.95, abs=1e-5),
    )
    assert (found.value, found.confidence, found.reason) == (0.5, 0.9, "")
    for method in (expanded_percentile, mirrored_percentile, logit_t):
        one_more = method(0.5, np.append(values, np.nan), 0.9, 20)
        assert one_more == method(0.5, values, 0.9, 20)
        found = method(0.5, np.append(values, np.full(6, np.nan)), 0.9, 20)
        assert (found.value, found.low, found.high, found.confidence) == (0.5, None, None, None)
        assert found.reason == "no interval: not defined in 6 of 107 bootstrap replicates"
        same = method(0.5, np.full(100, 0.5), 0.9, 20)
        assert same.reason == "no interval: the same in every bootstrap replicate"
        assert not same.has_interval


def test_an_interval_that_rests_on_few_patients_is_wider():
    """Of a mean of n normal values the interval is known: the standard error, by Student's t."""
    rng = np.random.default_rng(2)
    for patients in (10, 25, 100):
        half = np.sqrt(
            1 / patients * (patients - 1) / patients
        )  # how the bootstrap's means spread, in standard deviations
        found = expanded_percentile(0, half * rng.normal(size=400_000), 0.95, patients)
        wanted = stats.t.ppf(0.975, patients - 1) / np.sqrt(patients)
        assert (-found.low, found.high) == (
            pytest.approx(wanted, rel=0.02),
            pytest.approx(wanted, rel=0.02),
        )
    assert expanded_probabilities(0.95, 1)[0] > 0


def test_a_mirrored_interval_lies_below_replicates_that_lie_above_and_not_below_0():
    replicates = np.linspace(0.1, 0.3, 1001)
    plain = expanded_percentile(0.1, replicates, 0.9, 10**6)
    found = mirrored_percentile(0.1, replicates, 0.9, 10**6)
    assert found.low == 0
    assert found.high == pytest.approx(2 * 0.1 - plain.low)


def test_the_logit_interval_is_that_worked_out_by_hand_and_keeps_within_0_and_1():
    replicates = np.random.default_rng(0).normal(0.9, 0.05, 1000)
    found = logit_t(0.9, replicates, 0.95, 20)
    half = stats.t.ppf(0.975, 19) * replicates.std(ddof=1) / (0.9 * 0.1)
    assert logit([found.low, found.high]) == pytest.approx([logit(0.9) - half, logit(0.9) + half])
    assert 0 < logit_t(0.99, replicates, 0.95, 3).low < logit_t(0.99, replicates, 0.95, 3).high < 1


def test_a_band_is_the_interval_at_each_point():
    rng = np.random.default_rng(1)
    replicates = rng.normal(size=(200, 3))
    low, high, reason = pointwise_band(replicates, 0.9, 30)
    each = [expanded_percentile(0, column, 0.9, 30) for column in replicates.T]
    assert (low.tolist(), high.tolist()) == ([e.low for e in each], [e.high for e in each])
    assert reason == ""
    replicates[:20, 1] = np.nan
    assert pointwise_band(replicates, 0.9, 30)[2].startswith(
        "no interval: not defined in 20 of 200"
    )
