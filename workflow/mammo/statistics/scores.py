"""An experiment's final scores, and what they are worth at its operating points and in calibration.

Temperature and thresholds come from validation; test is only counted. Discrimination is of the
probabilities as they are, all else of the calibrated ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from mammo.statistics.calibration import calibrate, temperature
from mammo.statistics.estimation import estimate, estimate_counts
from mammo.statistics.evaluation import ensemble, prepared
from mammo.statistics.metrics import COUNT_METRICS
from mammo.statistics.thresholds import choose_thresholds
from mammo.statistics.units import undefined_levels, units_of
from mammo.words import LEVELS

if TYPE_CHECKING:
    from mammo.statistics.settings import Evaluation

PARTITIONS = ("validation", "test")  # of which tables are made: training was fitted
CALIBRATION = (
    "log_loss",
    "brier_score",
    "expected_calibration_error",
    "calibration_slope",
    "calibration_intercept",
)
COUNTS = ("true_positives", "false_positives", "false_negatives", "true_negatives")
COUNTED = (*COUNTS, *COUNT_METRICS)


def score_fold(
    runs: Sequence[pd.DataFrame], images: pd.DataFrame, region: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(scores, thresholds) of one fold: each image's mean over the seeds, calibrated.

    runs: its predictions, one table per seed; images: all of the region.
    """
    rows = ensemble([prepared(predictions, images, region) for predictions in runs])
    validation = rows[rows["partition"] == "validation"]
    fitted = temperature(validation["label"], validation["probability"])
    rows = rows.assign(calibrated=calibrate(rows["probability"], fitted), runs=len(runs))
    return rows, choose_thresholds(rows, images, region).assign(temperature=fitted)


def operating_points(
    scores: pd.DataFrame, thresholds: pd.DataFrame, region: str, evaluation: Evaluation
) -> pd.DataFrame:
    """The 2×2 table at each operating point, and what follows from it.

    A row per partition, level, point and metric; `threshold` is empty where folds differ in it.
    """
    parts = []
    for partition, level, rows, missing in _each_level(scores, region):
        units = rows if missing else _units_by_fold(rows, level, region, "calibrated")
        for point in thresholds["point"].unique():
            judged, reason = units, missing
            if not missing:
                judged, reason = _at_thresholds(units, thresholds, level, point)
            if reason:
                values = pd.DataFrame({"metric": COUNTED}).assign(reason=reason)
            else:
                values = estimate_counts(judged, level, evaluation)
                if judged["threshold"].nunique() == 1:
                    values = values.assign(threshold=judged["threshold"].iloc[0])
            parts.append(values.assign(partition=partition, level=level, point=point))
    return pd.concat(parts, ignore_index=True)


def calibration_metrics(scores: pd.DataFrame, region: str, evaluation: Evaluation) -> pd.DataFrame:
    """What calibration changed: a row per partition, level, probabilities and metric.

    `probabilities` is raw or calibrated.
    """
    parts = []
    for partition, level, rows, missing in _each_level(scores, region):
        for name, column in [("raw", "probability"), ("calibrated", "calibrated")]:
            if missing:
                values = pd.DataFrame({"metric": CALIBRATION}).assign(reason=missing)
            else:
                units = _units_by_fold(rows, level, region, column).assign(majority=0)
                values = estimate([units], level, evaluation)
                values = values[values["metric"].isin(CALIBRATION)].drop(columns=["sd", "runs"])
            parts.append(values.assign(partition=partition, level=level, probabilities=name))
    return pd.concat(parts, ignore_index=True)


def _each_level(scores: pd.DataFrame, region: str) -> Iterator[tuple[str, str, pd.DataFrame, str]]:
    """Yield (partition, level, its rows of scores, '' or why there is no such level)."""
    undefined = undefined_levels(scores.drop_duplicates("image_id"), region)
    for partition in PARTITIONS:
        rows = scores[scores["partition"] == partition]
        for level in LEVELS if len(rows) else ():
            yield partition, level, rows, undefined.get(level, "")


def _units_by_fold(rows: pd.DataFrame, level: str, region: str, probability: str) -> pd.DataFrame:
    """The units of each fold by itself: a unit of validation may be in several folds.

    `probability` is the column that becomes theirs.
    """
    parts = []
    for _, part in rows.groupby("fold", sort=False):
        parts.append(units_of(part.assign(probability=part[probability]), level, region))
    return pd.concat(parts, ignore_index=True)


def _at_thresholds(
    units: pd.DataFrame, thresholds: pd.DataFrame, level: str, point: str
) -> tuple[pd.DataFrame, str]:
    """(units with the `threshold` of their fold, '' or why a fold has none)."""
    chosen = thresholds[(thresholds["level"] == level) & (thresholds["point"] == point)]
    chosen = chosen.set_index("fold").loc[units["fold"].unique()]
    if (without := chosen["threshold"].isna()).any():
        return units, f"no threshold: {chosen.loc[without, 'reason'].iloc[0]}"
    return units.assign(threshold=units["fold"].map(chosen["threshold"]).astype(float)), ""
