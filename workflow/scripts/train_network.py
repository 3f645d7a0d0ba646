"""Train one network on one fold with one seed, save it, and predict every image of the manifest with it."""

from mammo.log import step
from mammo.model.training import main

if __name__ == "__main__":
    with step(snakemake):
        main(
            snakemake.input,
            snakemake.output,
            snakemake.params,
            int(snakemake.wildcards.fold),
            int(snakemake.wildcards.seed),
        )
