"""Decode one shard of a region's images, each once, into an array that training maps into memory; list those that do not decode."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from math import ceil
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from mammo.dataset.images import context_box, decode, mask_box
from mammo.tables import count_rows, read_table, write_table

AT_ONCE = 10_000  # rows that wait for a process together: a million would fill the memory


def decode_images(folder, images, settings, workers, path):
    """Write the n images of a region, as the image settings want them, to a .npy at `path`: uint8 (n, size, size).

    Returns a list of n problems: None, or what keeps an image from being decoded; its place in the array stays zero.
    """
    np.lib.format.open_memmap(
        path, "w+", np.uint8, (len(images), settings["size"], settings["size"])
    ).flush()
    problems, work = [], partial(_decode_rows, folder, settings, path)
    each = ceil(
        min(len(images), 400 * workers) / (4 * workers)
    )  # rows that a process is given at a time
    # Processes: threads would wait for one another between the many short calls that a small image takes. NumPy's own threads
    # would only get in their way.
    with ProcessPoolExecutor(workers, initializer=threadpool_limits, initargs=(1,)) as pool:
        for start in range(0, len(images), AT_ONCE):
            rows = range(start, min(start + AT_ONCE, len(images)), each)
            ends = [*rows[1:], rows.stop]
            for some in pool.map(
                work, rows, [images.iloc[row:end] for row, end in zip(rows, ends, strict=True)]
            ):
                problems += some
    return problems


def _decode_rows(folder, settings, path, start, images):
    """The problems of some images, whose pixels go into the array at `path` from row `start` on."""
    out, problems = np.load(path, mmap_mode="r+"), []
    for row, image in enumerate(images.itertuples(index=False), start):
        at, box = image.file, (0, 0, 1, 1)
        try:
            if settings["region"] == "context":
                at = image.mask_file
                box = context_box(mask_box(folder / image.mask_file), image, settings)
                at = image.file
            out[row] = decode(folder / image.file, settings["size"], settings["fit"], box)
            problems.append(None)
        except ValueError as error:
            problems.append(f"{at}: {error}")
    return problems


def main(folder, images, settings, shard, workers, output):
    part, parts = (int(number) for number in shard.split("of"))
    start, stop = (count_rows(images) * number // parts for number in (part - 1, part))
    images = read_table(images, "images", rows=(start, stop))
    images["detail"] = decode_images(Path(folder), images, settings, workers, output.pixels)
    bad = images["detail"].notna()
    write_table(images.assign(row=range(start, stop))[~bad], output.index, "index")
    write_table(images[bad].assign(reason="cannot_decode"), output.excluded, "excluded")
    print(
        f"{(~bad).sum()} images of {settings['size']} x {settings['size']}; {bad.sum()} could not be decoded"
    )
