"""Draw one figure from the CSV that stands beside it."""

from lib.figures import FIGURES
from lib.log import log_to
from lib.tables import read_table

if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        figure = FIGURES[snakemake.wildcards.figure](read_table(snakemake.input[0], "curves"), snakemake.params.edition)
        figure.savefig(snakemake.output[0])
        print(f"drew {snakemake.output[0]}")
