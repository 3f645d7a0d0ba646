"""Let an audited split through, or stop: fail on a failed check and name what it found."""

import hashlib
import json
from pathlib import Path

from lib.log import InputError, log_to, some


def gate_split(audit, where):
    """Raise InputError if a check of the audit failed."""
    failed = [item for item in audit["checks"] if item["status"] == "fail"]
    if failed:
        lines = [f"  {item['name']}: {some(item['found'])}" for item in failed]
        raise InputError(
            f"{where} fails {len(failed)} check(s):\n"
            + "\n".join(lines)
            + "\nNothing is trained or evaluated on this split. All of it is "
            "in audit.json; `snakemake audit` prints it. Duplicates: remove one of each from the dataset, or choose "
            "split.duplicates: drop_from_training. A shared file: correct the dataset's tables. If manifest.csv was edited by hand, delete it; "
            "else this is a defect of the workflow: report it."
        )


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        audit = json.loads(Path(snakemake.input.audit[0]).read_text(encoding="utf-8"))
        gate_split(audit, snakemake.input.manifest)
        digest = hashlib.sha256(Path(snakemake.input.manifest).read_bytes()).hexdigest()
        passed = {"passed_manifest_sha256": digest, "dataset": audit["dataset"], "leaks": audit["leaks"]}
        Path(snakemake.output[0]).write_text(json.dumps(passed, indent=2) + "\n")
        print("every check passed or only warned")
