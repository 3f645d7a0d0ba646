"""Get CBIS-DDSM as published on Kaggle, through kagglehub; a second call goes on, or verifies that all is there."""

from mammo.dataset.download.kaggle import main
from mammo.log import step

if __name__ == "__main__":
    with step(snakemake):
        main(snakemake.params.path, snakemake.output[0])
