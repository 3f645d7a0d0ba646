"""All runs' metrics in one table, as CSV and as JSON."""

import json
from pathlib import Path

import pandas as pd

from lib.log import log_to
from lib.tables import read_table, write_table


def as_json(values):
    """The rows of metrics.csv as a dict for JSON, with what they have in common; an undefined value is None."""
    rows = [{key: None if pd.isna(value) else value for key, value in row.items()} for row in values.to_dict("records")]
    return {"positive": "malignant", "values": rows}


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        values = pd.concat([read_table(path, "metrics") for path in snakemake.input], ignore_index=True)
        write_table(values, snakemake.output.csv, "metrics")
        text = json.dumps(as_json(values), indent=2, ensure_ascii=False)
        Path(snakemake.output.json).write_text(text + "\n", encoding="utf-8")
        test = values[values["partition"] == "test"]
        print(test.pivot(index="metric", columns=["experiment", "fold", "seed"], values="value").to_string())
