"""What is known of each image of a region without looking at what it shows: its file's size, and its grey levels."""

from pathlib import Path

import pandas as pd

from mammo.dataset.grey_levels import measure_images
from mammo.log import log_to
from mammo.tables import read_table, write_table

if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        images = read_table(snakemake.input.images, "images")
        files = read_table(snakemake.input.files, "files").set_index("file")
        levels = measure_images(
            Path(snakemake.params.path), images["file"].unique(), snakemake.threads
        )
        levels = (
            pd.DataFrame.from_dict(levels, orient="index")
            .reindex(images["file"])
            .reset_index(drop=True)
        )
        table = pd.concat(
            [images.assign(bytes=images["file"].map(files["bytes"])), levels], axis="columns"
        )
        whole = {name: "Int64" for name in levels if name not in ("mean", "sd")}
        write_table(table.astype(whole), snakemake.output[0], "image_statistics")
        print(
            f"{len(table)} images, {levels['mean'].isna().sum()} of them without grey levels: they do not decode"
        )
