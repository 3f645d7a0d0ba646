"""Experiments against each other on test: a paired cluster bootstrap, and DeLong's test."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata

from mammo.estimates import Estimate
from mammo.statistics.bootstrap import ClusterBootstrap
from mammo.statistics.intervals import expanded_percentile
from mammo.statistics.metrics import METRICS, metrics_of
from mammo.statistics.support import support_of
from mammo.statistics.units import units_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from mammo.statistics.settings import Evaluation

COMPARED = ("auroc", "auprc", "accuracy", "brier_score", "log_loss")
# The levels that any two experiments have in common, whatever their images show.
LEVELS = ("image", "patient")
# A true difference of so many standard errors, 2.80, is found at 5 %, two-sided, with 80 % power.
DETECTABLE = norm.ppf(0.975) + norm.ppf(0.80)


def units_of_test(scores: pd.DataFrame, region: str) -> dict[str, pd.DataFrame]:
    """{level: units} of the test images of all folds, with the probabilities of metrics.csv."""
    rows = scores[scores["partition"] == "test"]
    return {level: units_of(rows, level, region) for level in LEVELS}


def compare_all(
    baseline: dict[str, pd.DataFrame],
    others: Iterable[tuple[str, dict[str, pd.DataFrame]]],
    evaluation: Evaluation,
) -> pd.DataFrame:
    """A row per other experiment, level and metric; p_holm adjusts for the others at a level.

    baseline: {level: units}; others: (name, {level: units}), so that one at a time is in memory.
    """
    tables = []
    for name, units in others:
        for level in LEVELS:
            found = compare(baseline[level], units[level], level, evaluation)
            tables.append(found.assign(experiment_b=name, level=level).astype(object))
    table = pd.concat(tables, ignore_index=True)
    no_p = table.pop("no_p").where(pd.notna, "")
    reasons = zip(table["reason"], no_p, strict=True)
    table["reason"] = ["; ".join(filter(None, both)) for both in reasons]
    return table.assign(p_holm=table.groupby(["level", "metric"])["p"].transform(holm))


def compare(
    a: pd.DataFrame,
    b: pd.DataFrame,
    level: str,
    evaluation: Evaluation,
    metrics: Sequence[str] = COMPARED,
) -> pd.DataFrame:
    """A row per metric of the units `b` less that of the units `a`.

    Both have unit, patient_id, label (1: malignant), probability. Columns: metric, value_a,
    value_b, difference, low, high, confidence, p, no_p (why there is none), detectable, reason, n.

    A replicate resamples patients of either, and each side is computed on what it has of them: the
    pairing is lost only where the units are not the same. p is that of DeLong's test for the AUROC
    of the same units, which takes these for independent of one another. detectable is DETECTABLE
    standard errors of the difference, which are its standard deviation over the replicates. n
    counts the units of either.
    """
    sides = [side.assign(majority=0) for side in (a, b)]
    bootstrap = ClusterBootstrap.of(pd.concat([side[["patient_id"]] for side in sides]), evaluation)
    supports = [support_of(side, level) for side in sides]
    whole_a, whole_b = (metrics_of(side, metrics) for side in sides)
    replicates_a, replicates_b = (bootstrap.metrics(side, metrics) for side in sides)
    table = []
    for metric in metrics:
        needs = METRICS[metric].needs
        row = {"metric": metric, "value_a": whole_a[metric], "value_b": whole_b[metric]}
        value = whole_b[metric] - whole_a[metric]
        undefined = [support.why_undefined(needs) for support in supports]
        few = [support.why_no_interval(needs) for support in supports]
        if reason := next(filter(None, undefined + few), ""):
            found = Estimate(value, reason=reason)
        else:
            differences = replicates_b[metric] - replicates_a[metric]
            fewest = min(support.fewest(needs) for support in supports)
            found = expanded_percentile(value, differences, bootstrap.confidence, fewest)
            if found.has_interval:
                row["detectable"] = DETECTABLE * np.nanstd(differences, ddof=1)
        row |= found.columns(value="difference")
        if metric == "auroc" and np.isfinite(value):
            row["p"], row["no_p"] = _delong_of_units(a, b)
        table.append(row)
    estimated = ["difference", "low", "high", "confidence"]
    columns = ["metric", "value_a", "value_b", *estimated, "p", "no_p", "detectable", "reason"]
    n = len(np.union1d(a["unit"].to_numpy(str), b["unit"].to_numpy(str)))
    return pd.DataFrame(table, columns=columns).assign(n=n)


def _delong_of_units(a: pd.DataFrame, b: pd.DataFrame) -> tuple[float | None, str]:
    """(p, reason) of DeLong's test; no p where the sides do not hold the same labelled units."""
    both = a.merge(b, on=["unit", "label"], suffixes=("_a", "_b"), validate="one_to_one")
    if not len(both) == len(a) == len(b):
        return None, f"no p: {len(both)} units in common, of {len(a)} and {len(b)}"
    return delong_test(both["label"], both["probability_a"], both["probability_b"])


def delong(label: ArrayLike, scores: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """(areas, covariance) of the areas under the ROC curves of several scores of the same rows.

    label: (n,), 1 is positive, of which and of the others there are two at least. scores: (k, n).
    The areas are (k,), their covariance (k, k). Of tied pairs each counts a half.

    E. R. DeLong et al., Biometrics 44 (1988) 837, by midranks: X. Sun and W. Xu, IEEE Signal
    Processing Letters 21 (2014) 1389.
    """
    malignant, scored = np.asarray(label) == 1, np.atleast_2d(np.asarray(scores, float))
    positive, negative = scored[:, malignant], scored[:, ~malignant]
    m, n = positive.shape[1], negative.shape[1]
    ranks = rankdata(scored, axis=1)
    # For each positive row the fraction of negative ones below it, and for each negative row that
    # of positive ones above it.
    above = (ranks[:, malignant] - rankdata(positive, axis=1)) / n
    below = 1 - (ranks[:, ~malignant] - rankdata(negative, axis=1)) / m
    return above.mean(1), np.atleast_2d(np.cov(above)) / m + np.atleast_2d(np.cov(below)) / n


def delong_test(label: ArrayLike, a: ArrayLike, b: ArrayLike) -> tuple[float | None, str]:
    """(p, reason): two-sided, that scores of the same rows have equal AUROCs; or None and why."""
    malignant = np.asarray(label) == 1
    for of, count in [("malignant", malignant.sum()), ("benign", (~malignant).sum())]:
        if count < 2:
            return None, f"no p: {count} {of}, DeLong's test needs 2"
    areas, covariance = delong(malignant, np.array([a, b], float))
    difference = areas[1] - areas[0]
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    if variance < 1e-15:  # what rounding leaves of none
        if abs(difference) < 1e-12:
            return 1.0, ""
        return None, "no p: the difference is the same for each row"
    return float(2 * norm.sf(abs(difference) / np.sqrt(variance))), ""


def holm(p: Sequence[float | None] | pd.Series) -> pd.Series:
    """p values adjusted for their number, so that the chance of any false finding is kept.

    A missing one stays missing and does not count. S. Holm, Scand. J. Stat. 6 (1979) 65.
    """
    values = pd.Series(p, dtype=float)
    ordered = values.dropna().sort_values()
    factors = np.arange(len(ordered), 0, -1)
    return (ordered * factors).cummax().clip(upper=1).reindex(values.index)
