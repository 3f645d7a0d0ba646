"""Metrics with their confidence intervals, as tables: of one run, of several, or of counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mammo.estimates import Estimate
from mammo.statistics.bootstrap import ClusterBootstrap
from mammo.statistics.metrics import METRICS, ConfusionMatrix, metrics_of, of_counts
from mammo.statistics.support import Support, support_of

if TYPE_CHECKING:
    from mammo.statistics.settings import Evaluation

A_COUNT = "a count"  # the reason why a count has no interval
COLUMNS = ["metric", "value", "low", "high", "confidence"]


def estimate(tables: Sequence[pd.DataFrame], level: str, evaluation: Evaluation) -> pd.DataFrame:
    """The metrics of runs at one level in one partition, with their confidence intervals.

    tables: of each run its units: unit, patient_id, label (1: malignant), probability, majority
    (the majority class of the training set), images, and threshold where it is not 0.5.

    Returns a DataFrame with metric, value, low, high, confidence, sd, reason, runs, n. Of several
    runs the value is the mean over them and sd their standard deviation (n - 1). The interval is
    that mean's, from the same replicates for all runs: it says how the patients that happened to be
    in the partition move it, not how another training would.
    """
    units = pd.concat(tables, ignore_index=True)
    bootstrap, support = ClusterBootstrap.of(units, evaluation), support_of(units, level)
    whole = [metrics_of(table) for table in tables]
    replicates = [bootstrap.metrics(table) for table in tables]
    rows: list[dict[str, object]] = []
    for metric in METRICS:
        values = np.array([run[metric] for run in whole])
        if not np.isfinite(values).all():
            found, spread = (
                Estimate(None, reason=_why_undefined(metric, values, units, support)),
                None,
            )
        else:
            means = np.mean([run[metric] for run in replicates], axis=0)
            found = interval_of(metric, values.mean(), means, support, bootstrap.confidence)
            spread = _spread(values)
        rows.append({"metric": metric, **found.columns(), "sd": spread})
    for count, numbers in _sizes(tables).items():
        found = Estimate(numbers.mean(), reason=A_COUNT)
        rows.append({"metric": count, **found.columns(), "sd": _spread(numbers)})
    frame = pd.DataFrame(rows, columns=[*COLUMNS, "sd", "reason"])
    return frame.assign(runs=len(tables), n=units["unit"].nunique())


def estimate_counts(units: pd.DataFrame, level: str, evaluation: Evaluation) -> pd.DataFrame:
    """The 2×2 table of units, and the metrics that follow from it, as `estimate` has the others.

    units: unit, patient_id, label (1: malignant), probability, and the threshold at or above which
    a unit is predicted malignant.
    """
    malignant, predicted = units["label"] == 1, units["probability"] >= units["threshold"]
    outcomes = {
        "true_positives": malignant & predicted,
        "false_positives": ~malignant & predicted,
        "false_negatives": malignant & ~predicted,
        "true_negatives": ~malignant & ~predicted,
    }
    bootstrap, support = ClusterBootstrap.of(units, evaluation), support_of(units, level)
    counts = np.column_stack(list(outcomes.values())).astype(float)
    whole = of_counts(ConfusionMatrix(*counts.sum(0)))
    replicates = of_counts(ConfusionMatrix(*bootstrap.sums(units, counts).T))
    rows: list[dict[str, object]] = [
        {"metric": outcome, **Estimate(there.sum(), reason=A_COUNT).columns()}
        for outcome, there in outcomes.items()
    ]
    for metric, value in whole.items():
        if np.isfinite(value):
            found = interval_of(
                metric, float(value), replicates[metric], support, bootstrap.confidence
            )
        else:
            found = Estimate(None, reason=support.why_undefined(METRICS[metric].needs))
        rows.append({"metric": metric, **found.columns()})
    return pd.DataFrame(rows, columns=[*COLUMNS, "reason"]).assign(n=len(units))


def interval_of(
    metric: str, value: float, replicates: np.ndarray, support: Support, confidence: float
) -> Estimate:
    """The estimate of a metric that is defined, with its interval where enough patients support it.

    replicates: its value in each bootstrap replicate.
    """
    needs = METRICS[metric].needs
    if reason := support.why_no_interval(needs):
        return Estimate(value, reason=reason)
    return METRICS[metric].interval(value, replicates, confidence, support.fewest(needs))


def without_level(reason: str) -> pd.DataFrame:
    """What `estimate` would return of a level that is not defined: reasons instead of values."""
    return pd.DataFrame({"metric": list(METRICS)}).assign(reason=reason)


def _sizes(tables: Sequence[pd.DataFrame]) -> Mapping[str, np.ndarray]:
    """How many units of each class, images and patients each of the tables holds."""
    return {
        "benign": np.array([(table["label"] == 0).sum() for table in tables]),
        "malignant": np.array([(table["label"] == 1).sum() for table in tables]),
        "images": np.array([table["images"].sum() for table in tables]),
        "patients": np.array([table["patient_id"].nunique() for table in tables]),
    }


def _spread(values: np.ndarray) -> float | None:
    return values.std(ddof=1) if len(values) > 1 else None


def _why_undefined(metric: str, values: np.ndarray, units: pd.DataFrame, support: Support) -> str:
    if reason := support.why_undefined(METRICS[metric].needs):
        return reason
    if len(values) > 1:
        return f"not defined in {(~np.isfinite(values)).sum()} of {len(values)} runs"
    if (units["probability"] == units["probability"].iloc[0]).all():
        return "not defined: all probabilities are equal"
    return "not defined: the probabilities of the two classes do not overlap"
