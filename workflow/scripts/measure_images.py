"""Measure what is known of each image without looking at the lesion: file size, grey levels."""

from pathlib import Path

from mammo.dataset.grey_levels import image_statistics, measure_images
from mammo.log import step
from mammo.tables import read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        images = read_table(snakemake.input.images, "images")
        files = read_table(snakemake.input.files, "files")
        folder = Path(snakemake.params.path)
        levels = measure_images(folder, images["file"].unique(), snakemake.threads)
        write_table(
            image_statistics(images, files, levels), snakemake.output[0], "image_statistics"
        )
        unknown = (~images["file"].isin(levels)).sum()
        print(f"{len(images)} images, {unknown} of them without grey levels: they do not decode")
