"""Let an audited split through, or stop: fail on a failed check and name what it found."""

import json
from pathlib import Path

from mammo.hashing import sha256
from mammo.log import log_to
from mammo.split.gate import gate_split

if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        manifest = snakemake.input.manifest
        audit = json.loads(Path(snakemake.input.audit[0]).read_text(encoding="utf-8"))
        gate_split(audit, manifest)
        passed = {
            "passed_manifest_sha256": sha256(manifest),
            "dataset": audit["dataset"],
            "leaks": audit["leaks"],
        }
        Path(snakemake.output[0]).write_text(json.dumps(passed, indent=2) + "\n")
        print("every check passed or only warned")
