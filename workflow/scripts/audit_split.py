"""Audit a split: check what a manifest claims, on the manifest as written, against the inventory."""

import json
from pathlib import Path

from mammo.log import step
from mammo.split.audit import audit_split
from mammo.split.groups import leaks
from mammo.tables import read_table

if __name__ == "__main__":
    with step(snakemake):
        inputs = snakemake.input
        checks = audit_split(
            read_table(inputs.manifest, "manifest"),
            images := read_table(inputs.images, "images"),
            read_table(inputs.lesions, "lesions"),
            read_table(inputs.duplicates, "duplicates"),
            read_table(inputs.left_out, "excluded"),
            snakemake.params.split,
        )
        audit = {
            "dataset": images["dataset"].iloc[0],
            "leaks": leaks(snakemake.params.split),
            "checks": checks,
        }
        Path(snakemake.output[0]).write_text(
            json.dumps(audit, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        # Names of patients are in audit.json, where they are looked for, and not in a log, which is sent around.
        for item in checks:
            print(
                f"{item['status']:4}  {item['name']} ({item['looked_at']}): {len(item['found']) + item['more']} found"
            )
