"""The dataset's inventory: a row per file, a row per lesion in a view, what is left out and why, and a summary to read."""

from mammo.dataset.inventory import main
from mammo.log import log_to

if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            snakemake.params.dataset,
            snakemake.input.tables,
            snakemake.threads,
            snakemake.params.code,
            snakemake.output,
        )
