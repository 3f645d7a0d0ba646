"""What audit.json holds, how it is printed, and the gate: a failed check stops the study."""

from collections.abc import Iterator
from typing import Literal, TypedDict

from mammo.log import InputError, some

Status = Literal["fail", "warn", "pass"]
STATUSES: tuple[Status, ...] = ("fail", "warn", "pass")  # in the order in which they are printed
SHOWN = 5  # findings that are printed of each check


class Result(TypedDict):
    """What a check of the audit looked at and what it found wrong; `more` is not listed."""

    name: str
    status: Status
    looked_at: str
    found: list[str]
    more: int


class Audit(TypedDict):
    """The content of audit.json."""

    dataset: str
    leaks: str
    checks: list[Result]


def number_found(result: Result) -> int:
    """How much a check found, listed or not."""
    return len(result["found"]) + result["more"]


def gate_split(audit: Audit, manifest: str) -> None:
    """Raise InputError if a check of the audit failed; `manifest` is the path that it names."""
    failed = [result for result in audit["checks"] if result["status"] == "fail"]
    if failed:
        lines = [f"  {result['name']}: {some(result['found'])}\n" for result in failed]
        raise InputError(
            f"{manifest} fails {len(failed)} check(s):\n{''.join(lines)}"
            "Nothing is trained or evaluated on this split. All findings are in audit.json; "
            "`snakemake audit` prints them. Duplicates: remove one of each from the dataset, or "
            "choose split.duplicates: drop_from_training. A shared file: correct the dataset's "
            "tables. Patients' names: correct them in the dataset, or choose split.patients: "
            "as_written if they are different people. If manifest.csv was edited by hand, delete "
            "it; else this is a defect of the workflow: report it."
        )


def audit_lines(audit: Audit, split: str) -> Iterator[str]:
    """Yield the lines of an audit as printed: failed checks first, some findings below each."""
    results = sorted(audit["checks"], key=lambda result: STATUSES.index(result["status"]))
    statuses = [result["status"] for result in results]
    counts = [f"{statuses.count(status)} {status}" for status in STATUSES if status in statuses]
    yield f"Audit of the split {split}: {', '.join(counts)}. Dataset {audit['dataset']}."
    if audit["leaks"]:
        yield f"NOT EVIDENCE OF PERFORMANCE: the split {audit['leaks']}."
    width = max(len(result["name"]) for result in results)
    yield f"      {'check':{width}}  found  looked at"
    for result in results:
        found = number_found(result)
        name = f"{result['name']:{width}}"
        yield f"{result['status']:4}  {name}  {found:5}  {result['looked_at']}"
        yield from (f"          {line}" for line in result["found"][:SHOWN])
        if found > SHOWN:
            yield f"          and {found - SHOWN} more, in audit.json"
