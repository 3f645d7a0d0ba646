"""Image files: what their headers say, and their pixels as small grey squares."""

import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache

import numpy as np
from PIL import Image, UnidentifiedImageError


def read_header(path):
    """{bytes, width, height, problem} of an image file, without decoding it; problem is '' or the code of what is wrong.

    Codes: missing_file, empty_file, not_an_image, too_large (a decompression bomb), unreadable.
    """
    header = {"bytes": 0, "width": None, "height": None, "problem": ""}
    try:
        header["bytes"] = path.stat().st_size
        if not header["bytes"]:
            return header | {"problem": "empty_file"}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # a mammogram may be that large
            with Image.open(path) as image:
                return header | {"width": image.width, "height": image.height}
    except FileNotFoundError:
        return header | {"problem": "missing_file"}
    except UnidentifiedImageError:
        return header | {"problem": "not_an_image"}
    except Image.DecompressionBombError:
        return header | {"problem": "too_large"}
    except Exception:  # Pillow's readers raise anything on a broken header, and one file must not end the inventory
        return header | {"problem": "unreadable"}


def read_headers(paths, workers):
    """read_header of many files, in their order, in parallel processes (Pillow parses headers in Python, under its lock)."""
    if workers == 1 or len(paths) < 500:  # not worth a process
        return [read_header(path) for path in paths]
    with ProcessPoolExecutor(workers) as pool:
        return list(pool.map(read_header, paths, chunksize=250))


def decode(path, size):
    """The image at `path` as a uint8 array (size, size): grey, stretched to the square, each pixel the mean of its area.

    A JPEG is scaled down while it is decoded, to no less than twice the size: so the mean is within one grey level of that of
    the whole image, and costs no more. An image of more than 8 bits is scaled from its own darkest and brightest value to 0
    and 255. Raises ValueError where the file cannot be decoded to its end.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.draft("L", (2 * size, 2 * size))
                image.load()
                deep = image.mode.startswith(("I", "F"))
                grey = Image.fromarray(np.asarray(image, np.float32)) if deep else image.convert("L")
    except MemoryError:
        raise
    except Exception as error:  # Pillow's readers raise anything on broken data
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if deep:
        darkest, brightest = np.min(grey), np.max(grey)
        if not -np.inf < darkest < brightest < np.inf:
            raise ValueError(f"its values go from {darkest} to {brightest}, which shows nothing")
    if min(grey.size) < size:  # areas smaller than a pixel: interpolate instead
        pixels = np.asarray(grey.resize((size, size), Image.Resampling.BILINEAR), np.float32)
    else:
        pixels = np.asarray(grey, np.float32)
        down, across = (_area_weights(length, size) for length in pixels.shape)
        pixels = down @ pixels @ across.T
    if deep:
        pixels = (pixels - darkest) * (255 / (brightest - darkest))
    return np.rint(pixels.clip(0, 255)).astype(np.uint8)


@lru_cache
def _area_weights(length, size):
    """float32 (size, length): how much each of `length` pixels counts in the mean over each of `size` equal stretches.

    Pillow's box filter counts a pixel wholly or not at all, which at 1.3 pixels a stretch is nearly nearest-neighbour.
    """
    edges = np.linspace(0, length, size + 1)[:, None]
    pixel = np.arange(length)
    overlap = (np.minimum(edges[1:], pixel + 1) - np.maximum(edges[:-1], pixel)).clip(0)
    return (overlap * (size / length)).astype(np.float32)


def looks_like_mask(path):
    """Whether an image is a mask by its pixels: nearly all of them black or white, and mostly black. Raises as `decode` does."""
    grey = decode(path, 96)
    dark, bright = np.mean(grey < 16), np.mean(grey > 239)
    return bool(dark > 0.5 and dark + bright > 0.9)
