"""Two experiments against each other on their test units: a paired bootstrap over patients, and DeLong's test."""

import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata
from threadpoolctl import threadpool_limits

from mammo.statistics.bootstrap import Draws, draw_metrics, interval, support, whole_metrics

METRICS = ["auroc", "auprc", "accuracy", "brier_score", "log_loss"]
# A true difference of so many standard errors is found at 5 %, two-sided, in 80 % of the studies that look for it: 2.80.
DETECTABLE = norm.ppf(0.975) + norm.ppf(0.80)


def compare(a, b, level, evaluation, metrics=METRICS):
    """A DataFrame with a row per metric of the units `b` less that of the units `a`; both have unit, patient_id, label, probability.

    Columns: metric, value_a, value_b, difference, low, high, confidence, p, detectable, n, reason, no_p (why). A draw takes patients of
    either, and each side is computed on what it has of them: the pairing is lost only where the units are not the same. p is
    that of DeLong's test for the AUROC of the same units, which takes these for independent of one another. detectable is
    DETECTABLE standard errors of the difference, which are the standard deviation over the draws. n counts the units of either.
    evaluation: draws, confidence, seed.
    """
    sides = [side.assign(majority=0) for side in (a, b)]
    patients = np.unique(np.concatenate([side["patient_id"].to_numpy(str) for side in sides]))
    places = [np.searchsorted(patients, side["patient_id"].to_numpy(str)) for side in sides]
    draws = Draws(len(patients), evaluation["draws"], evaluation["seed"])
    with threadpool_limits(1):  # as in mammo.statistics.bootstrap
        whole = [whole_metrics(side, metrics) for side in sides]
        drawn = [
            draw_metrics(side, place, draws, metrics)
            for side, place in zip(sides, places, strict=True)
        ]
    table = []
    for metric in metrics:
        values = [found[metric] for found in whole]
        row = {
            "metric": metric,
            "value_a": values[0],
            "value_b": values[1],
            "difference": values[1] - values[0],
        }
        fewest, undefined, few = zip(*(support(side, metric, level) for side in sides), strict=True)
        reason = next(filter(None, undefined + few), "")
        if not reason:
            differences = drawn[1][metric] - drawn[0][metric]
            low, high, reason = interval(differences, evaluation["confidence"], min(fewest))
            if low is not None:
                row |= {"low": low, "high": high, "confidence": evaluation["confidence"]}
                row |= {"detectable": DETECTABLE * np.nanstd(differences, ddof=1)}
        if metric == "auroc" and np.isfinite(row["difference"]):
            row["p"], row["no_p"] = _delong_of_units(a, b)
        table.append(row | {"reason": reason})
    columns = ["metric", "value_a", "value_b", "difference", "low", "high", "confidence", "p", "no_p", "detectable", "reason"]  # fmt: skip
    n = len(np.union1d(a["unit"].to_numpy(str), b["unit"].to_numpy(str)))
    return pd.DataFrame(table, columns=columns).assign(n=n)


def _delong_of_units(a, b):
    """(p, reason) of DeLong's test; no p where the two sides do not hold the same units with the same labels."""
    both = a.merge(b, on=["unit", "label"], suffixes=("_a", "_b"), validate="one_to_one")
    if not len(both) == len(a) == len(b):
        return None, f"no p: {len(both)} units in common, of {len(a)} and {len(b)}"
    return delong_test(both["label"], both["probability_a"], both["probability_b"])


def delong(label, scores):
    """(areas, covariance) of the areas under the ROC curves of several scores of the same rows: (k,) and (k, k).

    label: 1 is positive, of which and of the others there are two at least; scores: k × rows. Of tied pairs each counts a half.
    E. R. DeLong et al., Biometrics 44 (1988) 837, by midranks: X. Sun and W. Xu, IEEE Signal Processing Letters 21 (2014) 1389.
    """
    label, scores = np.asarray(label) == 1, np.atleast_2d(np.asarray(scores, float))
    positive, negative = scores[:, label], scores[:, ~label]
    m, n = positive.shape[1], negative.shape[1]
    ranks = rankdata(scores, axis=1)
    # For each positive row the share of negative ones below it, and for each negative row that of positive ones above it.
    above = (ranks[:, label] - rankdata(positive, axis=1)) / n
    below = 1 - (ranks[:, ~label] - rankdata(negative, axis=1)) / m
    return above.mean(1), np.atleast_2d(np.cov(above)) / m + np.atleast_2d(np.cov(below)) / n


def delong_test(label, a, b):
    """(p, reason): two-sided, that the areas under the ROC curves of two scores of the same rows are equal; or None and why."""
    label = np.asarray(label)
    for of, count in [("malignant", (label == 1).sum()), ("benign", (label != 1).sum())]:
        if count < 2:
            return None, f"no p: {count} {of}, and DeLong's test takes 2"
    areas, covariance = delong(label, [a, b])
    difference, variance = (
        areas[1] - areas[0],
        covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1],
    )
    if variance < 1e-15:  # what rounding leaves of none
        if abs(difference) < 1e-12:
            return 1.0, ""
        return None, "no p: the difference is the same for each row"
    return float(2 * norm.sf(abs(difference) / np.sqrt(variance))), ""


def holm(p):
    """p values adjusted for their number, so that the chance of any false finding is kept: S. Holm, Scand. J. Stat. 6 (1979) 65.

    A missing one stays missing and does not count.
    """
    p = pd.Series(p, dtype=float)
    ordered = p.dropna().sort_values()
    factors = np.arange(len(ordered), 0, -1)
    return (ordered * factors).cummax().clip(upper=1).reindex(p.index)
