"""The histories of all runs as one table per figure: accuracy and loss by epoch."""

from pathlib import Path

from mammo.log import step
from mammo.statistics.learning_curves import curve
from mammo.tables import read_table, run_of, write_table

if __name__ == "__main__":
    with step(snakemake):
        histories = {run_of(path): read_table(path, "history") for path in snakemake.input}
        for path in snakemake.output:
            write_table(curve(histories, Path(path).stem), path, "curves")
        print(f"{len(histories)} run(s)")
