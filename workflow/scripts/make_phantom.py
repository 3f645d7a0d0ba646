"""Make the synthetic dataset: a small CBIS-DDSM in the Kaggle layout, with its traps planted."""

from pathlib import Path

from mammo.dataset.phantom.build import build
from mammo.dataset.settings import Phantom
from mammo.log import log_to

if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        params = snakemake.params
        phantom = Phantom(patients=params.patients, seed=params.seed, lookalikes=params.lookalikes)
        build(Path(snakemake.output.planted).parent, phantom, snakemake.threads)
