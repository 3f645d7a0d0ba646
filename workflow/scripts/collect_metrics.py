"""All runs' metrics in one table, as CSV and as JSON; and of several runs their mean and what they say together."""

import json
from pathlib import Path

import pandas as pd

from mammo.hashing import sha256
from mammo.log import step
from mammo.statistics.collection import as_json, together
from mammo.tables import read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        tables = [read_table(path, "metrics") for path in snakemake.input.metrics]
        runs = {}
        for table, path in zip(tables, snakemake.input.predictions, strict=True):
            experiment, fold, seed = table[["experiment", "fold", "seed"]].iloc[0]
            runs.setdefault(experiment, {})[fold, seed] = read_table(path, "predictions")
        results = Path(
            snakemake.output.csv
        ).parent  # a copy's, where they are on a storage provider
        named = {
            path: Path("results", Path(path).relative_to(results)).as_posix()
            for path in snakemake.input
        }
        images = {named[path]: read_table(path, "images") for path in snakemake.input.images}
        for experiment, settings in snakemake.params.experiments.items():
            found = together(runs[experiment], **settings | {"images": images[settings["images"]]})
            tables += [values.assign(experiment=experiment) for values in found]
        # A missing fold or seed is one of none to pandas, which must not make numbers of those that are there.
        values = pd.concat([table.astype(object) for table in tables], ignore_index=True)
        write_table(values, snakemake.output.csv, "metrics")
        values = read_table(snakemake.output.csv, "metrics")
        made_from = {
            named[path]: sha256(path)
            for path in [*snakemake.input.predictions, *snakemake.input.images]
        }
        text = json.dumps(as_json(values, made_from), indent=2, ensure_ascii=False)
        Path(snakemake.output.json).write_text(text + "\n", encoding="utf-8")
        test = values[(values["partition"] == "test") & (values["level"] == "image")]
        print(
            test.pivot(
                index="metric", columns=["experiment", "of", "fold", "seed"], values="value"
            ).to_string()
        )
