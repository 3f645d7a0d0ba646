"""The histories of all runs as one table: accuracy or loss by epoch, in training and validation."""

from __future__ import annotations

import pandas as pd

COLUMNS = {"training": "{}", "validation": "val_{}"}  # of a history, by partition

Run = tuple[str, int, int]  # experiment, fold, seed


def curve(histories: dict[Run, pd.DataFrame], measure: str) -> pd.DataFrame:
    """A row per run, partition and epoch; `measure` is accuracy or loss."""
    parts = []
    for (experiment, fold, seed), history in histories.items():
        for partition, column in COLUMNS.items():
            part = history[["epoch", "kept", "dataset", "leaks"]]
            run = {"experiment": experiment, "fold": fold, "seed": seed}
            value = history[column.format(measure)]
            parts.append(part.assign(**run, partition=partition, value=value))
    return pd.concat(parts, ignore_index=True)
