"""Compare what two machines have with what a study needs, and fail where a study would."""

import json
import sys
from collections import Counter
from pathlib import Path

from mammo.study.preflight import as_text, checks

if __name__ == "__main__":
    files = (Path(snakemake.input[name]) for name in ("here", "node"))
    here, node = (json.loads(path.read_text(encoding="utf-8")) for path in files)
    rows = list(checks(here, node, snakemake.params.gpus, snakemake.params.threads))
    found = Counter(row.status for row in rows)
    counts = ", ".join(f"{found[status]} {status}" for status in ("fail", "warn", "pass"))
    Path(snakemake.log[0]).write_text(counts + "\n", encoding="utf-8")
    print(f"Preflight: {counts}.", *as_text(rows), sep="\n", flush=True)
    sys.exit(1 if found["fail"] else 0)
