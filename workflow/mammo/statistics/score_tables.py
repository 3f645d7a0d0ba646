"""An experiment's final scores on validation and test: the 2×2 tables at its operating points, calibration before and after, and the curves.

Thresholds and temperature come from validation; test is only counted. Discrimination (ROC, precision-recall) is of the
probabilities as they are, all else of the calibrated ones. The curves are of the test images.
"""

import pandas as pd

from mammo.statistics import curves as score_curves
from mammo.statistics.bootstrap import estimate, estimate_counts
from mammo.statistics.levels import LEVELS, undefined_levels, units_of
from mammo.statistics.metrics import of_counts

PARTITIONS = ["validation", "test"]
CALIBRATION = [
    "log_loss",
    "brier_score",
    "expected_calibration_error",
    "calibration_slope",
    "calibration_intercept",
]
COUNTS = ["true_positives", "false_positives", "false_negatives", "true_negatives"]
COUNTED = [*COUNTS, *of_counts(*[1.0] * 4)]


def each_level(scores, region):
    """(partition, level, rows, reason) for each partition and level: `rows` of scores, or None and why there is no such level."""
    undefined = undefined_levels(scores.drop_duplicates("image_id"), region)
    for partition in PARTITIONS:
        rows = scores[scores["partition"] == partition]
        for level in LEVELS if len(rows) else []:
            if level in undefined:
                yield partition, level, None, f"no such level: {undefined[level]}"
            else:
                yield partition, level, rows, ""


def units_by_fold(rows, level, region, probability):
    """The units of each fold by itself, with `probability` as their probability; a unit of validation may be in several folds."""
    folds = [
        part.assign(probability=part[probability]) for _, part in rows.groupby("fold", sort=False)
    ]
    return pd.concat([units_of(part, level, region) for part in folds], ignore_index=True)


def judged(units, thresholds, level, point):
    """(units with the `threshold` of their fold, '') or (None, why a fold has none)."""
    chosen = thresholds[(thresholds["level"] == level) & (thresholds["point"] == point)].set_index(
        "fold"
    )
    chosen = chosen.loc[units["fold"].unique()]
    if (without := chosen["threshold"].isna()).any():
        return None, f"no threshold: {chosen.loc[without, 'reason'].iloc[0]}"
    return units.assign(threshold=units["fold"].map(chosen["threshold"]).astype(float)), ""


def operating_points(scores, thresholds, region, evaluation):
    """The 2×2 table at each operating point, and what follows from it: a DataFrame with a row per partition, level, point and metric."""
    parts = []
    for partition, level, rows, missing in each_level(scores, region):
        units = None if missing else units_by_fold(rows, level, region, "calibrated")
        for point in thresholds["point"].unique():
            called, reason = (None, missing) if missing else judged(units, thresholds, level, point)
            if reason:
                values = pd.DataFrame({"metric": COUNTED}).assign(reason=reason)
            else:
                values = estimate_counts(called, level, evaluation)
                if called["threshold"].nunique() == 1:
                    values = values.assign(threshold=called["threshold"].iloc[0])
            parts.append(values.assign(partition=partition, level=level, point=point))
    return pd.concat(parts, ignore_index=True)


def calibration_metrics(scores, region, evaluation):
    """What calibration changed: a DataFrame with a row per partition, level, raw or calibrated probabilities, and metric."""
    parts = []
    for partition, level, rows, missing in each_level(scores, region):
        for name, column in [("raw", "probability"), ("calibrated", "calibrated")]:
            if missing:
                values = pd.DataFrame({"metric": CALIBRATION}).assign(reason=missing)
            else:
                units = units_by_fold(rows, level, region, column).assign(majority=0)
                values = estimate([units], level, evaluation)
                values = values[values["metric"].isin(CALIBRATION)].drop(columns=["sd", "runs"])
            parts.append(values.assign(partition=partition, level=level, probabilities=name))
    return pd.concat(parts, ignore_index=True)


def curves(scores, thresholds, points, evaluation, controls=None):
    """{schema: DataFrame} of the curves of the test images. points: what `operating_points` found; controls: scores of theirs, if any.

    The ROC curve has the operating points on it and, without bands, the controls'.
    """
    test = scores[scores["partition"] == "test"]
    draws = score_curves.draws_of(test, evaluation)
    size = {
        "n": len(test),
        "malignant": test["label"].sum(),
        "patients": test["patient_id"].nunique(),
    }
    roc = [score_curves.roc(test, draws, evaluation).assign(**size), _roc_points(points)]
    roc = [part.assign(curve="network") for part in roc]
    if controls is not None:
        tested = controls[(controls["partition"] == "test") & controls["probability"].notna()]
        for name, rows in tested.groupby("control", sort=False):
            size_of = {
                "n": len(rows),
                "malignant": rows["label"].sum(),
                "patients": rows["patient_id"].nunique(),
            }
            roc.append(score_curves.roc(rows).assign(curve=name, **size_of))
    calibration = [
        score_curves.reliability(test, column, draws, evaluation).assign(probabilities=name)
        for name, column in [("raw", "probability"), ("calibrated", "calibrated")]
    ]
    lines = thresholds[thresholds["level"] == "image"].rename(columns={"n": "chosen_on"})
    return {
        "roc": pd.concat(roc),
        "precision_recall": score_curves.precision_recall(test, draws, evaluation).assign(**size),
        "calibration_curve": pd.concat(calibration),
        "score_distribution": pd.concat(
            [score_curves.distribution(test).assign(part="column"), lines.assign(part="threshold")]
        ),
        "decision_curve": score_curves.decision_curve(test, draws, evaluation).assign(**size),
    }


def _roc_points(points):
    """The operating points of the test images as parts of the ROC curve; the interval is the sensitivity's."""
    test = points[(points["partition"] == "test") & (points["level"] == "image")]
    rows = []
    for point, values in test.groupby("point", sort=False):
        values = values.set_index("metric")
        sensitivity = values.loc["sensitivity"].to_dict()
        row = {name: sensitivity.get(name) for name in ("low", "high", "confidence", "reason")}
        specificity = pd.to_numeric(values["value"], errors="coerce")["specificity"]
        both = {"sensitivity": sensitivity["value"], "one_minus_specificity": 1 - specificity}
        rows.append(row | both | {"part": "point", "point": point})
    return pd.DataFrame(rows)
