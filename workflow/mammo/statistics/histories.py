"""The histories of all runs as one table per figure: accuracy and loss, per epoch, of training and validation."""

import pandas as pd

COLUMNS = {"training": "{}", "validation": "val_{}"}


def curve(histories, measure):
    """A DataFrame with a row per run, partition and epoch. `histories` is {(experiment, fold, seed): its history}."""
    parts = [
        history[["epoch", "kept", "dataset", "leaks"]].assign(
            experiment=experiment,
            fold=fold,
            seed=seed,
            partition=partition,
            value=history[column.format(measure)],
        )
        for (experiment, fold, seed), history in histories.items()
        for partition, column in COLUMNS.items()
    ]
    return pd.concat(parts, ignore_index=True)
