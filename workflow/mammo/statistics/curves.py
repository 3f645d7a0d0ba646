"""What scores say at every threshold: ROC, precision-recall, calibration and decision curves, and where the scores lie.

Bands are of a bootstrap over patients, pointwise, from the same draws as the intervals of the metrics. `draws` below are always
(place, Draws), as `draws_of` gives them: each unit's patient, and how often each draw holds each patient.
"""

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from mammo.statistics.bootstrap import (
    FEWEST_PATIENTS,
    MOST_UNDEFINED,
    Draws,
    draw_sums,
    ends,
    interval,
)
from mammo.statistics.metrics import BINS

RATES = np.arange(101) / 100  # 1 - specificity at which the ROC curve's band is told
RECALLS = np.arange(1, 101) / 100  # at which that of the precision-recall curve is
THRESHOLDS = np.arange(1, 100) / 100  # of the decision curve
COLUMNS = (
    20  # of the distribution of scores, of equal width; each holds its lower edge, the last 1 too
)
NEAR = 1e-9  # numbers of units that are equal may differ so much as shares of all
TINY = np.finfo(float).tiny  # a denominator where all that it divides is 0


def draws_of(units, evaluation):
    """(place, Draws): the place of each unit's patient_id among the patients, and the draws of `evaluation` of these."""
    patients, place = np.unique(units["patient_id"].to_numpy(str), return_inverse=True)
    return place, Draws(len(patients), evaluation["draws"], evaluation["seed"])


def resting(units):
    """(patients, reason): how many what needs both classes rests on, of the class with fewer, and why that allows no interval, or ''.

    The rule is that of the metrics.
    """
    kinds = {"malignant": units["label"] == 1, "benign": units["label"] == 0}
    fewest, kind = min(
        (units.loc[rows, "patient_id"].nunique(), kind) for kind, rows in kinds.items()
    )
    if fewest < FEWEST_PATIENTS:
        return (
            fewest,
            f"no interval: {fewest} patients with a {kind} image, and it takes {FEWEST_PATIENTS}",
        )
    return fewest, ""


def undefined(units):
    """Why what needs both classes is not defined, or ''."""
    absent = [
        name
        for name, label in [("malignant", 1), ("benign", 0)]
        if not (units["label"] == label).any()
    ]
    return f"not defined: no image is {absent[0]}" if absent else ""


def roc(units, draws=None, evaluation=None):
    """The ROC curve of `units` (patient_id, label 1 where malignant, probability), a DataFrame with a row per `part` of it.

    area: the area under it, with its interval. step: its corners, from (0, 0) to (1, 1), each with the probability from which
    on a unit is called malignant there; between them it runs straight, because ties count half. band: at each of RATES, the
    sensitivity that the curve reaches (the highest, where it rises upright) and its interval. Undefined is the area alone, with
    a reason. Without `draws` there are no intervals and no band.
    """
    if reason := undefined(units):
        return pd.DataFrame([{"part": "area", "reason": reason}])
    label, probability = units["label"].to_numpy(float), units["probability"].to_numpy(float)
    thresholds, found, false = _cumulated(label, probability, np.ones((1, len(units))))
    corner = _corners(false[0], found[0])
    steps = {
        "one_minus_specificity": false[0, corner] / false[0, -1],
        "sensitivity": found[0, corner] / found[0, -1],
        "threshold": np.append(np.nan, thresholds)[corner],
    }
    area, height = _along_roc(found, false)
    if draws is None:
        return pd.concat(
            [
                pd.DataFrame([{"part": "area", "auroc": area[0]}]),
                pd.DataFrame(steps).assign(part="step"),
            ],
            ignore_index=True,
        )
    area_draws, height_draws = _drawn(_along_roc, label, probability, draws)
    rest = resting(units)
    return pd.concat(
        [
            _summary("auroc", area[0], area_draws, rest, evaluation),
            pd.DataFrame(steps).assign(part="step"),
            _band(
                {"one_minus_specificity": RATES, "sensitivity": height[0]},
                height_draws,
                rest,
                evaluation,
            ),
        ],
        ignore_index=True,
    )


def precision_recall(units, draws, evaluation):
    """The precision-recall curve of `units`, as `roc` has the other; its area is average precision.

    step: each recall that is reached and the precision there, which holds back to the recall before it: nothing is interpolated
    (Davis & Goadrich, ICML 2006, tell why a straight line would be too high). band: at each of RECALLS.
    """
    if reason := undefined(units):
        return pd.DataFrame([{"part": "area", "reason": reason}])
    label, probability = units["label"].to_numpy(float), units["probability"].to_numpy(float)
    thresholds, found, false = _cumulated(label, probability, np.ones((1, len(units))))
    rises = np.flatnonzero(np.diff(found[0]) > 0) + 1
    steps = {
        "recall": found[0, rises] / found[0, -1],
        "precision": found[0, rises] / (found[0, rises] + false[0, rises]),
        "threshold": thresholds[rises - 1],
    }
    area, height = _along_precision_recall(found, false)
    area_draws, height_draws = _drawn(_along_precision_recall, label, probability, draws)
    rest = resting(units)
    return pd.concat(
        [
            _summary("auprc", area[0], area_draws, rest, evaluation),
            pd.DataFrame(steps).assign(part="step"),
            _band({"recall": RECALLS, "precision": height[0]}, height_draws, rest, evaluation),
        ],
        ignore_index=True,
    )


def reliability(units, column, draws, evaluation):
    """How often what `column` of `units` gives a probability is malignant, a DataFrame with a row for each of BINS bins.

    lower and upper edge, mean_probability, share_malignant with low and high, n; the bins are those of the calibration error.
    An empty bin has no values; one that rests on few patients has no interval, with the reason.
    """
    label, probability = units["label"].to_numpy(float), units[column].to_numpy(float)
    member = np.minimum((probability * BINS).astype(int), BINS - 1)[:, None] == np.arange(BINS)
    n, malignant, total = (
        member * values[:, None] for values in (np.ones_like(label), label, probability)
    )
    n_drawn, malignant_drawn = (draw_sums(values, *draws) for values in (n, malignant))
    n, malignant, total = n.sum(0), malignant.sum(0), total.sum(0)
    rows = []
    for number in range(BINS):
        row = {"lower": number / BINS, "upper": (number + 1) / BINS, "n": int(n[number])}
        if not n[number]:
            rows.append(row | {"reason": "not defined: no image in this bin"})
            continue
        row |= {
            "mean_probability": total[number] / n[number],
            "share_malignant": malignant[number] / n[number],
        }
        patients = units.loc[member[:, number], "patient_id"].nunique()
        if patients < FEWEST_PATIENTS:
            rows.append(
                row
                | {"reason": f"no interval: {patients} patients, and it takes {FEWEST_PATIENTS}"}
            )
            continue
        with np.errstate(invalid="ignore"):  # a draw without a row in the bin is undefined
            shares = malignant_drawn[:, number] / n_drawn[:, number]
        low, high, reason = interval(shares, evaluation["confidence"], patients)
        confidence = evaluation["confidence"] if low is not None else None
        rows.append(row | {"low": low, "high": high, "confidence": confidence, "reason": reason})
    return pd.DataFrame(rows)


def distribution(units):
    """How many units of each class have a `calibrated` probability in each of COLUMNS columns: label, lower, upper, n, share of the class."""
    edges = np.arange(COLUMNS + 1) / COLUMNS
    member = np.minimum((units["calibrated"].to_numpy(float) * COLUMNS).astype(int), COLUMNS - 1)
    parts = []
    for label in ("benign", "malignant"):
        n = np.bincount(member[units["label"] == (label == "malignant")], minlength=COLUMNS)
        share = n / n.sum() if n.sum() else np.full(COLUMNS, np.nan)
        reason = "" if n.sum() else f"not defined: no image is {label}"
        parts.append(
            pd.DataFrame(
                {
                    "label": label,
                    "lower": edges[:-1],
                    "upper": edges[1:],
                    "n": n,
                    "share": share,
                    "reason": reason,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def decision_curve(units, draws, evaluation):
    """Net benefit per image of calling malignant from each of THRESHOLDS of `calibrated` on, a DataFrame with a row per strategy and threshold.

    Net benefit = true positives / n - false positives / n × threshold / (1 - threshold), in which the threshold says how many
    false alarms a found cancer is worth (Vickers & Elkin, Med. Decis. Making 2006, doi 10.1177/0272989X06295361). Strategies:
    network, with low and high; treat_all calls everything malignant, treat_none nothing.
    """
    if reason := undefined(units):
        return pd.DataFrame([{"strategy": "network", "reason": reason}])
    label, probability = units["label"].to_numpy(float), units["calibrated"].to_numpy(float)
    price = THRESHOLDS / (1 - THRESHOLDS)
    # What a unit adds to the benefit at each threshold at which it is called malignant.
    added = np.where(label[:, None] == 1, 1.0, -price) * (probability[:, None] >= THRESHOLDS)
    benefit, total = draw_sums(added, *draws), draw_sums(np.ones((len(units), 1)), *draws)
    share = label.mean()
    network = _band(
        {"threshold": THRESHOLDS, "net_benefit": added.mean(0)},
        benefit / total,
        resting(units),
        evaluation,
    ).drop(columns="part")
    return pd.concat(
        [
            network.assign(strategy="network"),
            pd.DataFrame(
                {
                    "threshold": THRESHOLDS,
                    "net_benefit": share - (1 - share) * price,
                    "strategy": "treat_all",
                }
            ),
            pd.DataFrame({"threshold": THRESHOLDS, "net_benefit": 0.0, "strategy": "treat_none"}),
        ],
        ignore_index=True,
    )


def _cumulated(label, probability, weights):
    """(thresholds, found, false): each different probability, highest first, and under each weighting the malignant and benign
    weight at or above it; found and false are weightings × (1 + thresholds), and begin with 0.
    """
    order = np.argsort(-probability, kind="stable")
    starts = np.flatnonzero(
        np.r_[True, np.diff(probability[order]) != 0]
    )  # of units of equal probability
    weights, label = weights[:, order], label[order]
    counted = np.zeros((2, len(weights), 1 + len(starts)))
    np.add.reduceat(weights * label, starts, axis=1, out=counted[0, :, 1:])
    np.add.reduceat(weights * (1 - label), starts, axis=1, out=counted[1, :, 1:])
    return probability[order][starts], *counted.cumsum(2)


def _along_roc(found, false):
    """Area and, at RATES, height of the ROC curve under each weighting; NaN where one class is absent."""
    with np.errstate(invalid="ignore", divide="ignore"):
        area = np.trapezoid(found, false) / (found[:, -1] * false[:, -1])
    rise, run = found / np.maximum(found[:, -1:], TINY), false / np.maximum(false[:, -1:], TINY)
    # All curves side by side on one axis, so that one call reads them all; a hair to the right of where one rises upright.
    shift = 2.0 * np.arange(len(found))[:, None]
    height = np.interp((RATES + NEAR + shift).ravel(), (run + shift).ravel(), rise.ravel()).reshape(
        len(found), -1
    )
    height[:, -1] = 1
    height[np.isnan(area)] = np.nan
    return area, height


def _along_precision_recall(found, false):
    """Average precision and, at RECALLS, precision under each weighting; NaN where one class is absent, as metrics have it."""
    precision = found / np.maximum(found + false, TINY)
    both = (found[:, -1] > 0) & (false[:, -1] > 0)
    recall = found / np.maximum(found[:, -1:], TINY)
    area = np.where(both, (np.diff(recall) * precision[:, 1:]).sum(1), np.nan)
    shift = 2.0 * np.arange(len(found))[:, None]
    first = np.searchsorted((recall + shift).ravel(), (RECALLS - NEAR + shift).ravel())
    height = precision.ravel()[np.minimum(first, precision.size - 1)].reshape(len(found), -1)
    return area, np.where(both[:, None], height, np.nan)


def _drawn(along, label, probability, draws):
    """What `along` finds in each draw: areas, and heights (draws × grid)."""
    place, draws = draws
    with threadpool_limits(1):
        blocks = [
            along(*_cumulated(label, probability, drawn[:, place])[1:])
            for drawn in draws.blocks(len(label))
        ]
    return tuple(map(np.concatenate, zip(*blocks, strict=True)))


def _corners(x, y):
    """The places of a path's points without those that lie between two others on a straight line. x and y are whole numbers."""
    dx, dy = np.diff(x), np.diff(y)
    turns = dx[:-1] * dy[1:] != dx[1:] * dy[:-1]
    return np.flatnonzero(np.r_[True, turns, True])


def _summary(metric, value, drawn, rest, evaluation):
    """The row of the area; `rest` is what `resting` found."""
    low, high, (patients, reason) = None, None, rest
    if not reason:
        low, high, reason = interval(drawn, evaluation["confidence"], patients, share=value)
    confidence = evaluation["confidence"] if low is not None else None
    row = {
        "part": "area",
        metric: value,
        "low": low,
        "high": high,
        "confidence": confidence,
        "reason": reason,
    }
    return pd.DataFrame([row])


def _band(columns, drawn, rest, evaluation):
    """A DataFrame of `columns` with low, high and confidence, from the draws × rows in which all is defined; or a reason."""
    patients, reason = rest
    defined = drawn[np.isfinite(drawn).all(1)]
    if not reason and (lost := len(drawn) - len(defined)) > MOST_UNDEFINED * len(drawn):
        reason = f"no interval: not defined in {lost} of {len(drawn)} draws"
    low = high = confidence = np.nan
    if not reason:
        confidence = evaluation["confidence"]
        low, high = np.quantile(defined, ends(confidence, patients), axis=0)
    return pd.DataFrame(columns).assign(
        low=low, high=high, confidence=confidence, reason=reason, part="band"
    )
