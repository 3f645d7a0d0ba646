"""Hash everything again, and print what no longer matches results/provenance.json."""

from mammo.log import some

WAY_OUT = {
    "missing": "the study's command makes it again",
    "changed": "delete it, and the study's command makes it again",
    "dataset": "put the dataset back as it was, or add --forcerun take_inventory to the study's command",
    "stamp": "delete it, and the study's command makes it again",
    "not recorded": "a later call made it, or another configuration: the study's whole command records it",
    "code": "",
    "package": "make run installs what the lock names",
}
SHOWN = 20


def as_text(record, found):
    """The lines to print: what is wrong first. found: a list of (severity, what, detail)."""
    made = record["made_with"]
    commit = f"commit {made['commit'][:12]}" if made["commit"] else "no commit known"
    yield f"Recorded {record['recorded']}, {commit}, dataset {record['dataset']['fingerprint']}: {len(record['files'])} files."
    for severity in ("wrong", "note"):
        for what in WAY_OUT:
            details = [detail for grade, kind, detail in found if (grade, kind) == (severity, what)]
            if details:
                way = f"  ({WAY_OUT[what]})" if WAY_OUT[what] else ""
                yield f"{severity.upper() if severity == 'wrong' else severity:5}  {what}: {len(details)}{way}"
                yield from (f"         {detail}" for detail in details[:SHOWN])
                if details[SHOWN:]:
                    yield f"         and {some(details[SHOWN:], 0).removeprefix(' and ')}"
    wrong = sum(severity == "wrong" for severity, *_ in found)
    yield f"{wrong} thing(s) no longer match." if wrong else "Everything matches what was recorded."
