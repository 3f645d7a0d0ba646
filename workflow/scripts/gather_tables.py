"""The tables that were made of each experiment by itself, as one table of all experiments."""

import pandas as pd

from mammo.log import step
from mammo.tables import read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        for name, schema in snakemake.params.schemas.items():
            tables = [read_table(path, schema) for path in snakemake.input[name]]
            # A missing number is one of none to pandas, which must not make others of those that are there.
            whole = pd.concat([table.astype(object) for table in tables], ignore_index=True)
            write_table(whole, snakemake.output[name], schema)
            print(f"{snakemake.output[name]}: {len(whole)} rows of {len(tables)} experiment(s)")
