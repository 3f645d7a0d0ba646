"""Out-of-distribution (OOD) detection: whether an image is like those that a network saw.

An image is compared with the training images twice: by the features that the network makes of it,
and by statistics of its grey levels and its shape. It is out of distribution where the distance to
its NEIGHBOURS-th nearest training image exceeds a limit. Features alone are not enough: a network
has features for any input, and predicts malignant of noise with confidence. The statistics are what
distinguishes noise, masks and whole mammograms from lesion crops.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist

NEIGHBOURS = 3  # that are named; the distance to the last of them is the one with a limit
# A fraction of 1 - WITHIN of training images lies beyond each of the two limits, so that about 1 %
# of new images from their distribution are false alarms.
WITHIN = 0.995
EQUAL = 1e-3  # an image nearer than this to a training image, by both distances, is a duplicate
FEATURES, STATISTICS = "features", "statistics"
BLACK, WHITE = 16, 240  # grey levels below, and at or above, which a pixel counts as such
BLOCK = 500  # images at a time, so that distances and grey levels take little memory


class Statistic(NamedTuple):
    """A statistic of images.

    words: its name in a warning. least: a smaller standard deviation among training images is taken
    for this one, as a difference below it means nothing. shown: a value as a person reads it.
    """

    words: str
    least: float
    shown: Callable[[float], str]


# Of an image as the network is given it, in the range 0–255.
GREY = {
    "mean": Statistic("mean grey level", 1, "{:.0f}".format),
    "spread": Statistic("standard deviation of grey levels", 1, "{:.0f}".format),
    "black": Statistic("proportion of black", 0.01, "{:.0%}".format),
    "white": Statistic("proportion of white", 0.01, "{:.0%}".format),
    "skew": Statistic("skewness of grey levels", 0.1, "{:.1f}".format),
    "detail": Statistic(
        "difference between neighbouring pixels", 0.1, lambda value: f"{np.exp(value):.1f}"
    ),
}
# Of the file that it comes from: logarithms of width / height and of the shorter side in pixels.
SHAPE = {
    "proportions": Statistic("width divided by height", 0.05, lambda value: f"{np.exp(value):.2f}"),
    "shorter_side": Statistic("shorter side in pixels", 0.05, lambda value: f"{np.exp(value):.0f}"),
}
ALL = GREY | SHAPE


@dataclass(frozen=True)
class Reference:
    """The training images that new ones are compared with; what is a dict is of both distances.

    values: arrays (m, …), their features and their statistics. scale: what each column is divided
    by. limit: the largest distance that is in distribution; None where there are too few patients.
    low, high: the usual range of each statistic. names: of the statistics, in their order.
    """

    values: dict[str, np.ndarray]
    scale: dict[str, np.ndarray]
    limit: dict[str, float | None]
    low: np.ndarray
    high: np.ndarray
    names: Sequence[str]


class Comparison(NamedTuple):
    """How n images compare with a reference.

    far: {features, statistics: each image's distance to its NEIGHBOURS-th nearest, in units of the
    limit, above 1 where it is out of distribution; NaN without a limit}. distances, rows: of its
    nearest training images by features, ascending. equal: the row of a training image of which it
    is a duplicate, or -1. warnings: a list of texts for each image.
    """

    far: dict[str, np.ndarray]
    distances: np.ndarray
    rows: np.ndarray
    equal: np.ndarray
    warnings: list[list[str]]


def statistic_names(region: str) -> list[str]:
    """The statistics by which images of a region are compared.

    Of an ROI with its context, the file's shape is uninformative: it was cut from a whole image.
    """
    return [*GREY] if region == "context" else [*ALL]


def image_statistics(
    pixels: np.ndarray, width: ArrayLike, height: ArrayLike, names: Sequence[str]
) -> np.ndarray:
    """The statistics `names` of images, float64 (n, len(names)).

    pixels: uint8 (n, size, size). width, height: those of the files, in pixels.

    black, white: proportions of pixels. skew: the third standardised moment, which changes its sign
    where an image is inverted. detail: the logarithm of the mean difference between neighbouring
    pixels, at least 0.1 grey levels.
    """
    across, down = np.asarray(width, float), np.asarray(height, float)
    found = {
        "proportions": np.log(across / down),
        "shorter_side": np.log(np.minimum(across, down)),
    }
    blocks = [_grey_statistics(pixels[block]) for block in _blocks(len(pixels))]
    found |= {name: np.concatenate([part[name] for part in blocks]) for name in GREY}
    return np.column_stack([found[name] for name in names]).astype(float)


def _grey_statistics(pixels: np.ndarray) -> dict[str, np.ndarray]:
    """{name: values (n,)} of GREY of images, uint8 (n, size, size)."""
    grey = pixels.reshape(len(pixels), -1).astype(np.float32)
    mean, sd = grey.mean(1), grey.std(1)
    steps = [np.abs(np.diff(pixels.astype(np.float32), axis=axis)).mean((1, 2)) for axis in (1, 2)]
    return {
        "mean": mean,
        "spread": sd,
        "black": (grey < BLACK).mean(1),
        "white": (grey >= WHITE).mean(1),
        "skew": (((grey - mean[:, None]) / np.maximum(sd, 1)[:, None]) ** 3).mean(1),
        "detail": np.log(np.maximum(np.mean(steps, axis=0), 0.1)),
    }


def spread(values: np.ndarray, least: np.ndarray | Sequence[float] | float) -> np.ndarray:
    """The standard deviation of each column, but no less than `least`: the unit of distances.

    So a column of one value, such as a feature that no training image activates, has a unit too.
    """
    return np.maximum(np.std(values, axis=0), least)


def feature_spread(features: np.ndarray) -> np.ndarray:
    """`spread` of features, no less than a hundredth of the widest's; 1 where all are constant."""
    widest = np.std(features, axis=0).max()
    return spread(features, widest / 100 if widest > 0 else 1)


def nearest(
    values: np.ndarray, reference: np.ndarray, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(distances, rows) of the NEIGHBOURS nearest rows of `reference` to each row, ascending.

    The Euclidean distance, with each column divided by its `scale`. A smaller reference gives as
    many as it has.
    """
    shape = len(values), min(NEIGHBOURS, len(reference))
    distances, rows = np.empty(shape), np.empty(shape, np.int64)
    for block in _blocks(len(values)):
        apart = cdist(values[block] / scale, reference / scale)
        rows[block] = np.argsort(apart, axis=1, kind="stable")[:, :NEIGHBOURS]
        distances[block] = np.take_along_axis(apart, rows[block], axis=1)
    return distances, rows


def _blocks(rows: int) -> list[slice]:
    """Slices of BLOCK rows."""
    return [slice(start, start + BLOCK) for start in range(0, rows, BLOCK)]


def limit(reference: np.ndarray, scale: np.ndarray, patients: Sequence) -> float | None:
    """The distance within which a fraction WITHIN of the reference has its NEIGHBOURS-th nearest.

    A new image is of a patient who is not in training, so images of the same patient do not count.
    None where there are too few of others. Of fewer than 200 images it is the largest distance.

    The quantile is that of split conformal prediction (J. Lei et al., JASA 2018), in which the new
    image counts as one more.
    """
    if len(reference) < NEIGHBOURS:
        return None
    group, last = np.unique(patients, return_inverse=True)[1], np.empty(len(reference))
    for block in _blocks(len(reference)):
        apart = cdist(reference[block] / scale, reference / scale)
        apart[group[block, None] == group] = np.inf
        last[block] = np.sort(apart, axis=1)[:, NEIGHBOURS - 1]
    last.sort()
    if not np.isfinite(last[-1]):
        return None
    return float(last[min(len(last), ceil(WITHIN * (len(last) + 1))) - 1])


def usual_range(statistics: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(low, high) of each statistic: all but 0.5 % of training images lie above, and below."""
    low, high = np.quantile(statistics, [1 - WITHIN, WITHIN], axis=0)
    return low, high


def compare(features: np.ndarray, statistics: np.ndarray, reference: Reference) -> Comparison:
    """Compare n images with the training images, by features (n, …) and statistics (n, …)."""
    found, far = {}, {}
    for name, values in {FEATURES: features, STATISTICS: statistics}.items():
        found[name] = nearest(values, reference.values[name], reference.scale[name])
        far[name] = _in_limits(found[name][0], reference.limit[name])
    distances, rows = found[FEATURES]
    outside = (statistics < reference.low) | (statistics > reference.high)
    warnings = []
    for row in range(len(features)):
        beyond = np.flatnonzero(outside[row])
        apart = {name: values[row] for name, values in far.items()}
        warnings.append([*_warnings(apart, statistics[row], beyond, reference)])
    equal = _duplicates(statistics, distances, rows, reference)
    return Comparison(far, distances, rows, equal, warnings)


def _in_limits(distances: np.ndarray, most: float | None) -> np.ndarray:
    """The last column of distances in units of a limit; NaN without one."""
    if not distances.shape[1]:
        return np.full(len(distances), np.nan)
    return distances[:, -1] / (most or np.nan)


def _duplicates(
    statistics: np.ndarray, distances: np.ndarray, rows: np.ndarray, reference: Reference
) -> np.ndarray:
    """The nearest row by features where it is EQUAL by both distances, else -1."""
    first = rows[:, 0]
    apart = (statistics - reference.values[STATISTICS][first]) / reference.scale[STATISTICS]
    in_statistics = np.sqrt((apart**2).sum(1))
    return np.where((distances[:, 0] < EQUAL) & (in_statistics < EQUAL), first, -1)


def _warnings(
    far: dict[str, float], values: np.ndarray, beyond: np.ndarray, reference: Reference
) -> Iterator[str]:
    """In words, where an image is out of distribution, and by which of its statistics."""
    if far[STATISTICS] > 1:
        parts = []
        for number in beyond:
            statistic = ALL[reference.names[number]]
            value, low, high = (
                statistic.shown(amounts[number])
                for amounts in (values, reference.low, reference.high)
            )
            parts.append(f"{statistic.words} {value} (training: {low} to {high})")
        together = "no training image has such grey levels and shape together"
        yield f"out of distribution: {', '.join(parts) or together}"
    if far[FEATURES] > 1:
        yield (
            f"out of distribution by the network's features: {far[FEATURES]:.1f} times the distance"
            f" within which {100 * WITHIN:g} % of training images lie"
        )
