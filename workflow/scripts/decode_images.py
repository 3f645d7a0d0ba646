"""Decode one shard of a region's images, each once, into an array that training maps into memory; list those that do not decode."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from lib.images import context_box, decode, mask_box
from lib.log import log_to
from lib.tables import count_rows, read_table, write_table

AT_ONCE = 10_000  # rows that are handed to the threads together: a million waiting ones would fill the memory


def decode_images(folder, images, settings, workers, out):
    """Fill `out`, a uint8 array (n, size, size), with the n images of a region, as the image settings want them.

    Returns a list of n problems: None, or what keeps an image from being decoded; its place in `out` stays zero.
    """

    def one(row, image):
        at = image.file
        try:
            box = (0, 0, 1, 1)
            if settings["region"] == "context":
                at = image.mask_file
                box = context_box(mask_box(folder / image.mask_file), image, settings)
                at = image.file
            out[row] = decode(folder / image.file, settings["size"], settings["fit"], box)
        except ValueError as error:
            return f"{at}: {error}"
        return None

    # Pillow and NumPy let go of Python's lock while they work, so threads use all cores. NumPy's own threads would only get
    # in each other's way: small products took ten times as long.
    problems = []
    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(images), AT_ONCE):
            chunk = images.iloc[start : start + AT_ONCE]
            problems += pool.map(one, range(start, start + len(chunk)), chunk.itertuples(index=False))
    return problems


def main(folder, images, settings, shard, workers, output):
    part, parts = (int(number) for number in shard.split("of"))
    start, stop = (count_rows(images) * number // parts for number in (part - 1, part))
    images = read_table(images, "images", rows=(start, stop))
    pixels = np.lib.format.open_memmap(output.pixels, "w+", np.uint8, (len(images), settings["size"], settings["size"]))
    images["detail"] = decode_images(Path(folder), images, settings, workers, pixels)
    pixels.flush()
    bad = images["detail"].notna()
    write_table(images.assign(row=range(start, stop))[~bad], output.index, "index")
    write_table(images[bad].assign(reason="cannot_decode"), output.excluded, "excluded")
    print(f"{(~bad).sum()} images of {settings['size']} x {settings['size']}; {bad.sum()} could not be decoded")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            snakemake.params.path,
            snakemake.input.images,
            snakemake.params.image,
            snakemake.wildcards.shard,
            snakemake.threads,
            snakemake.output,
        )
