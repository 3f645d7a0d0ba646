"""All runs' metrics in one table, as CSV and as JSON; and of several runs their mean and what they say together."""

import pandas as pd

from mammo.statistics.evaluation import ensemble, evaluate, prepared
from mammo.statistics.metrics import THRESHOLD


def together(runs, images, region, evaluation):
    """What the runs of an experiment make together, as tables of metrics; none of a single run.

    runs: {(fold, seed): predictions}. `mean`: over all runs. `ensemble`: of several seeds, the mean probability of each
    image, in each fold on its own, since other folds trained on what one tests. `pooled`: the test images of all folds in one
    table, each with what the networks said that had not seen it. That is cross-validation: it estimates how such networks do,
    and none of them by itself; probabilities of different folds need not lie on one scale, which the mean over runs does not mind.
    """
    runs = {run: prepared(predictions, images, region) for run, predictions in runs.items()}
    folds = {fold: [rows for (of, _), rows in runs.items() if of == fold] for fold, _ in runs}
    tables = []
    if len(runs) > 1:
        tables.append(evaluate(list(runs.values()), images, region, evaluation).assign(of="mean"))
    ensembles = {fold: ensemble(rows) for fold, rows in folds.items()}
    for fold, rows in ensembles.items():
        if (seeds := len(folds[fold])) > 1:
            values = evaluate([rows], images, region, evaluation)
            tables.append(values.assign(of="ensemble", fold=fold, runs=seeds))
    if len(folds) > 1:
        tested = pd.concat(
            [rows[rows["partition"] == "test"] for rows in ensembles.values()], ignore_index=True
        )
        tables.append(
            evaluate([tested], images, region, evaluation).assign(of="pooled", runs=len(runs))
        )
    return tables


def as_json(values, made_from):
    """The rows of metrics.csv as a dict for JSON, with what they have in common; what is not defined is None.

    made_from: {path of a table that the values were computed from: its hash}.
    """
    rows = [
        {key: None if pd.isna(value) else value for key, value in row.items()}
        for row in values.to_dict("records")
    ]
    return {"positive": "malignant", "threshold": THRESHOLD, "made_from": made_from, "values": rows}
