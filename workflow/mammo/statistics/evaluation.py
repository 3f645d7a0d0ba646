"""The metrics of one run or of several, for each partition at each level."""

import pandas as pd

from mammo.statistics.bootstrap import estimate, without_level
from mammo.statistics.levels import LEVELS, undefined_levels, units_of
from mammo.tables import PARTITIONS


def prepared(predictions, images, region):
    """A run's predictions with lesion_id and laterality of `images`, and at each level the label that training holds most of.

    That label, 0 or 1, is in majority_<level>, since training may hold more benign lesions but more patients with a malignant one.
    """
    rows = predictions.merge(
        images[["image_id", "lesion_id", "laterality"]], on="image_id", validate="one_to_one"
    )
    training = rows[rows["partition"] == "training"]
    shares = {level: units_of(training, level, region)["label"].mean() for level in LEVELS}
    return rows.assign(**{f"majority_{level}": int(share > 0.5) for level, share in shares.items()})


def ensemble(runs):
    """Prepared rows of runs on the same partitions as those of one: each image with the mean of its probabilities."""
    rows = pd.concat(runs, ignore_index=True)
    how = dict.fromkeys(rows.columns, "first") | {"probability": "mean"}
    return rows.groupby("image_id", sort=False).agg(how).reset_index(drop=True)


def evaluate(runs, images, region, evaluation):
    """A DataFrame with a row per partition, level and metric: of one run its values, of several their mean (see `estimate`).

    runs: a list of prepared rows. images: all of the region, which tell what levels there are. evaluation: draws, confidence, seed.
    """
    undefined = undefined_levels(images, region)
    parts = []
    for partition in PARTITIONS:
        rows = [run[run["partition"] == partition] for run in runs]
        if not all(map(len, rows)):
            continue
        for level in LEVELS:
            if level in undefined:
                values = without_level(undefined[level])
            else:
                units = [units_of(part, level, region) for part in rows]
                units = [table.assign(majority=table[f"majority_{level}"]) for table in units]
                values = estimate(units, level, evaluation)
            parts.append(values.assign(partition=partition, level=level))
    origin = {column: runs[0][column].iloc[0] for column in ("dataset", "leaks")}
    return pd.concat(parts, ignore_index=True).assign(runs=len(runs), **origin)
