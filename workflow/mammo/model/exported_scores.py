"""The scores of the networks that are exported as one: those of a fold, or of all folds."""

import pandas as pd

from mammo.statistics.calibration import calibrate, temperature
from mammo.statistics.thresholds import choose
from mammo.tables import read_table


def of_fold(scores, thresholds, fold):
    """(scores, thresholds, images) of a fold's networks, from scores.csv and thresholds.csv; fold None: of all, as `across_folds` has them."""
    scores = read_table(scores, "scores")
    if fold is None:
        return across_folds(scores)
    scores = scores.query("fold == @fold").reset_index(drop=True)
    return (
        scores,
        read_table(thresholds, "thresholds").query("fold == @fold and level == 'image'"),
        scores,
    )


def across_folds(scores):
    """(scores, thresholds, images) of the networks of all folds as one, from scores.csv, as DataFrames.

    scores: each image in each fold, as its networks see it. The temperature and thresholds are those of validation in all folds
    together, and what is tested is what each fold's networks say of images that they had not seen: an estimate for such networks,
    since of their mean every image was trained on. images: each once, with the mean probability; those of the partition
    training are what any fold trained on.
    """
    validation = scores["partition"] == "validation"
    heat = temperature(scores.loc[validation, "label"], scores.loc[validation, "probability"])
    scores = scores.assign(calibrated=calibrate(scores["probability"], heat))
    points = choose(scores.loc[validation, "label"], scores.loc[validation, "calibrated"])
    thresholds = pd.DataFrame(
        {"point": point, "threshold": threshold, "reason": reason, "temperature": heat}
        for point, (threshold, reason) in points.items()
    )
    first = scores.assign(
        order=scores["partition"].map({"training": 0, "validation": 1, "test": 2})
    )
    images = (
        first.sort_values("order", kind="stable")
        .drop_duplicates("image_id")
        .drop(columns="order")
        .sort_index()
    )
    mean = scores.groupby("image_id")["probability"].mean()
    return scores, thresholds, images.assign(probability=images["image_id"].map(mean))
