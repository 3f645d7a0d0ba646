"""What every result was made from: dataset, settings, code, packages, and each file's hash."""

import json
from datetime import UTC, datetime
from pathlib import Path

from mammo.log import step
from mammo.study.provenance import code_of_steps, hashes, made_with

if __name__ == "__main__":
    with step(snakemake):
        params, output = snakemake.params, Path(snakemake.output[0])
        dataset = json.loads(Path(snakemake.input.fingerprint).read_text())
        record = {
            "recorded": datetime.now(UTC).isoformat(timespec="seconds"),
            "dataset": {"edition": params.edition, **dataset},
            "experiments": params.experiments,
            "made_with": made_with(),
            "code": code_of_steps(),
            "files": hashes(output.parent, params.parts),
        }
        text = json.dumps(record, indent=2, ensure_ascii=False)
        output.write_text(text + "\n", encoding="utf-8")
        print(f"{len(record['files'])} files")
