"""List what is in the dataset: its files, its lesions, what is excluded and why, and a summary."""

import json
from pathlib import Path

from mammo.dataset.headers import read_known
from mammo.dataset.inventory import (
    fingerprint,
    in_one_spelling,
    label_conflicts,
    tables_by_name,
    take_inventory,
)
from mammo.dataset.settings import Dataset
from mammo.dataset.summary import summarize
from mammo.log import step
from mammo.tables import write_table

if __name__ == "__main__":
    with step(snakemake):
        inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
        dataset = Dataset(**params.dataset)
        # headers.csv is an output that Snakemake leaves in place, for the next run to begin with.
        known = read_known(outputs.headers, params.code)
        files, lesions, excluded, headers = take_inventory(dataset, snakemake.threads, known)
        lesions, excluded, spellings = in_one_spelling(lesions, excluded)
        tables = [*inputs.tables, *params.tables]  # by parameters those that cannot be inputs
        record = fingerprint(files, tables_by_name(dataset.required("path"), tables))
        excluded = excluded.assign(dataset=record["fingerprint"])
        conflicts = label_conflicts(lesions)
        write_table(files, outputs.files, "files")
        write_table(lesions, outputs.lesions, "lesions")
        write_table(excluded, outputs.excluded, "excluded")
        write_table(conflicts, outputs.conflicts, "conflicts")
        write_table(headers.assign(code=params.code), outputs.headers, "headers")
        text = json.dumps(record, indent=2, ensure_ascii=False)
        Path(outputs.fingerprint).write_text(text + "\n", encoding="utf-8")
        text = summarize(dataset.edition, files, lesions, excluded, conflicts, record, spellings)
        Path(outputs.summary).write_text(text, encoding="utf-8")
        print(
            f"{len(files)} files, {len(lesions)} lesions, {len(excluded)} rows excluded;"
            f" dataset {record['fingerprint']}"
        )
