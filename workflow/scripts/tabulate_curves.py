"""The histories of all runs as one table per figure: accuracy and loss, per epoch, of training and validation."""

from pathlib import Path

import pandas as pd

from lib.log import log_to
from lib.tables import read_table, run_of, write_table

COLUMNS = {"training": "{}", "validation": "val_{}"}


def curve(histories, measure):
    """A DataFrame with a row per run, partition and epoch. `histories` is {(experiment, fold, seed): its history}."""
    parts = [
        history[["epoch", "kept", "dataset", "leaks"]].assign(
            experiment=experiment, fold=fold, seed=seed, partition=partition, value=history[column.format(measure)]
        )
        for (experiment, fold, seed), history in histories.items()
        for partition, column in COLUMNS.items()
    ]
    return pd.concat(parts, ignore_index=True)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        histories = {run_of(path): read_table(path, "history") for path in snakemake.input}
        for path in snakemake.output:
            write_table(curve(histories, Path(path).stem), path, "curves")
        print(f"{len(histories)} run(s)")
