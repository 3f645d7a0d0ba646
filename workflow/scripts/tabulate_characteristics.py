"""Table 1, as CSV and as a page whose table can be copied into a text: what the lesions of each partition are like."""

import pandas as pd

from mammo.log import log_to
from mammo.report.characteristics_table import as_html
from mammo.split.flow import follow, read_account
from mammo.statistics.characteristics import characteristics, telling_columns, with_crop_size
from mammo.tables import read_table, write_table

if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        inputs = snakemake.input
        account = read_account(inputs)
        lesions = with_crop_size(account.lesions, read_table(inputs.files, "files"))
        fates = follow(account._replace(lesions=lesions), snakemake.params.region)
        columns = telling_columns(lesions)
        table = pd.concat(
            [characteristics(lesions, fate, columns).assign(fold=fold) for fold, fate in fates]
        )
        table = table.assign(
            **{column: account.manifest[column].iloc[0] for column in ("dataset", "leaks")}
        )
        write_table(table, snakemake.output.csv, "characteristics")
        with open(snakemake.output.html, "w", encoding="utf-8") as page:
            page.write(
                as_html(
                    read_table(snakemake.output.csv, "characteristics"), snakemake.params.edition
                )
            )
        print(f"{len(columns)} variables: {', '.join(columns)}")
