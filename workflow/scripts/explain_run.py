"""Grad-CAM of one run's test images, and how much of each map's energy falls inside the lesion's mask."""

from mammo.log import log_to
from mammo.model.explanation import main

if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(snakemake.input, snakemake.output, snakemake.params, snakemake.threads)
