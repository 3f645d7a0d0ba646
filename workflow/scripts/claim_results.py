"""Record which dataset this results folder belongs to, so that no run of another one overwrites it."""

import json
from pathlib import Path

from lib.log import log_to

if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        Path(snakemake.output[0]).write_text(json.dumps(snakemake.params.owner, indent=2) + "\n", encoding="utf-8")
