"""What is known of an image without looking at what it shows: file size and grey levels."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from mammo.dataset.images import histogram
from mammo.pools import in_chunks

NEAR = 16  # grey levels at either end among which the most frequent is looked for


def grey_levels(counts: np.ndarray) -> dict[str, float]:
    """Mean, standard deviation and ends, from how many pixels have each grey level, (256,).

    A darkest or brightest level alone may be a speck, or the ringing of a JPEG. Where much of an
    image lies at its end, as air and saturated film do, the most frequent level near that end
    (darkest_peak, brightest_peak) is where it lies.
    """
    levels = np.arange(256)
    mean = np.average(levels, weights=counts)
    darkest, brightest = np.flatnonzero(counts)[[0, -1]]
    bright_end = counts[max(0, brightest - NEAR + 1) : brightest + 1]
    return {
        "mean": mean,
        "sd": np.sqrt(np.average((levels - mean) ** 2, weights=counts)),
        "darkest": darkest,
        "darkest_peak": darkest + counts[darkest : darkest + NEAR].argmax(),
        "brightest": brightest,
        "brightest_peak": brightest - bright_end[::-1].argmax(),
    }


def measure_images(
    folder: Path, files: Sequence[str] | np.ndarray, workers: int
) -> dict[str, dict[str, float]]:
    """{file: its grey levels}, without those that cannot be decoded."""

    def levels_of(file: str) -> dict[str, float] | None:
        try:
            return grey_levels(histogram(folder / file))
        except ValueError:  # listed where images are decoded
            return None

    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        found = dict(zip(files, in_chunks(pool, levels_of, files), strict=True))
    return {file: levels for file, levels in found.items() if levels}


def image_statistics(
    images: pd.DataFrame, files: pd.DataFrame, levels: dict[str, dict[str, float]]
) -> pd.DataFrame:
    """The rows of image_statistics.csv: a region's images with their file's bytes and grey levels.

    `levels` is what measure_images returned; an image without them has missing values.
    """
    sizes = files.set_index("file")["bytes"]
    measured = pd.DataFrame.from_dict(levels, orient="index")
    measured = measured.reindex(images["file"]).reset_index(drop=True)
    table = images.assign(bytes=images["file"].map(sizes)).reset_index(drop=True)
    whole = {name: "Int64" for name in measured if name not in ("mean", "sd")}
    return pd.concat([table, measured], axis="columns").astype(whole)
