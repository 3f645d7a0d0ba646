"""Inflation by data leakage: of each split that leaks, and of a threshold picked on test."""

import pandas as pd

from mammo.log import step
from mammo.statistics.leakage import leaking_split, threshold_picked_on_test
from mammo.statistics.settings import Evaluation
from mammo.tables import concat_tables, origin_of, read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        evaluation = Evaluation(**snakemake.params.evaluation)
        honest = read_table(snakemake.input.scores, "scores")
        thresholds = read_table(snakemake.input.thresholds, "thresholds")
        tables = []
        for what, path in zip(snakemake.params.leaking, snakemake.input.leaking, strict=True):
            leaking = read_table(path, "scores")
            found = leaking_split(honest, leaking, evaluation)
            tables.append(found.assign(what=what, leaks=leaking["leaks"].iloc[0]))
        picked = pd.DataFrame([threshold_picked_on_test(honest, thresholds, evaluation)])
        tables.append(picked.assign(what="threshold_picked_on_test", leaks=honest["leaks"].iloc[0]))
        table = concat_tables(tables).assign(dataset=origin_of(honest)["dataset"])
        write_table(table, snakemake.output[0], "leakage")
        print(table.drop(columns=["dataset", "leaks", "confidence"]).to_string(index=False))
