"""The pixels of image files, as small grey squares: of the whole image, or of a part of it.

A box is (left, top, right, bottom) as fractions of an image's width and height.
"""

import warnings
from functools import lru_cache
from math import ceil
from os import PathLike
from typing import Any

import numpy as np
import PIL.Image
from scipy.sparse import csr_array

from mammo.dataset.dicom import is_dicom, read_pixels
from mammo.dataset.settings import Image

Box = tuple[float, float, float, float]
Path = str | PathLike

# A mammogram may be so large that Pillow warns of it; a decompression bomb is an error.
warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)

WHOLE: Box = (0, 0, 1, 1)
WHITE_IS_ZERO = 262  # the TIFF tag PhotometricInterpretation, which says so by a 0


def decode(path: Path, size: int, fit: str = "stretch", box: Box = WHOLE) -> np.ndarray:
    """The image at `path`, or the part of it in `box`, as a square: uint8 (size, size).

    Pixels are grey, each the mean of its area. `fit` is `stretch` to the square, `pad` with black
    to keep the proportions, or `crop` to the largest square in the middle.

    A JPEG is scaled down while it is decoded, to no less than twice what is wanted: the mean is
    within one grey level of that of the whole image, and costs less. An image of more than 8 bits
    is scaled from its own darkest and brightest value to 0 and 255 (DICOM: see read_pixels).

    Raises ValueError where the file cannot be decoded to its end.
    """
    means = area_means(*open_grey(path, size, fit, box))
    return np.rint(in_square(means.clip(0, 255), size)).astype(np.uint8)


def area_means(grey: PIL.Image.Image, box: Box, shape: tuple[int, int]) -> np.ndarray:
    """What is in the box of an open image as float32 of `shape`, (height, width).

    Each pixel is the mean of its area; where an area is smaller than a pixel, it is interpolated.
    """
    height, width = shape
    left, right = box[0] * grey.width, box[2] * grey.width
    top, bottom = box[1] * grey.height, box[3] * grey.height
    if right - left < width or bottom - top < height:
        part = (left, top, right, bottom)
        small = grey.resize((width, height), PIL.Image.Resampling.BILINEAR, part)
        return np.asarray(small, np.float32)
    x, y = int(left), int(top)
    pixels = np.asarray(grey)[y : ceil(bottom), x : ceil(right)].astype(np.float32)
    down = _area_weights(pixels.shape[0], height, top - y, bottom - y)
    across = _area_weights(pixels.shape[1], width, left - x, right - x)
    return (across @ (down @ pixels).T).T


def in_square(pixels: np.ndarray, size: int) -> np.ndarray:
    """`pixels`, (height, width), in the middle of a square (size, size) of zeros."""
    if pixels.shape == (size, size):
        return pixels
    height, width = pixels.shape
    out = np.zeros((size, size), pixels.dtype)
    y, x = (size - height) // 2, (size - width) // 2
    out[y : y + height, x : x + width] = pixels
    return out


def open_grey(
    path: Path, size: int, fit: str, box: Box
) -> tuple[PIL.Image.Image, Box, tuple[int, int]]:
    """(grey image in the range 0–255, the box that `fit` leaves, its (height, width) in pixels).

    A JPEG's image may be of reduced scale: the box has at least twice the pixels that are wanted.
    Raises as `decode` does.
    """
    if is_dicom(path):
        grey = PIL.Image.fromarray(read_pixels(path))
        return grey, *_fitted(grey.size, size, fit, box)
    try:
        with PIL.Image.open(path) as image:
            box, shape = _fitted(image.size, size, fit, box)
            # The size of the whole image at which the box has twice the pixels that are wanted.
            width = ceil(2 * shape[1] / (box[2] - box[0]))
            height = ceil(2 * shape[0] / (box[3] - box[1]))
            image.draft("L", (width, height))
            image.load()
            if not image.mode.startswith(("I", "F")):
                return image.convert("L"), box, shape
            values = stored_values(image)
    except MemoryError:
        raise
    except Exception as error:  # Pillow's readers raise anything on broken data
        raise ValueError(f"{type(error).__name__}: {error}") from error
    return PIL.Image.fromarray(scaled_to_grey(values)), box, shape


def stored_values(image: PIL.Image.Image) -> np.ndarray:
    """The pixels of an open image of more than 8 bits, float32; larger is brighter.

    Pillow leaves a TIFF in which 0 is white as it is.
    """
    values = np.asarray(image, np.float32)
    return -values if getattr(image, "tag_v2", {}).get(WHITE_IS_ZERO) == 0 else values


def scaled_to_grey(values: np.ndarray) -> np.ndarray:
    """A float32 array scaled so that its darkest value is 0 and its brightest 255.

    Raises ValueError where all are the same.
    """
    darkest, brightest = values.min(), values.max()
    if not -np.inf < darkest < brightest < np.inf:
        raise ValueError(f"its values go from {darkest} to {brightest}, which shows nothing")
    return (values - darkest) * np.float32(255 / (brightest - darkest))


def _fitted(extent: tuple[int, int], size: int, fit: str, box: Box) -> tuple[Box, tuple[int, int]]:
    """(the box that is shown, its (height, width) in pixels of the square).

    With `crop` the box is cut to its middle square. `extent` is the file's (width, height).
    """
    left, top, right, bottom = box
    width, height = (right - left) * extent[0], (bottom - top) * extent[1]  # in pixels of the file
    if fit == "crop":
        half = min(width, height) / 2
        across, down = half / extent[0], half / extent[1]
        x, y = (left + right) / 2, (top + bottom) / 2
        left, top, right, bottom = (
            min(max(end, 0), 1) for end in (x - across, y - down, x + across, y + down)
        )
        return (left, top, right, bottom), (size, size)
    if fit == "pad":
        longer = max(width, height)
        return box, (max(1, round(size * height / longer)), max(1, round(size * width / longer)))
    return box, (size, size)


@lru_cache(512)
def _area_weights(length: int, size: int, start: float, stop: float) -> csr_array:
    """How much each of `length` pixels counts in the mean over each of `size` equal stretches.

    The stretches divide the pixels from `start` to `stop`. Returns a sparse (size, length) matrix,
    since a stretch touches few pixels: ten times as fast as a full one. Pillow's box filter counts
    a pixel wholly or not at all, which at 1.3 pixels a stretch is nearly nearest-neighbour.
    """
    edges = np.linspace(start, stop, size + 1)
    first = edges[:-1].astype(np.int32)
    touched = np.minimum(np.ceil(edges[1:]).astype(np.int32), length) - first
    ends = np.concatenate([[0], np.cumsum(touched)]).astype(np.int32)
    stretch = np.repeat(np.arange(size), touched)
    pixel = np.arange(ends[-1], dtype=np.int32) - np.repeat(ends[:-1] - first, touched)
    overlap = np.minimum(edges[1:][stretch], pixel + 1) - np.maximum(edges[:-1][stretch], pixel)
    weights = (overlap * (size / (stop - start))).astype(np.float32)
    return csr_array((weights, pixel, ends), (size, length))


def looks_like_mask(path: Path) -> bool:
    """Whether an image is a mask by its pixels: nearly all black or white, and mostly black.

    Raises as `decode` does.
    """
    grey = decode(path, 96)
    dark, bright = np.mean(grey < 16), np.mean(grey > 239)
    return bool(dark > 0.5 and dark + bright > 0.9)


def histogram(path: Path, least: int = 512) -> np.ndarray:
    """How many pixels of an image have each grey level from 0 to 255: int64 (256,).

    A JPEG is decoded at a reduced scale, no side below `least` pixels. Raises as `decode` does.
    """
    grey, *_ = open_grey(path, least // 2, "stretch", WHOLE)
    return np.bincount(np.rint(np.asarray(grey)).astype(np.uint8).ravel(), minlength=256)


def mask_box(path: Path, least: int = 500) -> Box:
    """The box of what is white in a mask.

    A JPEG is decoded at a reduced scale, its shorter side no less than `least` pixels: the box is
    then up to one of those wider. Raises ValueError where nothing is white, and as `decode` does.
    """
    image, *_ = open_grey(path, least // 2, "stretch", WHOLE)
    grey = np.asarray(image)
    if not grey.max():
        raise ValueError("nothing is white in this mask")
    white = grey > grey.max() / 2  # a mask may hold 0 and 1 only
    columns, rows = np.flatnonzero(white.any(axis=0)), np.flatnonzero(white.any(axis=1))
    height, width = grey.shape
    return (
        float(columns[0] / width),
        float(rows[0] / height),
        float((columns[-1] + 1) / width),
        float((rows[-1] + 1) / height),
    )


def widened(box: Box, extent: np.ndarray | tuple[int, int], margin: float) -> Box:
    """A box with `margin` pixels added on each side, as far as the image goes.

    `extent` is the image's (width, height) in pixels.
    """
    added = margin / np.tile(np.array(extent, float), 2) * [-1, -1, 1, 1]
    return tuple((np.array(box) + added).clip(0, 1).tolist())


def context_box(lesion: Box, row: Any, image: Image) -> Box:
    """A lesion's box with the margin that the settings ask for on each side.

    `row` is a row of the region's images: its width, height and spacing_mm are those of the file.
    """
    extent = np.array([row.width, row.height])
    if image.margin_unit == "mm":
        margin = image.margin / row.spacing_mm
    else:
        longer = max((np.array(lesion[2:]) - lesion[:2]) * extent)
        margin = image.margin / 100 * longer
    return widened(lesion, extent, margin)
