"""Audit a split: check what the manifest claims, as written, against the inventory."""

import json
from pathlib import Path

from mammo.log import log_to
from mammo.split.audit import audit_split
from mammo.split.checks import Evidence
from mammo.split.gate import number_found
from mammo.split.settings import Split
from mammo.tables import read_table

if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        inputs = snakemake.input
        evidence = Evidence(
            manifest=read_table(inputs.manifest, "manifest"),
            images=read_table(inputs.images, "images"),
            lesions=read_table(inputs.lesions, "lesions"),
            duplicates=read_table(inputs.duplicates, "duplicates"),
            excluded=read_table(inputs.left_out, "excluded"),
            split=Split(**snakemake.params.split),
        )
        audit = audit_split(evidence)
        text = json.dumps(audit, indent=2, ensure_ascii=False) + "\n"
        Path(snakemake.output[0]).write_text(text, encoding="utf-8")
        # Without the findings: they name patients, and a log is sent around.
        for result in audit["checks"]:
            checked = f"{result['name']} ({result['looked_at']})"
            print(f"{result['status']:4}  {checked}: {number_found(result)} found")
