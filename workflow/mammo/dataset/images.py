"""The pixels of image files, as small grey squares: of the whole image, or of a part of it."""

import warnings
from functools import lru_cache
from math import ceil

import numpy as np
from PIL import Image
from scipy.sparse import csr_array

from mammo.dataset.dicom import is_dicom, read_pixels

warnings.simplefilter(
    "ignore", Image.DecompressionBombWarning
)  # a mammogram may be that large; a bomb is an error

WHITE_IS_ZERO = 262  # the TIFF tag PhotometricInterpretation, which says so by a 0


def decode(path, size, fit="stretch", box=(0, 0, 1, 1)):
    """The image at `path`, or the part of it in `box`, as a uint8 array (size, size): grey, each pixel the mean of its area.

    box: left, top, right and bottom as shares of the width and the height. fit: `stretch` to the square, `pad` with black to
    keep the proportions, or `crop` to the largest square in the middle. A JPEG is scaled down while it is decoded, to no less
    than twice what is wanted: so the mean is within one grey level of that of the whole image, and costs no more. An image of
    more than 8 bits is scaled from its own darkest and brightest value to 0 and 255 (DICOM: see read_pixels).
    Raises ValueError where the file cannot be decoded to its end.
    """
    return np.rint(
        in_square(area_means(*open_grey(path, size, fit, box)).clip(0, 255), size)
    ).astype(np.uint8)


def area_means(grey, box, shape):
    """What is in the box of an open image as float32 of `shape`, (height, width), each pixel the mean of its area."""
    (left, top, right, bottom), (height, width) = box, shape
    left, right, top, bottom = (
        left * grey.width,
        right * grey.width,
        top * grey.height,
        bottom * grey.height,
    )
    if (
        right - left < width or bottom - top < height
    ):  # areas smaller than a pixel: interpolate instead
        return np.asarray(
            grey.resize((width, height), Image.Resampling.BILINEAR, (left, top, right, bottom)),
            np.float32,
        )
    x, y = int(left), int(top)
    pixels = np.asarray(grey)[y : ceil(bottom), x : ceil(right)].astype(np.float32)
    down = _area_weights(pixels.shape[0], height, top - y, bottom - y)
    across = _area_weights(pixels.shape[1], width, left - x, right - x)
    return (across @ (down @ pixels).T).T


def in_square(pixels, size):
    """`pixels`, (height, width), in the middle of a square (size, size) of zeros."""
    if pixels.shape == (size, size):
        return pixels
    (height, width), out = pixels.shape, np.zeros((size, size), pixels.dtype)
    y, x = (size - height) // 2, (size - width) // 2
    out[y : y + height, x : x + width] = pixels
    return out


def open_grey(path, size, fit, box):
    """(grey image of 0 to 255, the box that `fit` leaves, the (height, width) that it will have in pixels).

    A JPEG's image may be of reduced scale: the box has at least twice the pixels that are wanted. Raises as `decode` does.
    """
    if is_dicom(path):
        grey = Image.fromarray(read_pixels(path))
        return grey, *_fitted(grey.size, size, fit, box)
    try:
        with Image.open(path) as image:
            box, shape = _fitted(image.size, size, fit, box)
            # So large must the whole be for the box to have twice the pixels that are wanted.
            image.draft(
                "L",
                (ceil(2 * shape[1] / (box[2] - box[0])), ceil(2 * shape[0] / (box[3] - box[1]))),
            )
            image.load()
            if not image.mode.startswith(("I", "F")):
                return image.convert("L"), box, shape
            values = stored_values(image)
    except MemoryError:
        raise
    except Exception as error:  # Pillow's readers raise anything on broken data
        raise ValueError(f"{type(error).__name__}: {error}") from error
    return Image.fromarray(scaled_to_grey(values)), box, shape


def stored_values(image):
    """The pixels of an open image of more than 8 bits, float32, more being brighter: Pillow leaves a TIFF's white 0 as it is."""
    values = np.asarray(image, np.float32)
    return -values if getattr(image, "tag_v2", {}).get(WHITE_IS_ZERO) == 0 else values


def scaled_to_grey(values):
    """A float32 array scaled so that its darkest value is 0 and its brightest 255. Raises ValueError where all are one."""
    darkest, brightest = values.min(), values.max()
    if not -np.inf < darkest < brightest < np.inf:
        raise ValueError(f"its values go from {darkest} to {brightest}, which shows nothing")
    return (values - darkest) * np.float32(255 / (brightest - darkest))


def _fitted(extent, size, fit, box):
    """(box, (height, width)): the part that is shown, cut to its middle square where that is asked for, and its size in pixels."""
    left, top, right, bottom = box
    width, height = (right - left) * extent[0], (bottom - top) * extent[1]  # in pixels of the file
    if fit == "crop":
        half = min(width, height) / 2
        x, y = (left + right) / 2, (top + bottom) / 2
        box = (
            x - half / extent[0],
            y - half / extent[1],
            x + half / extent[0],
            y + half / extent[1],
        )
        return tuple(min(max(end, 0), 1) for end in box), (size, size)
    if fit == "pad":
        longer = max(width, height)
        return box, (max(1, round(size * height / longer)), max(1, round(size * width / longer)))
    return box, (size, size)


@lru_cache(512)
def _area_weights(length, size, start, stop):
    """A sparse (size, length) matrix: how much each of `length` pixels counts in the mean over each of `size` equal stretches
    from start to stop.

    Sparse, since a stretch touches few pixels: ten times as fast as a full matrix. Pillow's box filter counts a pixel wholly
    or not at all, which at 1.3 pixels a stretch is nearly nearest-neighbour.
    """
    edges = np.linspace(start, stop, size + 1)
    first = edges[:-1].astype(np.int32)
    touched = np.minimum(np.ceil(edges[1:]).astype(np.int32), length) - first
    ends = np.concatenate([[0], np.cumsum(touched)]).astype(np.int32)
    stretch = np.repeat(np.arange(size), touched)
    pixel = np.arange(ends[-1], dtype=np.int32) - np.repeat(ends[:-1] - first, touched)
    overlap = np.minimum(edges[1:][stretch], pixel + 1) - np.maximum(edges[:-1][stretch], pixel)
    return csr_array(
        ((overlap * (size / (stop - start))).astype(np.float32), pixel, ends), (size, length)
    )


def looks_like_mask(path):
    """Whether an image is a mask by its pixels: nearly all of them black or white, and mostly black. Raises as `decode` does."""
    grey = decode(path, 96)
    dark, bright = np.mean(grey < 16), np.mean(grey > 239)
    return bool(dark > 0.5 and dark + bright > 0.9)


def histogram(path, least=512):
    """How many pixels of an image have each grey level from 0 to 255: int64 (256,).

    A JPEG is decoded at a reduced scale, no side below `least` pixels. Raises as `decode` does.
    """
    grey, *_ = open_grey(path, least // 2, "stretch", (0, 0, 1, 1))
    return np.bincount(np.rint(np.asarray(grey)).astype(np.uint8).ravel(), minlength=256)


def mask_box(path, least=500):
    """(left, top, right, bottom) of what is white in a mask, as shares of its width and height.

    A JPEG is decoded at a reduced scale, its shorter side no less than `least` pixels: the box is then up to one of those
    wider. Raises ValueError where nothing is white, and as `decode` does.
    """
    grey, *_ = open_grey(path, least // 2, "stretch", (0, 0, 1, 1))
    grey = np.asarray(grey)
    if not grey.max():
        raise ValueError("nothing is white in this mask")
    white = grey > grey.max() / 2  # a mask may be of 0 and 1
    columns, rows = (np.flatnonzero(white.any(axis)) for axis in (0, 1))
    ends = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    return tuple(
        float(end / length) for end, length in zip(ends, 2 * grey.shape[::-1], strict=True)
    )


def widened(box, extent, margin):
    """A box with `margin` pixels added on each side, as far as the image goes; shares of `extent`, its (width, height)."""
    added = margin / np.tile(np.array(extent, float), 2) * [-1, -1, 1, 1]
    return tuple((np.array(box) + added).clip(0, 1).tolist())


def context_box(lesion, image, settings):
    """The lesion's box, shares of the image's width and height, with the margin that the settings ask for on each side."""
    extent = np.array([image.width, image.height])
    if settings["margin_unit"] == "mm":
        margin = settings["margin"] / image.spacing_mm
    else:
        margin = settings["margin"] / 100 * max((np.array(lesion[2:]) - lesion[:2]) * extent)
    return widened(lesion, extent, margin)
