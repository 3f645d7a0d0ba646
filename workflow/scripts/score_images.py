"""What an experiment says of each image: the mean over a fold's seeds, calibrated; and the thresholds that validation gives."""

import pandas as pd

from lib.calibration import calibrate, temperature
from lib.evaluation import ensemble, prepared
from lib.levels import LEVELS, undefined_levels, units_of
from lib.log import log_to
from lib.operating_points import POINTS, choose
from lib.tables import read_table, run_of, write_table


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
    validation = rows[rows["partition"] == "validation"].assign(probability=lambda table: table["calibrated"])
    found = []
    for level in LEVELS:
        if level in undefined:
            points, n = dict.fromkeys(POINTS, (None, f"no such level: {undefined[level]}")), None
        else:
            units = units_of(validation, level, region)
            points, n = choose(units["label"], units["probability"]), len(units)
        for point, (threshold, reason) in points.items():
            found.append({"level": level, "point": point, "threshold": threshold, "n": n, "reason": reason})
    return pd.DataFrame(found)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        images = read_table(snakemake.input.images, "images")
        folds = {}
        for path in snakemake.input.predictions:
            _, fold, _ = run_of(path)
            folds.setdefault(fold, []).append(read_table(path, "predictions"))
        scores, thresholds = [], []
        for fold, runs in folds.items():
            of_fold = {"experiment": snakemake.wildcards.experiment, "fold": fold}
            rows, points = score_fold(runs, images, snakemake.params.region)
            origin = {column: runs[0][column].iloc[0] for column in ("dataset", "leaks")}
            scores.append(rows.assign(**of_fold))
            thresholds.append(points.assign(**of_fold, **origin))
        write_table(pd.concat(scores), snakemake.output.scores, "scores")
        thresholds = pd.concat(thresholds)
        write_table(thresholds, snakemake.output.thresholds, "thresholds")
        print(thresholds[["fold", "level", "point", "temperature", "threshold", "reason"]].to_string(index=False))
