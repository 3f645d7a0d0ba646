"""All runs' metrics in one table, as CSV and as JSON; and of several runs their mean and what they say together."""

import json
from pathlib import Path

import pandas as pd

from lib.evaluation import ensemble, evaluate, prepared
from lib.hashing import sha256
from lib.log import log_to
from lib.metrics import THRESHOLD
from lib.tables import read_table, write_table


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
        tested = pd.concat([rows[rows["partition"] == "test"] for rows in ensembles.values()], ignore_index=True)
        tables.append(evaluate([tested], images, region, evaluation).assign(of="pooled", runs=len(runs)))
    return tables


def as_json(values, made_from):
    """The rows of metrics.csv as a dict for JSON, with what they have in common; what is not defined is None.

    made_from: {path of a table that the values were computed from: its hash}.
    """
    rows = [{key: None if pd.isna(value) else value for key, value in row.items()} for row in values.to_dict("records")]
    return {"positive": "malignant", "threshold": THRESHOLD, "made_from": made_from, "values": rows}


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        tables = [read_table(path, "metrics") for path in snakemake.input.metrics]
        runs = {}
        for table, path in zip(tables, snakemake.input.predictions, strict=True):
            experiment, fold, seed = table[["experiment", "fold", "seed"]].iloc[0]
            runs.setdefault(experiment, {})[fold, seed] = read_table(path, "predictions")
        results = Path(snakemake.output.csv).parent  # a copy's, where they are on a storage provider
        named = {path: Path("results", Path(path).relative_to(results)).as_posix() for path in snakemake.input}
        images = {named[path]: read_table(path, "images") for path in snakemake.input.images}
        for experiment, settings in snakemake.params.experiments.items():
            found = together(runs[experiment], **settings | {"images": images[settings["images"]]})
            tables += [values.assign(experiment=experiment) for values in found]
        # A missing fold or seed is one of none to pandas, which must not make numbers of those that are there.
        values = pd.concat([table.astype(object) for table in tables], ignore_index=True)
        write_table(values, snakemake.output.csv, "metrics")
        values = read_table(snakemake.output.csv, "metrics")
        made_from = {named[path]: sha256(path) for path in [*snakemake.input.predictions, *snakemake.input.images]}
        text = json.dumps(as_json(values, made_from), indent=2, ensure_ascii=False)
        Path(snakemake.output.json).write_text(text + "\n", encoding="utf-8")
        test = values[(values["partition"] == "test") & (values["level"] == "image")]
        print(test.pivot(index="metric", columns=["experiment", "of", "fold", "seed"], values="value").to_string())
