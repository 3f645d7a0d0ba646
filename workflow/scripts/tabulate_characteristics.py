"""Table 1: the lesions of each partition, as CSV and as a page to copy the table from."""

from pathlib import Path

import pandas as pd

from mammo.log import step
from mammo.report.characteristics_table import as_html
from mammo.split.flow import follow, read_account
from mammo.statistics.characteristics import characteristics, informative_columns, with_crop_size
from mammo.tables import origin_of, read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        inputs, output = snakemake.input, snakemake.output
        account = read_account(inputs)
        lesions = with_crop_size(account["lesions"], read_table(inputs.files, "files"))
        columns = informative_columns(lesions)
        folds = follow(**account | {"lesions": lesions}, region=snakemake.params.region)
        parts = [characteristics(lesions, fate, columns).assign(fold=fold) for fold, fate in folds]
        table = pd.concat(parts).assign(**origin_of(account["manifest"]))
        write_table(table, output.csv, "characteristics")
        page = as_html(read_table(output.csv, "characteristics"), snakemake.params.edition)
        Path(output.html).write_text(page, encoding="utf-8")
        print(f"{len(columns)} variables: {', '.join(columns)}")
