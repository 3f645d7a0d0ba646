"""What an experiment says of each image: the mean over a fold's seeds, calibrated; and the thresholds that validation gives."""

import pandas as pd

from mammo.statistics.calibration import calibrate, temperature
from mammo.statistics.evaluation import ensemble, prepared
from mammo.statistics.levels import LEVELS, undefined_levels, units_of
from mammo.statistics.operating_points import POINTS, choose


def score_fold(runs, images, region):
    """(scores, thresholds) of one fold, DataFrames; runs: its predictions, one table per seed; images: all of the region."""
    rows = ensemble([prepared(predictions, images, region) for predictions in runs])
    validation = rows[rows["partition"] == "validation"]
    heat = temperature(validation["label"], validation["probability"])
    rows = rows.assign(calibrated=calibrate(rows["probability"], heat), runs=len(runs))
    return rows, choose_thresholds(rows, images, region).assign(temperature=heat)


def choose_thresholds(rows, images, region):
    """A DataFrame with a row per level and operating point, from the calibrated probabilities of validation alone."""
    undefined = undefined_levels(images, region)
    validation = rows[rows["partition"] == "validation"].assign(
        probability=lambda table: table["calibrated"]
    )
    found = []
    for level in LEVELS:
        if level in undefined:
            points, n = dict.fromkeys(POINTS, (None, f"no such level: {undefined[level]}")), None
        else:
            units = units_of(validation, level, region)
            points, n = choose(units["label"], units["probability"]), len(units)
        for point, (threshold, reason) in points.items():
            found.append(
                {"level": level, "point": point, "threshold": threshold, "n": n, "reason": reason}
            )
    return pd.DataFrame(found)
