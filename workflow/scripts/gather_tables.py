"""The tables that were made of each experiment by itself, as one table of all experiments."""

from mammo.log import step
from mammo.tables import concat_tables, read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        for name, schema in snakemake.params.schemas.items():
            tables = [read_table(path, schema) for path in snakemake.input[name]]
            whole = concat_tables(tables)
            write_table(whole, snakemake.output[name], schema)
            print(f"{snakemake.output[name]}: {len(whole)} rows of {len(tables)} experiment(s)")
