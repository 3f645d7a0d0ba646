"""All runs' metrics in one table, as CSV and as JSON; and what several runs make together."""

import json
from pathlib import Path

from mammo.hashing import sha256
from mammo.log import step
from mammo.statistics.evaluation import as_json, together
from mammo.statistics.settings import Evaluation
from mammo.tables import concat_tables, read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        inputs, output = snakemake.input, snakemake.output
        tables = [read_table(path, "metrics") for path in inputs.metrics]
        runs = {}
        for table, path in zip(tables, inputs.predictions, strict=True):
            experiment, fold, seed = table[["experiment", "fold", "seed"]].iloc[0]
            runs.setdefault(experiment, {})[fold, seed] = read_table(path, "predictions")

        # On a storage provider the paths are those of copies, which differ from results/.
        results = Path(output.csv).parent
        named = {path: f"results/{Path(path).relative_to(results).as_posix()}" for path in inputs}
        images = {named[path]: read_table(path, "images") for path in inputs.images}
        for experiment, settings in snakemake.params.experiments.items():
            evaluation = Evaluation(**settings["evaluation"])
            shown, region = images[settings["images"]], settings["region"]
            for values in together(runs[experiment], shown, region, evaluation):
                tables.append(values.assign(experiment=experiment))

        write_table(concat_tables(tables), output.csv, "metrics")
        values = read_table(output.csv, "metrics")
        sources = [*inputs.predictions, *inputs.images]
        document = as_json(values, {named[path]: sha256(path) for path in sources})
        text = json.dumps(document, indent=2, ensure_ascii=False)
        Path(output.json).write_text(text + "\n", encoding="utf-8")
        test = values[(values["partition"] == "test") & (values["level"] == "image")]
        runs = ["experiment", "of", "fold", "seed"]
        print(test.pivot(index="metric", columns=runs, values="value").to_string())
