"""Grad-CAM of one run's test images, and how much of each map's energy falls inside the lesion's mask."""

from mammo.log import step
from mammo.model.explanation import main

if __name__ == "__main__":
    with step(snakemake):
        main(snakemake.input, snakemake.output, snakemake.params, snakemake.threads)
