"""Decode one shard of a region's images, each once, into an array that training maps into memory; list those that do not decode."""

from mammo.dataset.decoding import main
from mammo.log import log_to

if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            snakemake.params.path,
            snakemake.input.images,
            snakemake.params.image,
            snakemake.wildcards.shard,
            snakemake.threads,
            snakemake.output,
        )
