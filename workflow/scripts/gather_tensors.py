"""Gather the index of all shards of a set of tensors, and what could not be decoded."""

import pandas as pd

from mammo.log import InputError, some, step
from mammo.tables import read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        index = pd.concat([read_table(path, "index") for path in snakemake.input.index])
        excluded = pd.concat([read_table(path, "excluded") for path in snakemake.input.excluded])
        if index.empty:
            raise InputError(
                f"Not one of {len(excluded)} images could be decoded:"
                f" {some(excluded['detail'], 3)}. Is the copy of the dataset complete?"
            )
        write_table(index, snakemake.output.index, "index")
        write_table(excluded, snakemake.output.excluded, "excluded")
        print(f"{len(index)} images; {len(excluded)} could not be decoded")
