"""Write the model.json of an exported network: what its export found, and how well it tests."""

import json
from pathlib import Path

from mammo.log import step
from mammo.model.ensemble import of_fold, tested
from mammo.model.exported import as_json
from mammo.statistics.settings import Evaluation
from mammo.tables import read_table

if __name__ == "__main__":
    with step(snakemake):
        inputs, evaluation = snakemake.input, Evaluation(**snakemake.params.evaluation)
        fold = snakemake.wildcards.get("fold")
        fold = None if fold is None else int(fold)
        scores, thresholds = (read_table(inputs[name], name) for name in ("scores", "thresholds"))
        scores, thresholds, _ = of_fold(scores, thresholds, fold)
        settings = json.loads(Path(inputs.facts).read_text(encoding="utf-8"))
        settings["test"] = tested(scores, thresholds, evaluation)
        Path(snakemake.output[0]).write_text(as_json(settings), encoding="utf-8")
        for row in settings["test"]:
            print("{point:15} {metric:12} {value} [{low}, {high}] {reason}".format(**row))
