"""ROC, precision-recall, calibration and decision curves, and how scores are distributed.

Bands are pointwise confidence intervals from the same cluster bootstrap by patient as those of the
metrics. `units` below are tables with patient_id, label (1: malignant), probability and, where
said, calibrated; `bootstrap` is that of their patients.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from mammo.estimates import Estimate
from mammo.statistics.bootstrap import ClusterBootstrap
from mammo.statistics.estimation import interval_of
from mammo.statistics.intervals import expanded_percentile, pointwise_band
from mammo.statistics.metrics import BINS
from mammo.statistics.support import support_of
from mammo.words import CLASSES

if TYPE_CHECKING:
    from mammo.statistics.settings import Evaluation

LEVEL = "image"  # the unit of all curves
BOTH = ("malignant", "benign")  # what the curves of discrimination need
RATES = np.arange(101) / 100  # 1 - specificity at which the ROC curve's band is given
RECALLS = np.arange(1, 101) / 100  # at which that of the precision-recall curve is
THRESHOLDS = np.arange(1, 100) / 100  # of the decision curve
COLUMNS = 20  # of the histogram, of equal width; each holds its lower edge, the last 1 too
NEAR = 1e-9  # proportions that differ by less are equal
TINY = np.finfo(float).tiny  # a denominator where all that it divides is 0

Along = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def curve_tables(
    scores: pd.DataFrame,
    thresholds: pd.DataFrame,
    points: pd.DataFrame,
    evaluation: Evaluation,
    controls: pd.DataFrame | None = None,
) -> dict[str, pd.DataFrame]:
    """{schema: table} of the curves of an experiment's test images.

    points: what mammo.statistics.scores.operating_points found. The ROC curve has the operating
    points on it and, without bands, the curves of the controls' scores, if any are given.
    """
    test = scores[scores["partition"] == "test"]
    bootstrap = ClusterBootstrap.of(test, evaluation)
    size = _size(test)
    own = [roc(test, bootstrap).assign(**size), _roc_points(points)]
    parts = [part.assign(curve="network") for part in own]
    if controls is not None:
        tested = controls[(controls["partition"] == "test") & controls["probability"].notna()]
        for name, rows in tested.groupby("control", sort=False):
            parts.append(roc(rows).assign(curve=name, **_size(rows)))
    calibration = [
        reliability(test, column, bootstrap).assign(probabilities=name)
        for name, column in [("raw", "probability"), ("calibrated", "calibrated")]
    ]
    lines = thresholds[thresholds["level"] == LEVEL].rename(columns={"n": "chosen_on"})
    histogram = [distribution(test).assign(part="column"), lines.assign(part="threshold")]
    return {
        "roc": pd.concat(parts),
        "precision_recall": precision_recall(test, bootstrap).assign(**size),
        "calibration_curve": pd.concat(calibration),
        "score_distribution": pd.concat(histogram),
        "decision_curve": decision_curve(test, bootstrap).assign(**size),
    }


def _size(rows: pd.DataFrame) -> dict[str, int]:
    patients = rows["patient_id"].nunique()
    return {"n": len(rows), "malignant": rows["label"].sum(), "patients": patients}


def _roc_points(points: pd.DataFrame) -> pd.DataFrame:
    """The operating points of test images on the ROC curve; the interval is the sensitivity's."""
    test = points[(points["partition"] == "test") & (points["level"] == LEVEL)]
    rows = []
    for point, values in test.groupby("point", sort=False):
        values = values.set_index("metric")
        found = Estimate.of_row(values.loc["sensitivity"].to_dict()).columns(value="sensitivity")
        specificity = pd.to_numeric(values["value"], errors="coerce")["specificity"]
        place = {"part": "point", "point": point, "one_minus_specificity": 1 - specificity}
        rows.append(found | place)
    return pd.DataFrame(rows)


def roc(units: pd.DataFrame, bootstrap: ClusterBootstrap | None = None) -> pd.DataFrame:
    """The ROC curve, with a row per `part` of it.

    - area: the area under it, with its interval.
    - step: its corners, from (0, 0) to (1, 1), each with the threshold that reaches it; between
      them it is straight, because ties count half.
    - band: at each of RATES the sensitivity that the curve reaches (the highest, where it rises
      upright) and its interval.

    Where it is undefined there is the area alone, with a reason. Without a bootstrap there are no
    intervals and no band.
    """
    if reason := support_of(units, LEVEL).why_undefined(BOTH):
        return pd.DataFrame([{"part": "area", "reason": reason}])
    counted = _count(units)
    false, found = counted.false[0], counted.found[0]
    corner = _corners(false, found)
    steps = {
        "one_minus_specificity": false[corner] / false[-1],
        "sensitivity": found[corner] / found[-1],
        "threshold": np.append(np.nan, counted.thresholds)[corner],
    }
    area, height = _along_roc(counted.found, counted.false)
    if bootstrap is None:
        whole = pd.DataFrame([{"part": "area", "auroc": area[0]}])
        return pd.concat([whole, pd.DataFrame(steps).assign(part="step")], ignore_index=True)
    band = {"one_minus_specificity": RATES, "sensitivity": height[0]}
    return _curve("auroc", area[0], steps, band, _along_roc, units, bootstrap)


def precision_recall(units: pd.DataFrame, bootstrap: ClusterBootstrap) -> pd.DataFrame:
    """The precision-recall curve, as `roc` has the other; its area is average precision.

    - step: each recall that is reached and the precision there, which holds back to the recall
      before it: nothing is interpolated (J. Davis and M. Goadrich, ICML 2006, on why a straight
      line would be too high).
    - band: at each of RECALLS.
    """
    if reason := support_of(units, LEVEL).why_undefined(BOTH):
        return pd.DataFrame([{"part": "area", "reason": reason}])
    counted = _count(units)
    false, found = counted.false[0], counted.found[0]
    rises = np.flatnonzero(np.diff(found) > 0) + 1
    steps = {
        "recall": found[rises] / found[-1],
        "precision": found[rises] / (found[rises] + false[rises]),
        "threshold": counted.thresholds[rises - 1],
    }
    area, height = _along_precision_recall(counted.found, counted.false)
    band = {"recall": RECALLS, "precision": height[0]}
    return _curve("auprc", area[0], steps, band, _along_precision_recall, units, bootstrap)


def reliability(units: pd.DataFrame, column: str, bootstrap: ClusterBootstrap) -> pd.DataFrame:
    """The observed fraction malignant by predicted probability, in the calibration error's BINS.

    column: which probabilities. Columns: lower and upper edge, mean_probability, share_malignant
    with low and high, n. An empty bin has no values; one of few patients no interval, with the
    reason.
    """
    label, probability = units["label"].to_numpy(float), units[column].to_numpy(float)
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    member = bins[:, None] == np.arange(BINS)
    per_unit = [member * values[:, None] for values in (np.ones_like(label), label, probability)]
    n_replicates, malignant_replicates = (bootstrap.sums(units, each) for each in per_unit[:2])
    n, malignant, total = (each.sum(0) for each in per_unit)
    rows = []
    for number in range(BINS):
        row: dict[str, object] = {
            "lower": number / BINS,
            "upper": (number + 1) / BINS,
            "n": int(n[number]),
        }
        if not n[number]:
            rows.append(row | {"reason": "not defined: no image in this bin"})
            continue
        row["mean_probability"] = total[number] / n[number]
        fraction = malignant[number] / n[number]
        support = support_of(units[member[:, number]], LEVEL)
        if reason := support.why_no_interval():
            found = Estimate(fraction, reason=reason)
        else:
            with np.errstate(invalid="ignore"):  # a replicate without a row in the bin
                fractions = malignant_replicates[:, number] / n_replicates[:, number]
            found = expanded_percentile(fraction, fractions, bootstrap.confidence, support.fewest())
        rows.append(row | found.columns(value="share_malignant"))
    return pd.DataFrame(rows)


def distribution(units: pd.DataFrame) -> pd.DataFrame:
    """How many units of each class have a `calibrated` probability in each of COLUMNS columns.

    Columns: label, lower, upper, n, share (of the class), reason.
    """
    edges = np.arange(COLUMNS + 1) / COLUMNS
    member = np.minimum((units["calibrated"].to_numpy(float) * COLUMNS).astype(int), COLUMNS - 1)
    parts = []
    for label, name in enumerate(CLASSES):
        n = np.bincount(member[units["label"] == label], minlength=COLUMNS)
        part = {"label": name, "lower": edges[:-1], "upper": edges[1:], "n": n}
        part["share"] = n / n.sum() if n.sum() else np.full(COLUMNS, np.nan)
        part["reason"] = "" if n.sum() else f"not defined: no image is {name}"
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True)


def decision_curve(units: pd.DataFrame, bootstrap: ClusterBootstrap) -> pd.DataFrame:
    """Net benefit of predicting malignant at or above each of THRESHOLDS of `calibrated`.

    Net benefit = true positives / n - false positives / n × threshold / (1 - threshold): the
    threshold says how many false alarms a found cancer is worth (A. J. Vickers and E. B. Elkin,
    Med. Decis. Making 26 (2006) 565). A row per strategy and threshold: network, with low and high;
    treat_all predicts everything malignant, treat_none nothing.
    """
    if reason := support_of(units, LEVEL).why_undefined(BOTH):
        return pd.DataFrame([{"strategy": "network", "reason": reason}])
    label, probability = units["label"].to_numpy(float), units["calibrated"].to_numpy(float)
    price = THRESHOLDS / (1 - THRESHOLDS)
    # What a unit adds to the benefit at each threshold at which it is predicted malignant.
    added = np.where(label[:, None] == 1, 1.0, -price) * (probability[:, None] >= THRESHOLDS)
    benefit, total = bootstrap.sums(units, added), bootstrap.sums(units, np.ones((len(units), 1)))
    network = {"threshold": THRESHOLDS, "net_benefit": added.mean(0)}
    prevalence = label.mean()
    treat_all = prevalence - (1 - prevalence) * price
    parts = {
        "network": _band(network, benefit / total, units, bootstrap).drop(columns="part"),
        "treat_all": pd.DataFrame({"threshold": THRESHOLDS, "net_benefit": treat_all}),
        "treat_none": pd.DataFrame({"threshold": THRESHOLDS, "net_benefit": 0.0}),
    }
    named = [part.assign(strategy=strategy) for strategy, part in parts.items()]
    return pd.concat(named, ignore_index=True)


class Cumulated(NamedTuple):
    """Malignant (`found`) and benign (`false`) weight at or above each different probability.

    thresholds: these, highest first; found and false are weightings × (1 + thresholds), and begin
    with 0.
    """

    thresholds: np.ndarray
    found: np.ndarray
    false: np.ndarray


def _count(units: pd.DataFrame) -> Cumulated:
    """The counts of the units, each once."""
    label, probability = units["label"].to_numpy(float), units["probability"].to_numpy(float)
    return _cumulated(label, probability, np.ones((1, len(units))))


def _cumulated(label: np.ndarray, probability: np.ndarray, weights: np.ndarray) -> Cumulated:
    order = np.argsort(-probability, kind="stable")
    # Where each run of equal probabilities begins.
    starts = np.flatnonzero(np.r_[True, np.diff(probability[order]) != 0])
    weights, label = weights[:, order], label[order]
    counted = np.zeros((2, len(weights), 1 + len(starts)))
    np.add.reduceat(weights * label, starts, axis=1, out=counted[0, :, 1:])
    np.add.reduceat(weights * (1 - label), starts, axis=1, out=counted[1, :, 1:])
    return Cumulated(probability[order][starts], *counted.cumsum(2))


def _along_roc(found: np.ndarray, false: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Area and, at RATES, height of the ROC curve under each weighting; NaN without a class."""
    with np.errstate(invalid="ignore", divide="ignore"):
        area = np.trapezoid(found, false) / (found[:, -1] * false[:, -1])
    rise, run = found / np.maximum(found[:, -1:], TINY), false / np.maximum(false[:, -1:], TINY)
    # All curves side by side on one axis, so that one call reads them all; a hair to the right of
    # where one rises upright.
    shift = 2.0 * np.arange(len(found))[:, None]
    places = (RATES + NEAR + shift).ravel()
    height = np.interp(places, (run + shift).ravel(), rise.ravel()).reshape(len(found), -1)
    height[:, -1] = 1
    height[np.isnan(area)] = np.nan
    return area, height


def _along_precision_recall(found: np.ndarray, false: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average precision and, at RECALLS, precision under each weighting; NaN without a class."""
    precision = found / np.maximum(found + false, TINY)
    both = (found[:, -1] > 0) & (false[:, -1] > 0)
    recall = found / np.maximum(found[:, -1:], TINY)
    area = np.where(both, (np.diff(recall) * precision[:, 1:]).sum(1), np.nan)
    shift = 2.0 * np.arange(len(found))[:, None]
    first = np.searchsorted((recall + shift).ravel(), (RECALLS - NEAR + shift).ravel())
    height = precision.ravel()[np.minimum(first, precision.size - 1)].reshape(len(found), -1)
    return area, np.where(both[:, None], height, np.nan)


def _curve(
    metric: str,
    area: float,
    steps: dict[str, np.ndarray],
    band: dict[str, np.ndarray],
    along: Along,
    units: pd.DataFrame,
    bootstrap: ClusterBootstrap,
) -> pd.DataFrame:
    """The parts of a curve: its area, a metric, its steps, and the band about `band`."""
    areas, heights = _resampled(along, units, bootstrap)
    found = interval_of(metric, area, areas, support_of(units, LEVEL), bootstrap.confidence)
    parts = [
        pd.DataFrame([{"part": "area", **found.columns(value=metric)}]),
        pd.DataFrame(steps).assign(part="step"),
        _band(band, heights, units, bootstrap),
    ]
    return pd.concat(parts, ignore_index=True)


def _resampled(
    along: Along, units: pd.DataFrame, bootstrap: ClusterBootstrap
) -> tuple[np.ndarray, np.ndarray]:
    """What `along` finds in each replicate: areas, and heights (replicates × points)."""
    label, probability = units["label"].to_numpy(float), units["probability"].to_numpy(float)
    areas, heights = [], []
    with threadpool_limits(1):
        for weights in bootstrap.weights(units):
            counted = _cumulated(label, probability, weights)
            area, height = along(counted.found, counted.false)
            areas.append(area)
            heights.append(height)
    return np.concatenate(areas), np.concatenate(heights)


def _corners(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The places of a path's points without those on a straight line; x and y whole numbers."""
    dx, dy = np.diff(x), np.diff(y)
    turns = dx[:-1] * dy[1:] != dx[1:] * dy[:-1]
    return np.flatnonzero(np.r_[True, turns, True])


def _band(
    columns: dict[str, np.ndarray],
    replicates: np.ndarray,
    units: pd.DataFrame,
    bootstrap: ClusterBootstrap,
) -> pd.DataFrame:
    """The `columns` with low, high and confidence from the replicates (× points); or a reason."""
    support = support_of(units, LEVEL)
    low: np.ndarray | float = np.nan
    high: np.ndarray | float = np.nan
    if not (reason := support.why_no_interval(BOTH)):
        fewest = support.fewest(BOTH)
        low, high, reason = pointwise_band(replicates, bootstrap.confidence, fewest)
    confidence = np.nan if reason else bootstrap.confidence
    found = {"low": low, "high": high, "confidence": confidence, "reason": reason, "part": "band"}
    return pd.DataFrame(columns).assign(**found)
