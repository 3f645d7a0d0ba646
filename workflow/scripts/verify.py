"""Hash everything again, and print what no longer matches results/provenance.json."""

import json
import sys
from pathlib import Path

from mammo.study.provenance import differences
from mammo.study.verification import as_text

if __name__ == "__main__":
    path = Path("results/provenance.json")
    if not path.is_file():
        sys.exit(
            f"error: {path.resolve()} is not there: the study's whole command,"
            " `snakemake --cores 4`, records it."
        )
    record = json.loads(path.read_text(encoding="utf-8"))
    found = list(differences(record, path.parent, snakemake.params.path, snakemake.params.parts))
    lines = list(as_text(record, found))
    Path(snakemake.log[0]).write_text(lines[-1] + "\n", encoding="utf-8")
    print("\n".join(lines), flush=True)
    sys.exit(lines[-1] if any(item.severity == "wrong" for item in found) else 0)
