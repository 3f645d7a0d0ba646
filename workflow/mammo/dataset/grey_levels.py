"""What is known of each image of a region without looking at what it shows: its file's size, and its grey levels."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from mammo.dataset.images import histogram
from mammo.pools import in_chunks

NEAR = 16  # grey levels at either end among which the most frequent is looked for


def grey_levels(counts):
    """mean, sd, and the levels at both ends as a dict, from how many pixels have each grey level, (256,).

    A darkest or brightest level alone may be a speck, or the ringing of a JPEG. Where much of an image lies at its end, as air
    and saturated film do, the most frequent level near that end is where it lies.
    """
    levels = np.arange(256)
    mean = np.average(levels, weights=counts)
    darkest, brightest = np.flatnonzero(counts)[[0, -1]]
    return {
        "mean": mean,
        "sd": np.sqrt(np.average((levels - mean) ** 2, weights=counts)),
        "darkest": darkest,
        "darkest_peak": darkest + counts[darkest : darkest + NEAR].argmax(),
        "brightest": brightest,
        "brightest_peak": brightest
        - counts[max(0, brightest - NEAR + 1) : brightest + 1][::-1].argmax(),
    }


def measure_images(folder, files, workers):
    """{file: its grey levels}, without those that cannot be decoded."""

    def one(file):
        try:
            return grey_levels(histogram(folder / file))
        except ValueError:  # decoding the images lists it
            return None

    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        found = dict(zip(files, in_chunks(pool, one, files), strict=True))
    return {file: levels for file, levels in found.items() if levels}
