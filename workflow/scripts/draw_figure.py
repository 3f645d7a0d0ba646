"""Draw one figure from the CSV that stands beside it, as PNG and as SVG."""

import hashlib
from pathlib import Path

from lib.figures import FIGURES, marked
from lib.log import log_to
from lib.tables import read_table

if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        schema, draw = FIGURES[snakemake.wildcards.figure]
        table = read_table(snakemake.input[0], schema)
        figure = marked(draw(table, snakemake.params.edition), table)
        # Each file tells what it shows, and of what: the table by its hash, the dataset by its fingerprint.
        digest = hashlib.sha256(Path(snakemake.input[0]).read_bytes()).hexdigest()
        dataset, source = table["dataset"].iloc[0], f"{Path(snakemake.input[0]).name} sha256:{digest}"
        figure.savefig(snakemake.output.png, metadata={"Dataset": dataset, "Source": source})
        # No date: the same table gives the same bytes.
        stamps = {"Date": None, "Identifier": f"dataset {dataset}", "Source": source}
        figure.savefig(snakemake.output.svg, metadata=stamps)
        print(f"drew {snakemake.output.png} and {snakemake.output.svg}")
