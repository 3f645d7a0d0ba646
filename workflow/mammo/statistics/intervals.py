"""Confidence intervals from bootstrap replicates, one function per method.

Each takes the estimate, its value in every replicate, the confidence level and the number of
patients that the estimate rests on, and returns an `Estimate`: with the interval, or with the
reason why there is none.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import expit, logit, ndtr, stdtrit

from mammo.estimates import Estimate

# Fraction of the replicates in which an estimate may be undefined; the interval is of the others.
MOST_UNDEFINED = 0.05
NO_SPREAD = 1e-12  # replicates that differ by less are equal

IntervalMethod = Callable[[float, np.ndarray, float, int], Estimate]


def expanded_percentile(
    value: float, replicates: np.ndarray, confidence: float, patients: int
) -> Estimate:
    """The expanded percentile interval: quantiles of the replicates, further out for few patients.

    T. C. Hesterberg, What Teachers Should Know About the Bootstrap, The American Statistician 69
    (2015) 371.
    """
    defined, reason = _defined(replicates)
    if reason:
        return Estimate(value, reason=reason)
    low, high = np.quantile(defined, expanded_probabilities(confidence, patients))
    return Estimate(value, low, high, confidence)


def mirrored_percentile(
    value: float, replicates: np.ndarray, confidence: float, patients: int
) -> Estimate:
    """The basic (mirrored percentile) interval of an estimate that cannot be below 0.

    Where replicates lie above the estimate, the truth lies as far below it: so it is with sums of
    distances, which chance alone makes larger. The percentiles are the expanded ones.
    A. C. Davison and D. V. Hinkley, Bootstrap Methods and their Application, 1997, chapter 5.
    """
    defined, reason = _defined(replicates)
    if reason:
        return Estimate(value, reason=reason)
    low, high = np.quantile(defined, expanded_probabilities(confidence, patients))
    return Estimate(value, max(0, 2 * value - high), max(0, 2 * value - low), confidence)


def logit_t(value: float, replicates: np.ndarray, confidence: float, patients: int) -> Estimate:
    """The interval of a proportion on the logit scale, by the delta method and Student's t.

    Near 0 or 1 replicates lean to the middle, and their percentiles miss the truth on the
    flattering side. Here the standard error is the replicates' standard deviation, carried to the
    logit; the interval keeps within 0 and 1. For the AUROC: G. Qin and L. Hotilovac, Statistical
    Methods in Medical Research 17 (2008) 207.
    """
    defined, reason = _defined(replicates)
    if reason:
        return Estimate(value, reason=reason)
    t = -stdtrit(max(patients, 2) - 1, (1 - confidence) / 2)
    half = t * defined.std(ddof=1) / (value * (1 - value))
    low, high = expit(logit(value) - half), expit(logit(value) + half)
    return Estimate(value, float(low), float(high), confidence)


def expanded_probabilities(confidence: float, patients: int) -> tuple[float, float]:
    """The probabilities of the two quantiles between which the expanded percentile interval lies.

    A bootstrap takes the spread of n patients for that of all, and the normal's percentiles for
    Student's: plain percentile intervals are too narrow by what is undone here.
    """
    patients = max(patients, 2)
    t = stdtrit(patients - 1, (1 - confidence) / 2)
    low = ndtr(np.sqrt(patients / (patients - 1)) * t)
    return float(low), float(1 - low)


def pointwise_band(
    replicates: np.ndarray, confidence: float, patients: int
) -> tuple[np.ndarray | float, np.ndarray | float, str]:
    """(low, high, reason): the expanded percentile interval at each point of a curve.

    `replicates` is replicates × points; those with an undefined point are left aside. Without a
    band, low and high are NaN and the reason says why.
    """
    defined = replicates[np.isfinite(replicates).all(1)]
    if reason := _too_often_undefined(len(replicates) - len(defined), len(replicates)):
        return np.nan, np.nan, reason
    low, high = np.quantile(defined, expanded_probabilities(confidence, patients), axis=0)
    return low, high, ""


def _defined(replicates: np.ndarray) -> tuple[np.ndarray, str]:
    """The replicates that are numbers, and why they allow no interval, or ''."""
    defined = replicates[np.isfinite(replicates)]
    if reason := _too_often_undefined(len(replicates) - len(defined), len(replicates)):
        return defined, reason
    if np.ptp(defined) < NO_SPREAD:
        return defined, "no interval: the same in every bootstrap replicate"
    return defined, ""


def _too_often_undefined(undefined: int, number: int) -> str:
    if undefined > MOST_UNDEFINED * number:
        return f"no interval: not defined in {undefined} of {number} bootstrap replicates"
    return ""
