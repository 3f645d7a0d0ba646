"""How an image compares with those that a network was trained on: its plain statistics, its nearest neighbours, and whether it is like them at all.

An image is compared twice: by the features that the network makes of it, and by statistics of its grey levels and its shape.
Either distance is large if the one to its NEIGHBOURS-th nearest training image is. A network has features for anything, and
calls noise malignant with confidence; the statistics are what tells noise, masks and whole mammograms from lesion crops.
"""

from math import ceil

import numpy as np
from scipy.spatial.distance import cdist

NEIGHBOURS = 3  # that are named; the distance to the last of them tells how unlike an image is
# Of training images a share of 1 - WITHIN lies beyond each of the two limits, so that about 1 % of new ones like them are warned of.
WITHIN = 0.995
EQUAL = 1e-3  # an image nearer than this to a training image, by both distances, shows the same
FEATURES, STATISTICS = "features", "statistics"

# The statistics of an image as the network is given it, 0 to 255, and below which spread among training images a difference
# means nothing, however equal those are.
GREY = {"mean": 1, "spread": 1, "black": 0.01, "white": 0.01, "skew": 0.1, "detail": 0.1}
# Of the file that it comes from, where that is all shown: the logarithms of width / height and of the shorter side in pixels.
SHAPE = {"proportions": 0.05, "shorter_side": 0.05}
BLACK, WHITE = 16, 240  # grey levels below, and from which on, a pixel counts as such
WORDS = {
    "mean": ("mean grey level", lambda value: f"{value:.0f}"),
    "spread": ("spread of grey levels", lambda value: f"{value:.0f}"),
    "black": ("share of black", lambda value: f"{value:.0%}"),
    "white": ("share of white", lambda value: f"{value:.0%}"),
    "skew": ("skewness of grey levels", lambda value: f"{value:.1f}"),
    "detail": ("difference between neighbouring pixels", lambda value: f"{np.exp(value):.1f}"),
    "proportions": ("width divided by height", lambda value: f"{np.exp(value):.2f}"),
    "shorter_side": ("shorter side in pixels", lambda value: f"{np.exp(value):.0f}"),
}


def statistic_names(region):
    """The statistics by which images of a region are compared. Of surroundings that were cut out, files do not tell the shape."""
    return [*GREY, *({} if region == "context" else SHAPE)]


def image_statistics(pixels, width, height, names):
    """The statistics `names` of images, float64 (n, len(names)). pixels: uint8 (n, size, size); width, height: those of the files.

    black, white: shares of pixels. skew: the third standardised moment, which changes its sign where an image is inverted.
    detail: the logarithm of the mean difference between neighbouring pixels, at least 0.1 grey levels.
    """
    width, height = np.asarray(width, float), np.asarray(height, float)
    shapes = {
        "proportions": np.log(width / height),
        "shorter_side": np.log(np.minimum(width, height)),
    }
    levels = [_grey_statistics(pixels[some]) for some in _blocks(len(pixels))]
    found = shapes | {name: np.concatenate([part[name] for part in levels]) for name in GREY}
    return np.column_stack([found[name] for name in names]).astype(float)


def _grey_statistics(pixels):
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


def spread(values, least):
    """The standard deviation of each column of `values`, but no less than `least`: what distances are measured in.

    So that a column of one value, such as a feature that no training image calls up, has a scale too.
    """
    return np.maximum(np.std(values, axis=0), least)


def feature_spread(features):
    """`spread` of a network's features, no less than a hundredth of the widest's; 1 where all are constant."""
    widest = np.std(features, axis=0).max()
    return spread(features, widest / 100 if widest > 0 else 1)


def nearest(values, reference, scale):
    """(distances, rows): of each row of `values`, to the NEIGHBOURS nearest of `reference`, ascending, and which these are.

    A Euclidean distance with each column divided by its `scale`. Of a smaller reference: as many as there are.
    """
    shape = len(values), min(NEIGHBOURS, len(reference))
    distances, rows = np.empty(shape), np.empty(shape, np.int64)
    for some in _blocks(len(values)):
        apart = cdist(values[some] / scale, reference / scale)
        rows[some] = np.argsort(apart, axis=1, kind="stable")[:, :NEIGHBOURS]
        distances[some] = np.take_along_axis(apart, rows[some], axis=1)
    return distances, rows


def _blocks(rows):
    """Slices of so many rows, of which the distances to all others, or the grey levels in single precision, take little memory."""
    return [slice(start, start + 500) for start in range(0, rows, 500)]


def limit(reference, scale, patients):
    """The distance within which the share WITHIN of the reference has its NEIGHBOURS-th nearest image of other patients.

    A new image is of a patient who is not in training, so one's own do not count. None where there are too few others.
    Of fewer than 200 it is the largest distance there is.
    """
    if len(reference) < NEIGHBOURS:
        return None
    patients, last = np.unique(patients, return_inverse=True)[1], np.empty(len(reference))
    for some in _blocks(len(reference)):
        apart = cdist(reference[some] / scale, reference / scale)
        apart[patients[some, None] == patients] = np.inf
        last[some] = np.sort(apart, axis=1)[:, NEIGHBOURS - 1]
    last.sort()
    if not np.isfinite(last[-1]):
        return None
    # One more than the quantile, as a new image is one more: so split conformal prediction counts (Lei et al., JASA 2018).
    return float(last[min(len(last), ceil(WITHIN * (len(last) + 1))) - 1])


def usual_range(statistics):
    """(low, high) of each statistic among training images: what all but 0.5 % of them lie above, and below."""
    return np.quantile(statistics, [1 - WITHIN, WITHIN], axis=0)


def compare(features, statistics, names, reference):
    """What is told of images by their neighbours among training images: a dict of

    `nearest` (distances, rows) by features; `features` and `statistics`, each image's distance to its NEIGHBOURS-th nearest,
    in units of the limit, above 1 where it is unlike (NaN without a limit); `equal`, the row of a training image that shows
    the same, or -1; `warnings`, a list of texts for each image.
    reference: {features, statistics: arrays (m, …), scale, limit: by these two names, low, high: of the statistics}.
    """
    found = {}
    for name, values in {FEATURES: features, STATISTICS: statistics}.items():
        found[name] = nearest(values, reference[name], reference["scale"][name])
    far = {
        name: apart[:, -1] / (reference["limit"][name] or np.nan)
        if apart.shape[1]
        else np.full(len(apart), np.nan)
        for name, (apart, _) in found.items()
    }
    apart, rows = found[FEATURES]
    first = rows[:, 0]
    scale = reference["scale"][STATISTICS]
    in_statistics = np.sqrt((((statistics - reference[STATISTICS][first]) / scale) ** 2).sum(1))
    equal = np.where((apart[:, 0] < EQUAL) & (in_statistics < EQUAL), first, -1)
    outside = (statistics < reference["low"]) | (statistics > reference["high"])
    warnings = [
        list(
            _warnings(
                far[FEATURES][row],
                far[STATISTICS][row],
                statistics[row],
                outside[row],
                names,
                reference,
            )
        )
        for row in range(len(features))
    ]
    return {"nearest": found[FEATURES], **far, "equal": equal, "warnings": warnings}


def _warnings(in_features, in_statistics, values, outside, names, reference):
    """In words, where an image lies beyond a limit, and which of its statistics are beyond what is usual."""
    if in_statistics > 1:
        beyond = [
            "{} {} (training: {} to {})".format(
                WORDS[names[number]][0],
                *map(
                    WORDS[names[number]][1],
                    (values[number], reference["low"][number], reference["high"][number]),
                ),
            )
            for number in np.flatnonzero(outside)
        ]
        together = "no training image has such grey levels and shape together"
        yield f"unlike the training images: {', '.join(beyond) or together}"
    if in_features > 1:
        share = f"{100 * WITHIN:g} %"
        yield f"unlike the training images to the network: {in_features:.1f} times as far off as {share} of them at most are"
