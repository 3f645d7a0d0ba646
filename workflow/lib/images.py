"""Image files: what their headers say, and their pixels as small grey squares."""

import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache

import numpy as np
from PIL import Image, UnidentifiedImageError


def read_header(path):
    """(width, height, problem) of an image file, without decoding it; problem is '' or the code of what is wrong.

    Codes: missing_file, empty_file, not_an_image, too_large (a decompression bomb, or as good as one), unreadable.
    """
    if not path.is_file():
        return None, None, "missing_file"
    if path.stat().st_size == 0:
        return None, None, "empty_file"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # a mammogram may be that large
            with Image.open(path) as image:
                return *image.size, ""
    except UnidentifiedImageError:
        return None, None, "not_an_image"
    except Image.DecompressionBombError:
        return None, None, "too_large"
    except (OSError, SyntaxError, ValueError):  # what Pillow's readers raise on a broken header
        return None, None, "unreadable"


def read_headers(paths, workers):
    """read_header of many files, in their order, in parallel processes (Pillow parses headers in Python, under its lock)."""
    if workers == 1 or len(paths) < 500:  # not worth a process
        return [read_header(path) for path in paths]
    with ProcessPoolExecutor(workers) as pool:
        return list(pool.map(read_header, paths, chunksize=250))


def decode(path, size):
    """The image at `path` as a uint8 array (size, size): grey, stretched to the square, each pixel the mean of its area.

    A JPEG is scaled down while it is decoded, to no less than twice the size: so the mean is within one grey level of that of
    the whole image, and costs no more. 16-bit images lose their low byte. Raises OSError, SyntaxError or ValueError where the
    file cannot be decoded to its end.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(path) as image:
            image.draft("L", (2 * size, 2 * size))
            image.load()
            grey = _grey(image)
    if min(grey.size) < size:  # areas smaller than a pixel: interpolate instead
        return np.asarray(grey.resize((size, size), Image.Resampling.BILINEAR))
    pixels = np.asarray(grey, np.float32)
    down, across = (_area_weights(length, size) for length in pixels.shape)
    return np.rint(down @ pixels @ across.T).astype(np.uint8)


@lru_cache
def _area_weights(length, size):
    """float32 (size, length): how much each of `length` pixels counts in the mean over each of `size` equal stretches.

    Pillow's box filter counts a pixel wholly or not at all, which at 1.3 pixels a stretch is nearly nearest-neighbour.
    """
    edges = np.linspace(0, length, size + 1)[:, None]
    pixel = np.arange(length)
    overlap = (np.minimum(edges[1:], pixel + 1) - np.maximum(edges[:-1], pixel)).clip(0)
    return (overlap * (size / length)).astype(np.float32)


def _grey(image):
    if image.mode.startswith("I;16") or image.mode == "I":  # "I" is what Pillow makes of some 16-bit files
        return Image.fromarray((np.asarray(image).clip(0, 65535) >> 8).astype(np.uint8))
    return image.convert("L")


def looks_like_mask(path):
    """Whether an image is a mask by its pixels: nearly all of them black or white, and mostly black. Raises as `decode` does."""
    grey = decode(path, 96)
    dark, bright = np.mean(grey < 16), np.mean(grey > 239)
    return bool(dark > 0.5 and dark + bright > 0.9)
