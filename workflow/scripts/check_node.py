"""What a machine has of what a study needs: where Snakemake is called, or where jobs run."""

import json
from pathlib import Path

from mammo.log import step
from mammo.study.node import found_here

if __name__ == "__main__":
    with step(snakemake):
        given = [Path(file).read_text(encoding="utf-8") for file in snakemake.input]
        found = found_here(snakemake.params.path, snakemake.params.tables, *(given or [None]))
        Path(snakemake.output[0]).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        print(f"{found['machine']}: Python {found['python']}")
