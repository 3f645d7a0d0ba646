"""Draw one figure from the CSV that stands beside it."""

from lib.figures import FIGURES, marked
from lib.log import log_to
from lib.tables import read_table

if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        schema, draw = FIGURES[snakemake.wildcards.figure]
        table = read_table(snakemake.input[0], schema)
        figure = marked(draw(table, snakemake.params.edition), table)
        figure.savefig(snakemake.output[0], metadata={"Dataset": table["dataset"].iloc[0]})
        print(f"drew {snakemake.output[0]}")
