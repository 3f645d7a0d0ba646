"""The metrics of one run or of several, for each partition at each level."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mammo.log import InputError, some
from mammo.statistics.estimation import estimate, without_level
from mammo.statistics.metrics import THRESHOLD
from mammo.statistics.units import undefined_levels, units_of
from mammo.tables import origin_of
from mammo.words import LEVELS, PARTITIONS

if TYPE_CHECKING:
    from mammo.statistics.settings import Evaluation

Run = tuple[int, int]  # fold, seed


def refuse_strangers(predictions: pd.DataFrame, images: pd.DataFrame, path: str | Path) -> None:
    """Raise InputError unless the predictions, read from `path`, are of exactly these images.

    images: the manifest's rows that decoded, with patient, partition and label.
    """
    columns = ["image_id", "patient_id", "partition", "label"]
    wanted = images.assign(label=(images["label"] == "malignant").astype(int))[columns]
    found = predictions[columns].astype({"label": int})
    joined = found.merge(wanted, how="outer", indicator=True)
    if (strange := joined["_merge"] != "both").any():
        names = some(joined.loc[strange, "image_id"].unique())
        raise InputError(
            f"{path}: missing, or not the manifest's patient, partition and label: {names}."
            " Delete the file to predict again."
        )


def prepared(predictions: pd.DataFrame, images: pd.DataFrame, region: str) -> pd.DataFrame:
    """A run's predictions with lesion_id and laterality, and the majority class at each level.

    That class, 0 or 1, is in majority_<level>: a training set may hold more benign lesions but more
    patients with a malignant one.
    """
    rows = predictions.merge(
        images[["image_id", "lesion_id", "laterality"]], on="image_id", validate="one_to_one"
    )
    training = rows[rows["partition"] == "training"]
    for level in LEVELS:
        malignant = units_of(training, level, region)["label"].mean()
        rows = rows.assign(**{f"majority_{level}": int(malignant > 0.5)})
    return rows


def ensemble(runs: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Prepared rows of runs on the same partitions as of one: each image's mean probability."""
    rows = pd.concat(runs, ignore_index=True)
    how = dict.fromkeys(rows.columns, "first") | {"probability": "mean"}
    return rows.groupby("image_id", sort=False).agg(how).reset_index(drop=True)


def evaluate(
    runs: Sequence[pd.DataFrame], images: pd.DataFrame, region: str, evaluation: Evaluation
) -> pd.DataFrame:
    """A row per partition, level and metric: of one run its values, of several their mean.

    runs: prepared rows of each. images: all of the region, which say what levels there are. The
    columns are those of `estimate`, and runs, dataset and leaks.
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
    return pd.concat(parts, ignore_index=True).assign(runs=len(runs), **origin_of(runs[0]))


def together(
    runs: dict[Run, pd.DataFrame], images: pd.DataFrame, region: str, evaluation: Evaluation
) -> list[pd.DataFrame]:
    """What the runs of an experiment make together, as tables of metrics; none of a single run.

    runs: {(fold, seed): predictions}.

    - mean: over all runs.
    - ensemble: of several seeds, the mean probability of each image, in each fold on its own, since
      other folds trained on what one tests.
    - pooled: the test images of all folds in one table, each predicted by the models that had not
      seen it. That is cross-validation: it estimates how such models do, and none of them by
      itself. Probabilities of different folds need not lie on one scale; the mean does not mind.
    """
    rows = {run: prepared(predictions, images, region) for run, predictions in runs.items()}
    folds: dict[int, list[pd.DataFrame]] = {}
    for (fold, _), part in rows.items():
        folds.setdefault(fold, []).append(part)
    tables = []
    if len(rows) > 1:
        values = evaluate(list(rows.values()), images, region, evaluation)
        tables.append(values.assign(of="mean"))
    ensembles = {fold: ensemble(seeds) for fold, seeds in folds.items()}
    for fold, part in ensembles.items():
        if (seeds := len(folds[fold])) > 1:
            values = evaluate([part], images, region, evaluation)
            tables.append(values.assign(of="ensemble", fold=fold, runs=seeds))
    if len(folds) > 1:
        tests = [part[part["partition"] == "test"] for part in ensembles.values()]
        values = evaluate([pd.concat(tests, ignore_index=True)], images, region, evaluation)
        tables.append(values.assign(of="pooled", runs=len(rows)))
    return tables


def as_json(values: pd.DataFrame, made_from: dict[str, str]) -> dict[str, Any]:
    """The rows of metrics.csv as a dict for JSON; what is not defined is None.

    made_from: {path of a table that the values were computed from: its hash}.
    """
    rows = []
    for row in values.to_dict("records"):
        rows.append({key: None if pd.isna(value) else value for key, value in row.items()})
    return {"positive": "malignant", "threshold": THRESHOLD, "made_from": made_from, "values": rows}
