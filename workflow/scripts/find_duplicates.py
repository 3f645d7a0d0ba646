"""Find duplicates among crops and full images: equal bytes, equal pixels, near-equal pictures.

Masks are not compared: they are black but for a spot, and alike by nature.
"""

from mammo.dataset.duplicate_search import main
from mammo.log import step

if __name__ == "__main__":
    with step(snakemake):
        main(snakemake.params.path, snakemake.input.files, snakemake.threads, snakemake.output[0])
