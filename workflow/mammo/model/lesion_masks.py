"""Where the lesion is in an image as the network sees it: its mask, cut and fitted as the image."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from scipy.ndimage import uniform_filter
from scipy.signal import correlate

from mammo.dataset.images import (
    WHOLE,
    Box,
    area_means,
    context_box,
    in_square,
    mask_box,
    open_grey,
)
from mammo.dataset.settings import Image

# A crop is searched with so many samples along its side; of one that is not square, along the
# geometric mean of its sides.
SAMPLES = 48
REACH = 4  # samples around a point whose mean is subtracted for local contrast
# Of a crop with the place where it was found. Of 200 crops cut from eight real films and saved as
# JPEG, 199 reached 0.94 at the right place; the best that any reached on another film was 0.76.
LEAST_CORRELATION = 0.8
SHAPES_DIFFER = 0.05  # a mask need not be as large as its whole image, but of its proportions

Extents = Mapping[str, tuple[int, int]]


def seen_lesions(
    folder: Path, row: Any, lesions: Sequence[Any], extents: Extents, image: Image
) -> tuple[np.ndarray, float | None]:
    """(inside, correlation): the fraction of each pixel that is in a lesion's mask.

    row: a row of the region's images. lesions: the rows of its lesions, several of a whole image.
    extents: {file: (width, height)} of what can be read.
    inside: float32 (size, size), of the image as the network sees it. correlation: that of an ROI
    crop with the place where it was found, else None.
    Raises ValueError with the reason where a mask is missing or cannot be placed.
    """
    inside, correlation = np.zeros((image.size, image.size), np.float32), None
    for lesion in lesions:
        _check_files(lesion, len(lesions), extents)
        mask = folder / lesion.mask_file
        box: Box = WHOLE if image.region == "full" else mask_box(mask)
        if image.region == "context":
            box = context_box(box, row, image)
        elif image.region == "crop":
            crop, full = folder / row.file, folder / lesion.full_file
            extent = (row.width, row.height)
            box, correlation = find_crop(crop, full, box, extent, extents[lesion.full_file])
        inside = np.maximum(inside, mask_inside(mask, image.size, image.fit, box))
    if not inside.any():
        raise ValueError("the lesion lies outside of what the network sees")
    return inside, correlation


def _check_files(lesion: Any, count: int, extents: Extents) -> None:
    """Raise ValueError where one of `count` lesions has no mask, or none of the right shape."""
    if lesion.mask_file not in extents:
        raise ValueError(f"no mask of one of {count} lesions" if count > 1 else "no mask")
    if lesion.full_file not in extents:
        raise ValueError("no full image")
    (width, height), (full_width, full_height) = (
        extents[file] for file in (lesion.mask_file, lesion.full_file)
    )
    if abs(np.log(width / height * full_height / full_width)) > SHAPES_DIFFER:
        raise ValueError("the mask is of another shape than the full image")


def mask_inside(path: Path, size: int, fit: str, box: Box) -> np.ndarray:
    """The fraction of each pixel that is white in a mask: float32 (size, size).

    The mask is cut to the box and fitted as `decode` does.
    """
    image, box, shape = open_grey(path, size, fit, box)
    grey = np.asarray(image)
    # A mask may be of 0 and 1, or blurred by its JPEG.
    white = PIL.Image.fromarray((grey > grey.max() / 2).astype(np.float32))
    return in_square(area_means(white, box, shape).clip(0, 1), size)


def find_crop(
    crop: Path,
    full: Path,
    lesion: Box,
    extent: tuple[int, int],
    full_extent: tuple[int, int],
) -> tuple[Box, float]:
    """(box, correlation): where a crop was cut from its whole image.

    lesion: the box of the lesion's mask, whose middle lies in the crop. extent, full_extent: the
    (width, height) of both in pixels, of one scale.

    Searched by normalised cross-correlation (J. P. Lewis, Fast normalized cross-correlation, Vision
    Interface 1995) of local contrast in means over areas. The best place is refined between these
    by a parabola, and rounded to whole pixels, at which crops are cut.
    Raises ValueError where nothing there correlates well enough.
    """
    sides, full_sides = np.array(extent), np.array(full_extent)
    longer = min(sides.max(), round(SAMPLES * np.sqrt(sides.max() / sides.min())))
    grey, box, shape = open_grey(crop, longer, "pad", WHOLE)
    if min(shape) < 3 * REACH:
        raise ValueError("the crop is too small to be found on its full image")
    wanted = contrast(area_means(grey, box, shape))
    step = sides / shape[::-1]  # pixels of a sample, across and down
    middle = (np.array(lesion[:2]) + lesion[2:]) / 2 * full_sides
    start = np.maximum(middle - sides, 0)
    samples = ((np.minimum(middle + sides, full_sides) - start) / step + 1e-6).astype(int)
    if (samples < shape[::-1]).any():
        raise ValueError("the crop is larger than its full image there")
    window = _box(start, start + samples * step, full_sides)
    grey, window, _ = open_grey(full, int(samples.max()), "stretch", window)
    scores = correlations(wanted, contrast(area_means(grey, window, tuple(samples[::-1]))))
    down, across = map(int, np.unravel_index(scores.argmax(), scores.shape))
    offset = np.array([_vertex(scores[down], across), _vertex(scores[:, across], down)])
    corner = np.rint(start + offset * step).clip(0, full_sides - sides)
    box = _box(corner, corner + sides, full_sides)
    correlation = correlations(wanted, contrast(area_means(grey, box, shape))).item()
    if correlation < LEAST_CORRELATION:
        raise ValueError(
            f"the crop was not found on its full image (best correlation {correlation:.2f})"
        )
    return box, correlation


def _box(corner: np.ndarray, opposite: np.ndarray, sides: np.ndarray) -> Box:
    """The box between two corners, in pixels of an image of these sides."""
    return tuple((np.concatenate([corner, opposite]) / np.tile(sides, 2)).tolist())


def contrast(pixels: np.ndarray) -> np.ndarray:
    """`pixels` minus the mean around each, without the frame of REACH where it is incomplete.

    Brightness that slopes alike over half a breast would correlate with any place on that slope, of
    other films too.
    """
    return (pixels - uniform_filter(pixels, 2 * REACH + 1))[REACH:-REACH, REACH:-REACH]


def correlations(wanted: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Pearson's correlation of `wanted`, (h, w), with each part of its size of `window`, (H, W).

    The result is (H - h + 1, W - w + 1).
    """
    wanted = wanted.astype(float) - wanted.mean()
    window = window.astype(float) - window.mean()
    total, squares = (_sums(window**power, wanted.shape) for power in (1, 2))
    spread = np.sqrt(np.maximum(squares - total**2 / wanted.size, 0)) * np.sqrt((wanted**2).sum())
    varies = spread > 1e-6 * wanted.size
    found = correlate(window, wanted, "valid")
    return np.divide(found, spread, out=np.zeros_like(spread), where=varies)


def _sums(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The sum over each part of `values` that has `shape`, from cumulated sums."""
    total = np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    height, width = shape
    lower, upper = total[height:], total[:-height]
    return lower[:, width:] - upper[:, width:] - lower[:, :-width] + upper[:, :-width]


def _vertex(values: np.ndarray, best: int) -> float:
    """Where the parabola through the largest of `values` and its neighbours has its vertex.

    At an end it is the place itself.
    """
    if not 0 < best < len(values) - 1:
        return float(best)
    before, at, after = values[best - 1 : best + 2]
    curvature = before - 2 * at + after
    return best + (0.5 * (before - after) / curvature if curvature < 0 else 0)
