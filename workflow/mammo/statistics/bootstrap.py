"""Estimates with their intervals: a bootstrap that draws patients with replacement, each with all that is theirs."""

import numpy as np
import pandas as pd
from scipy.special import expit, logit, ndtr, stdtrit
from threadpoolctl import threadpool_limits

from mammo.statistics.metrics import NEEDS, THRESHOLD, measure, of_counts

FEWEST_PATIENTS = (
    10  # that a metric must rest on for an interval: of fewer, draws hardly differ or lack a class
)
MOST_UNDEFINED = 0.05  # share of the draws in which a metric may be undefined; the interval is then of the others
# Chance alone raises what is a sum of distances: the estimate above the truth, and the draws above the estimate once more.
RAISED_BY_CHANCE = {"expected_calibration_error"}
# Shares of units or of pairs, or made of such.
SHARES = {
    "auroc",
    "auprc",
    "accuracy",
    "majority_class_accuracy",
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "f1",
}
BLOCK = 2**18  # weights that are looked at together: as many as fit in a processor's cache


class Draws:
    """How often each of `patients` was drawn, in each of `draws`: a draw takes as many as there are, with replacement.

    All of it together would fill the memory where patients are many. So it is made block by block, and each time anew: what is
    drawn depends on the seed alone.
    """

    def __init__(self, patients, draws, seed):
        self.patients, self.draws, self.seed = patients, draws, seed

    def blocks(self, units=0):
        """Yield arrays (some draws) × patients, one draw after the other; small ones, where each patient's weight goes to so many units."""
        rng = np.random.default_rng(self.seed)
        size = max(1, BLOCK // max(units, self.patients))
        for start in range(0, self.draws, size):
            count = min(size, self.draws - start)
            chosen = rng.integers(self.patients, size=(count, self.patients))
            chosen += np.arange(count)[:, None] * self.patients
            drawn = np.bincount(chosen.ravel(), minlength=count * self.patients)
            yield drawn.reshape(count, self.patients).astype(float)


def draw_sums(values, place, draws):
    """The sum of `values` (units × columns) over the units of each draw: draws × columns. place: each unit's patient."""
    patients = np.zeros((draws.patients, values.shape[1]))
    np.add.at(patients, place, values)  # by patient first, of whom there are fewer
    with threadpool_limits(1):
        return np.concatenate([drawn @ patients for drawn in draws.blocks()])


def draw_metrics(table, place, draws, wanted=tuple(NEEDS)):
    """{metric: its value in each of the Draws} for the metrics that are `wanted`; table: as whole_metrics has it; place: each unit's patient."""
    under = _measurer(table, wanted)
    blocks = [under(drawn[:, place]) for drawn in draws.blocks(len(table))]
    return {metric: np.concatenate([block[metric] for block in blocks]) for metric in wanted}


def whole_metrics(table, wanted=tuple(NEEDS)):
    """{metric: its value} of units with label, probability, majority, and threshold where it is not 0.5."""
    return {
        metric: values[0]
        for metric, values in _measurer(table, wanted)(np.ones((1, len(table)))).items()
    }


def _measurer(table, wanted):
    columns = (table[name].to_numpy() for name in ("label", "probability", "majority"))
    return measure(*columns, _thresholds(table), wanted)


def ends(confidence, patients):
    """The two shares of the draws below which an interval that rests on so many patients begins and ends.

    A bootstrap takes the spread of n patients for that of all, and the normal's percentiles for Student's: its intervals are
    too narrow by what is undone here (the expanded percentile interval; Hesterberg, The American Statistician 2015, 69:371).
    """
    patients = max(patients, 2)
    low = ndtr(np.sqrt(patients / (patients - 1)) * stdtrit(patients - 1, (1 - confidence) / 2))
    return float(low), float(1 - low)


def interval(values, confidence, patients, mirror=None, share=None):
    """(low, high, reason): the percentiles of a metric's `values` in all draws, or None, None and why there is no interval.

    patients: how many the metric rests on; of those with a malignant and those with a benign image, say, the fewer. mirror: an estimate about which they are mirrored, not below 0 (the basic bootstrap, Davison & Hinkley 1997): where draws
    lie above the estimate, the truth lies as far below it.
    share: an estimate between 0 and 1. Near either, draws lean to the middle and their percentiles miss the truth on the
    flattering side: the interval is then that of the estimate's logit, by the draws' standard deviation (the delta method) and
    Student's t, which keeps within 0 and 1 too (for the AUROC: Qin & Hotilovac, Stat. Methods Med. Res.
    2008, 17:207).
    """
    defined = values[np.isfinite(values)]
    if (undefined := len(values) - len(defined)) > MOST_UNDEFINED * len(values):
        return None, None, f"no interval: not defined in {undefined} of {len(values)} draws"
    if np.ptp(defined) < 1e-12:
        return None, None, "no interval: the same in every draw"
    if share is not None:
        half = (
            -stdtrit(max(patients, 2) - 1, (1 - confidence) / 2)
            * defined.std(ddof=1)
            / (share * (1 - share))
        )
        return float(expit(logit(share) - half)), float(expit(logit(share) + half)), ""
    low, high = np.quantile(defined, ends(confidence, patients))
    if mirror is not None:
        low, high = max(0, 2 * mirror - high), max(0, 2 * mirror - low)
    return low, high, ""


def estimate(tables, level, evaluation):
    """The metrics of runs at one level in one partition, a DataFrame with metric, value, low, high, confidence, sd, runs, n, reason.

    tables: of each run, its units: unit, patient_id, label (1: malignant), probability, majority (the label that training
    holds most of), images, and threshold where it is not 0.5. Of several runs the value is the mean over them and sd their
    standard deviation (n - 1); the interval is that mean's, with the same patients drawn for all runs: it tells how the
    patients that happened to be in the partition move it, not how another training would. evaluation: draws, confidence, seed.
    """
    units = pd.concat(tables, ignore_index=True)
    patients, places = np.unique(units["patient_id"].to_numpy(str), return_inverse=True)
    places = np.split(places, np.cumsum([len(table) for table in tables])[:-1])
    draws = Draws(len(patients), evaluation["draws"], evaluation["seed"])
    with threadpool_limits(1):  # blocks this small are slower with several threads
        whole = [whole_metrics(table) for table in tables]
        drawn = [
            draw_metrics(table, place, draws) for table, place in zip(tables, places, strict=True)
        ]
    rows = _told(whole, drawn, _resting(units), level, evaluation)
    for count, of in {
        "benign": lambda table: (table["label"] == 0).sum(),
        "malignant": lambda table: (table["label"] == 1).sum(),
        "images": lambda table: table["images"].sum(),
        "patients": lambda table: table["patient_id"].nunique(),
    }.items():
        rows.append(
            {
                "metric": count,
                **_summary(np.array([of(table) for table in tables])),
                "reason": "a count",
            }
        )
    columns = ["metric", "value", "low", "high", "confidence", "sd", "reason"]
    return pd.DataFrame(rows, columns=columns).assign(runs=len(tables), n=units["unit"].nunique())


def estimate_counts(units, level, evaluation):
    """The 2×2 table of units, as `estimate` has the metrics: true_positives and so on, and what is computed from them.

    units: unit, patient_id, label (1: malignant), probability, and threshold, at which and above which the call is malignant.
    """
    malignant, called = units["label"] == 1, units["probability"] >= units["threshold"]
    kinds = {
        "true_positives": malignant & called,
        "false_positives": ~malignant & called,
        "false_negatives": malignant & ~called,
        "true_negatives": ~malignant & ~called,
    }
    patients, place = np.unique(units["patient_id"].to_numpy(str), return_inverse=True)
    draws = Draws(len(patients), evaluation["draws"], evaluation["seed"])
    counts = np.column_stack(list(kinds.values())).astype(float)
    whole, drawn = (
        of_counts(*table.T) for table in (counts.sum(0), draw_sums(counts, place, draws))
    )
    rows = [
        {"metric": kind, "value": rows.sum(), "reason": "a count"} for kind, rows in kinds.items()
    ]
    rows += _told([whole], [drawn], _resting(units), level, evaluation)
    columns = ["metric", "value", "low", "high", "confidence", "reason"]
    return pd.DataFrame(rows, columns=columns).assign(n=len(units))


def without_level(reason):
    """What `estimate` would return where a level is not defined: no value of any metric, and the reason."""
    return pd.DataFrame({"metric": list(NEEDS)}).assign(reason=f"no such level: {reason}")


def _told(whole, drawn, resting, level, evaluation):
    """A row per metric of `whole`, {metric: its value} of each run, with the interval from `drawn`, the same of all draws."""
    rows = []
    for metric in whole[0]:
        needs, values = NEEDS[metric], np.array([run[metric] for run in whole])
        row = {"metric": metric} | _summary(values)
        if not np.isfinite(values).all():
            row |= {"value": None, "sd": None, "reason": _undefined(values, needs, resting, level)}
        elif few := _too_few(needs, resting, level):
            row["reason"] = few
        else:
            mirror = row["value"] if metric in RAISED_BY_CHANCE else None
            drawn_values = np.mean([run[metric] for run in drawn], axis=0)
            share = row["value"] if metric in SHARES else None
            low, high, reason = interval(
                drawn_values, evaluation["confidence"], _fewest(needs, resting), mirror, share
            )
            confidence = evaluation["confidence"] if low is not None else None
            row |= {"low": low, "high": high, "confidence": confidence, "reason": reason}
        rows.append(row)
    return rows


def support(units, metric, level):
    """(patients, why no value, why no interval): how many patients a metric of `units` rests on, of the kinds that it needs the
    fewest, and what follows if there are too few; texts, '' where there are enough."""
    needs, resting = NEEDS[metric], _resting(units)
    return _fewest(needs, resting), _absent(needs, resting, level), _too_few(needs, resting, level)


def _thresholds(units):
    return units["threshold"].to_numpy(float) if "threshold" in units else THRESHOLD


def _summary(values):
    return {"value": values.mean(), "sd": values.std(ddof=1) if len(values) > 1 else None}


def _resting(units):
    """How many patients have a unit of each kind that a metric may need; '' is any kind."""
    called = units["probability"] >= _thresholds(units)
    kinds = {
        "": called | True,
        "malignant": units["label"] == 1,
        "benign": units["label"] == 0,
        "called malignant": called,
        "called benign": ~called,
        "told apart": units["probability"] != units["probability"].iloc[0],
    }
    return {kind: units.loc[rows, "patient_id"].nunique() for kind, rows in kinds.items()}


def _fewest(needs, resting):
    return min(resting[of] for of in needs or [""])


def _too_few(needs, resting, level):
    """Why a metric that needs such units has no interval, as too few patients have them; '' if they are enough."""
    for of in needs or [""]:
        if resting[of] < FEWEST_PATIENTS:
            whom = f"{of} patients" if level == "patient" else f"patients with a {of} {level}"
            return f"no interval: {resting[of]} {whom if of else 'patients'}, and it takes {FEWEST_PATIENTS}"
    return ""


def _absent(needs, resting, level):
    return next((f"not defined: no {level} is {of}" for of in needs if not resting[of]), "")


def _undefined(values, needs, resting, level):
    if absent := _absent(needs, resting, level):
        return absent
    if len(values) > 1:
        return f"not defined in {(~np.isfinite(values)).sum()} of {len(values)} runs"
    if not resting["told apart"]:
        return "not defined: all probabilities are equal"
    return "not defined: the probabilities of the two classes do not overlap"
