"""Compare what two machines have with what a study needs, print it as a table, and fail where a study would."""

import json
import sys
from pathlib import Path

from mammo.study.preflight import as_text, checks

if __name__ == "__main__":
    files = (Path(snakemake.input[name]) for name in ("here", "node"))
    here, node = (json.loads(path.read_text(encoding="utf-8")) for path in files)
    rows = list(checks(here, node, snakemake.params.gpus, snakemake.params.threads))
    counts = ", ".join(
        f"{n} {status}"
        for status in ("fail", "warn", "pass")
        if (n := sum(row[0] == status for row in rows))
    )
    Path(snakemake.log[0]).write_text(counts + "\n", encoding="utf-8")
    print(f"Preflight: {counts}.", *as_text(rows), sep="\n", flush=True)
    sys.exit(1 if any(row[0] == "fail" for row in rows) else 0)
