"""Let an audited split through, or stop: fail on a failed check and name what it found."""

from mammo.log import InputError, some


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
