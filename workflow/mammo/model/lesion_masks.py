"""Where the lesion is in an image as the network sees it: its mask, cut and fitted as the image was."""

import numpy as np
from PIL import Image
from scipy.ndimage import uniform_filter
from scipy.signal import correlate

from mammo.dataset.images import area_means, context_box, in_square, mask_box, open_grey

WHOLE = (0, 0, 1, 1)
SAMPLES = 48  # along a crop's side (of one that is not square: in the geometric mean) with which it is searched
REACH = 4  # samples around a point whose mean tells its contrast
# Of a crop with the place where it was found. Of 200 crops cut from eight real films and saved as JPEG, 199 reached 0.94 at the
# right place; the best that any reached on another film was 0.76.
LEAST_CORRELATION = 0.8
SHAPES_DIFFER = 0.05  # a mask need not be as large as its full image, but of its shape


def seen_lesions(folder, image, lesions, extents, settings):
    """(inside, correlation): the share of each pixel of an image, as the network sees it, that lies in a lesion's mask.

    image: a row of the region's images. lesions: the rows of its lesions, several of a whole image. extents: {file: (width, height)}
    of what can be read. settings: the image settings. inside: float32 (size, size). correlation: that of a published crop with the place where it was
    found, else None. Raises ValueError with the reason where it cannot be told.
    """
    inside, correlation = np.zeros((settings["size"],) * 2, np.float32), None
    for lesion in lesions:
        if lesion.mask_file not in extents:
            raise ValueError(
                "no mask" + (f" of one of {len(lesions)} lesions" if len(lesions) > 1 else "")
            )
        if lesion.full_file not in extents:
            raise ValueError("no full image")
        mask, full = extents[lesion.mask_file], extents[lesion.full_file]
        if abs(np.log(mask[0] / mask[1] * full[1] / full[0])) > SHAPES_DIFFER:
            raise ValueError("the mask is of another shape than the full image")
        box = WHOLE
        if settings["region"] != "full":
            box = mask_box(folder / lesion.mask_file)
        if settings["region"] == "context":
            box = context_box(box, image, settings)
        elif settings["region"] == "crop":
            crop, whole = (folder / file for file in (image.file, lesion.full_file))
            box, correlation = find_crop(crop, whole, box, (image.width, image.height), full)
        inside = np.maximum(
            inside, mask_inside(folder / lesion.mask_file, settings["size"], settings["fit"], box)
        )
    if not inside.any():
        raise ValueError("the lesion lies outside of what the network sees")
    return inside, correlation


def mask_inside(path, size, fit, box):
    """The share of each pixel that is white in a mask cut to the box and fitted as `decode` does: float32 (size, size)."""
    grey, box, shape = open_grey(path, size, fit, box)
    grey = np.asarray(grey)
    white = Image.fromarray(
        (grey > grey.max() / 2).astype(np.float32)
    )  # a mask may be of 0 and 1, or blurred by its JPEG
    return in_square(area_means(white, box, shape).clip(0, 1), size)


def find_crop(crop, full, lesion, extent, full_extent):
    """(box, correlation): where a crop was cut from its full image, as shares of that image's width and height.

    crop, full: paths. lesion: the box of the lesion's mask; its middle lies in the crop. extent, full_extent: their (width,
    height) in pixels, of one scale. Searched by normalised cross-correlation (J. P. Lewis, Fast normalized cross-correlation,
    Vision Interface 1995) of local contrast in means over areas, refined between these by a parabola, and set to whole pixels, at
    which crops are cut. Raises ValueError where nothing there correlates well enough.
    """
    extent, full_extent = np.array(extent), np.array(full_extent)
    longer = min(extent.max(), round(SAMPLES * np.sqrt(extent.max() / extent.min())))
    grey, box, shape = open_grey(crop, longer, "pad", WHOLE)
    if min(shape) < 3 * REACH:
        raise ValueError("the crop is too small to be found on its full image")
    wanted = contrast(area_means(grey, box, shape))
    step = extent / shape[::-1]  # pixels of a sample, across and down
    middle = (np.array(lesion[:2]) + lesion[2:]) / 2 * full_extent
    start = np.maximum(middle - extent, 0)
    samples = ((np.minimum(middle + extent, full_extent) - start) / step + 1e-6).astype(int)
    if (samples < shape[::-1]).any():
        raise ValueError("the crop is larger than its full image there")
    window = np.concatenate([start, start + samples * step]) / np.tile(full_extent, 2)
    grey, window, _ = open_grey(full, int(samples.max()), "stretch", tuple(window))
    scores = correlations(wanted, contrast(area_means(grey, window, tuple(samples[::-1]))))
    best = np.unravel_index(scores.argmax(), scores.shape)
    offset = np.array(
        [_vertex(np.take(scores, best[1 - axis], 1 - axis), best[axis]) for axis in (1, 0)]
    )
    corner = np.rint(start + offset * step).clip(0, full_extent - extent)
    box = tuple((np.concatenate([corner, corner + extent]) / np.tile(full_extent, 2)).tolist())
    correlation = correlations(wanted, contrast(area_means(grey, box, shape))).item()
    if correlation < LEAST_CORRELATION:
        raise ValueError(
            f"the crop was not found on its full image (best correlation {correlation:.2f})"
        )
    return box, correlation


def contrast(pixels):
    """`pixels` less the mean around each, without the frame of REACH pixels where that mean is not whole.

    Brightness that slopes alike over half a breast would correlate with any place on that slope, of other films too.
    """
    return (pixels - uniform_filter(pixels, 2 * REACH + 1))[REACH:-REACH, REACH:-REACH]


def correlations(wanted, window):
    """Pearson's correlation of `wanted`, (h, w), with each part of `window`, (H, W), of its size: (H - h + 1, W - w + 1)."""
    wanted = wanted.astype(float) - wanted.mean()
    window = window.astype(float) - window.mean()
    sums = [_sums(window**power, wanted.shape) for power in (1, 2)]
    spread = np.sqrt(np.maximum(sums[1] - sums[0] ** 2 / wanted.size, 0)) * np.sqrt(
        (wanted**2).sum()
    )
    return np.divide(
        correlate(window, wanted, "valid"),
        spread,
        out=np.zeros_like(spread),
        where=spread > 1e-6 * wanted.size,
    )


def _sums(values, shape):
    """The sum over each part of `values` that has `shape`."""
    total = np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    (height, width) = shape
    return (
        total[height:, width:]
        - total[:-height, width:]
        - total[height:, :-width]
        + total[:-height, :-width]
    )


def _vertex(values, best):
    """The place of the parabola's vertex through the largest of `values` and its neighbours; at an end the place itself."""
    if not 0 < best < len(values) - 1:
        return float(best)
    before, at, after = values[best - 1 : best + 2]
    curvature = before - 2 * at + after
    return best + (0.5 * (before - after) / curvature if curvature < 0 else 0)
