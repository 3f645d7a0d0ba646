"""Hash everything again, and print what no longer matches results/provenance.json."""

import json
import sys
from pathlib import Path

from lib.log import some
from lib.provenance import differences

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


if __name__ == "__main__":
    path = Path("results/provenance.json")
    if not path.is_file():
        sys.exit(f"error: {path.resolve()} is not there: the study's whole command, `snakemake --cores 4`, records it.")
    record = json.loads(path.read_text(encoding="utf-8"))
    found = list(differences(record, path.parent, snakemake.params.path, snakemake.params.parts))
    lines = list(as_text(record, found))
    Path(snakemake.log[0]).write_text(lines[-1] + "\n", encoding="utf-8")
    print("\n".join(lines), flush=True)
    sys.exit(lines[-1] if any(severity == "wrong" for severity, *_ in found) else 0)
