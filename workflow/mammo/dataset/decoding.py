"""Images decoded, each once, into an array that training maps into memory."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from math import ceil
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from mammo.dataset.images import WHOLE, context_box, decode, mask_box
from mammo.dataset.settings import Image

AT_ONCE = 10_000  # rows that wait for a process together: a million would fill the memory


def rows_of_shard(shard: str, count: int) -> tuple[int, int]:
    """The first row of a shard and the one after its last, of `count` images.

    Of 9 images, '2of3' is (3, 6).
    """
    part, parts = (int(number) for number in shard.split("of"))
    return count * (part - 1) // parts, count * part // parts


def decode_images(
    folder: str | Path,
    images: pd.DataFrame,
    image: Image,
    workers: int,
    path: str | PathLike,
) -> list[str | None]:
    """Write the n images of a region, as the settings want them, to a .npy at `path`.

    The array is uint8 (n, size, size). Returns a list of n problems: None, or what keeps an image
    from being decoded; its place in the array stays zero.
    """
    shape = (len(images), image.size, image.size)
    np.lib.format.open_memmap(path, "w+", np.uint8, shape).flush()
    problems: list[str | None] = []
    work = partial(_decode_rows, Path(folder), image, path)
    # Processes: threads would wait for one another between the many short calls that a small image
    # takes. NumPy's own threads would only get in their way.
    with ProcessPoolExecutor(workers, initializer=threadpool_limits, initargs=(1,)) as pool:
        for pieces in _pieces(images, workers):
            starts = [start for start, _ in pieces]
            for found in pool.map(work, starts, [piece for _, piece in pieces]):
                problems += found
    return problems


def _pieces(images: pd.DataFrame, workers: int) -> Iterator[list[tuple[int, pd.DataFrame]]]:
    """Lists of (first row, rows) that processes are given, AT_ONCE rows in a list."""
    each = ceil(min(len(images), 400 * workers) / (4 * workers))
    for start in range(0, len(images), AT_ONCE):
        stop = min(start + AT_ONCE, len(images))
        yield [(row, images.iloc[row : min(row + each, stop)]) for row in range(start, stop, each)]


def _decode_rows(
    folder: Path, image: Image, path: str | PathLike, start: int, images: pd.DataFrame
) -> list[str | None]:
    """The problems of some images, whose pixels go into the array at `path` from row `start` on."""
    out = np.load(path, mmap_mode="r+")
    problems: list[str | None] = []
    for number, row in enumerate(images.itertuples(index=False), start):
        file, box = row.file, WHOLE
        try:
            if image.region == "context":
                file = row.mask_file
                box = context_box(mask_box(folder / file), row, image)
                file = row.file
            out[number] = decode(folder / file, image.size, image.fit, box)
            problems.append(None)
        except ValueError as error:
            problems.append(f"{file}: {error}")
    return problems
