"""What every result was made from: dataset, settings, code, packages, and the hash of each file."""

import json
from datetime import UTC, datetime
from pathlib import Path

from mammo.log import step
from mammo.study.provenance import code_of_steps, made_with, result_files, sha256

if __name__ == "__main__":
    with step(snakemake):
        params, results = snakemake.params, Path(snakemake.output[0]).parent
        files = {
            path: {"bytes": (results / path).stat().st_size, "sha256": sha256(results / path)}
            for path in result_files(results, params.parts)
        }
        record = {
            "recorded": datetime.now(UTC).isoformat(timespec="seconds"),
            "dataset": {
                "edition": params.edition,
                **json.loads(Path(snakemake.input.fingerprint).read_text()),
            },
            "experiments": params.experiments,
            "made_with": made_with(),
            "code": code_of_steps(),
            "files": files,
        }
        text = json.dumps(record, indent=2, ensure_ascii=False)
        Path(snakemake.output[0]).write_text(text + "\n", encoding="utf-8")
        print(f"{len(files)} files")
