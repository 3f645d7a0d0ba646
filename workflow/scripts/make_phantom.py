"""Make the synthetic dataset: a small CBIS-DDSM in the Kaggle layout, with its traps planted."""

from pathlib import Path

from mammo.dataset.phantom.build import build
from mammo.dataset.settings import Phantom
from mammo.log import step

if __name__ == "__main__":
    with step(snakemake):
        phantom = Phantom(**snakemake.params.phantom)
        build(Path(snakemake.output.planted).parent, phantom, snakemake.threads)
