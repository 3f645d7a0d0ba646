"""What no longer matches results/provenance.json, as text."""

from collections.abc import Collection, Iterator
from typing import Any

from mammo.study.provenance import Difference

MAKE_AGAIN = "delete it, and the study's command makes it again"
WAY_OUT = {
    "missing": "the study's command makes it again",
    "changed": MAKE_AGAIN,
    "dataset": "put the dataset back as it was, or add --forcerun take_inventory to the command",
    "stamp": MAKE_AGAIN,
    "not recorded": "made later, or by another configuration: the study's command records it",
    "code": "",
    "package": "make run installs what the lock names",
}
SHOWN = 20


def as_text(record: dict[str, Any], found: Collection[Difference]) -> Iterator[str]:
    """The lines to print: what is wrong comes first."""
    commit = record["made_with"]["commit"]
    made_by = f"commit {commit[:12]}" if commit else "no commit known"
    yield (
        f"Recorded {record['recorded']}, {made_by},"
        f" dataset {record['dataset']['fingerprint']}: {len(record['files'])} files."
    )
    for severity, label in (("wrong", "WRONG"), ("note", "note")):
        for what, way_out in WAY_OUT.items():
            details = [item.detail for item in found if item[:2] == (severity, what)]
            if not details:
                continue
            yield f"{label:5}  {what}: {len(details)}" + (f"  ({way_out})" if way_out else "")
            yield from (f"         {detail}" for detail in details[:SHOWN])
            if details[SHOWN:]:
                yield f"         and {len(details) - SHOWN} more"
    wrong = sum(item.severity == "wrong" for item in found)
    yield f"{wrong} thing(s) no longer match." if wrong else "Everything matches what was recorded."
