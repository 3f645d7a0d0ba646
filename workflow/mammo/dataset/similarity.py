"""How alike images are: by their bytes, their pixels, a perceptual hash, a correlation.

The limits below were chosen on real mammograms: whole images, 8 of CBIS-DDSM (2 patients) and 114
of mini-MIAS; crops, 1,159 squares of 80 to 500 pixels cut from those at random wherever there is
tissue, none overlapping. Each was compared with its copies: JPEG of quality 60 and 95, 0.8, 0.83
(at quality 60) and 1.2 times its size, grey levels times 0.9 and 1.1 and plus 15, contrast times
0.85 and 1.15, gamma 0.85 and 1.15, noise of 3 grey levels.
"""

import hashlib
from collections.abc import Iterator
from os import PathLike

import imagehash
import numpy as np
from PIL import Image
from scipy import ndimage

from mammo.dataset.dicom import is_dicom, read_pixels
from mammo.dataset.images import decode, stored_values

# In pixels: imagehash's perceptual hash looks at four times as many a side as it has bits.
SIDE = 64
HASH_SIDE = 16
# Of 256 bits, a copy of a whole image differs from it in at most 20, two whole images in at least
# 54 (the 8 of CBIS-DDSM, both views and both breasts of a patient: 90). Of the copies of a crop,
# 95 % differ in at most 23, and of those that are not noise or JPEG of quality 60, 99.7 %; two
# crops differ in at least 72. Mirrored or turned, an image differs from itself in 104.
BANDS = 12
MOST_BITS = 2 * BANDS - 1
# A copy of a whole image correlates with it by at least 0.986, one of a crop, if its hash is near,
# by 0.89 (99.9 %: 0.93); two whole images by at most 0.924 (film frames that are alike; within
# CBIS-DDSM 0.62).
LEAST_CORRELATION = 0.93
# Grey levels, the standard deviation of the small image: below it there is rounding and little
# else, and no near-duplicate.
LEAST_CONTRAST = 1
# How many of those that share a part of their hash a hash is compared with: bounds the work on
# large groups.
BUCKET = 256

Path = str | PathLike
Candidates = tuple[np.ndarray, np.ndarray, np.ndarray]  # i, j, distance in bits


def hash_file(path: Path) -> bytes | None:
    """SHA-256 of a file's bytes; None where it cannot be read, which equals nothing."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return None


def hash_pixels(path: Path) -> bytes:
    """SHA-256 of an image's size and grey values as decoded, whatever its format and metadata."""
    if is_dicom(path):
        pixels = read_pixels(path)
    else:
        with Image.open(path) as image:
            deep = image.mode.startswith(("I", "F"))
            pixels = stored_values(image) if deep else np.asarray(image.convert("L"), np.float32)
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest()


def small(path: Path) -> np.ndarray:
    """The image as uint8 (SIDE, SIDE). Raises ValueError where it does not decode."""
    return decode(path, SIDE)


def perceptual_hash(pixels: np.ndarray) -> np.ndarray:
    """The bits of imagehash's DCT hash of a small image, frequency by frequency.

    uint8 (HASH_SIDE ** 2 / 8,).
    """
    return np.packbits(imagehash.phash(Image.fromarray(pixels), HASH_SIDE).hash)


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Correlation of two small images in the band between Gaussians of 1 and 4 pixels.

    That leaves aside what is wide (a breast's outline) and what is fine (noise, a JPEG's errors):
    any two mammograms are alike in that they are bright on one side and black on the other, and
    correlate as they are by up to 0.98. NaN where an image has nothing in that band.
    """
    one, other = _band_pass(first), _band_pass(second)
    norms = np.linalg.norm(one) * np.linalg.norm(other)
    return float(np.sum(one * other) / norms) if norms else float("nan")


def _band_pass(pixels: np.ndarray) -> np.ndarray:
    pixels = pixels.astype(np.float32)
    band = ndimage.gaussian_filter(pixels, 1) - ndimage.gaussian_filter(pixels, 4)
    return band - band.mean()


def candidates(hashes: np.ndarray, bucket: int = BUCKET) -> Iterator[Candidates]:
    """Pairs of hashes, uint8 (n, bytes), at most MOST_BITS apart.

    Yields arrays (i, j, distance) with i < j, piece by piece; a pair may come twice.

    Bits are dealt into BANDS bands: two hashes that differ in no more than 2 * BANDS - 1 bits
    differ in one bit at most within some band, so only those are compared. All such pairs come out
    while no value of a band is shared by more than `bucket` hashes; from a larger one each hash
    meets `bucket` others, the most similar first. That bounds the work at n times a constant, and
    many copies of a picture still come out connected.
    """
    order = np.lexsort(hashes.T[::-1])
    hashes = hashes[order]
    words = as_words(hashes)
    for band in range(BANDS):
        # Low frequencies, in which many mammograms agree, are dealt to all bands alike.
        bits = range(band, 8 * hashes.shape[1], BANDS)
        keys = _keys(hashes, bits)
        by_key = np.argsort(keys, kind="stable")
        keys, place, sorted_words = keys[by_key], order[by_key], words[by_key]
        rows = np.arange(len(keys))
        ends = np.searchsorted(keys, keys, "right")
        yield from _close(place, sorted_words, rows, rows + 1, ends, bucket)
        for bit in range(len(bits)):
            rows = np.flatnonzero((keys >> bit & 1) == 0)
            others = keys[rows] | (1 << bit)
            starts = np.searchsorted(keys, others, "left")
            ends = np.searchsorted(keys, others, "right")
            yield from _close(place, sorted_words, rows, starts, ends, bucket)


def _keys(hashes: np.ndarray, bits: range) -> np.ndarray:
    """Some bits of each hash as one number: int64 (n,)."""
    keys = np.zeros(len(hashes), np.int64)
    for bit, of_hash in enumerate(bits):
        keys |= (hashes[:, of_hash // 8].astype(np.int64) >> 7 - of_hash % 8 & 1) << bit
    return keys


def as_words(hashes: np.ndarray) -> np.ndarray:
    """Hashes, uint8 (n, bytes), filled up with zeros: uint64 (n, words)."""
    return np.pad(hashes, ((0, 0), (0, -hashes.shape[1] % 8))).view(np.uint64)


def _close(
    place: np.ndarray,
    words: np.ndarray,
    rows: np.ndarray,
    starts: np.ndarray,
    stops: np.ndarray,
    bucket: int,
) -> Iterator[Candidates]:
    """Of each row and those from its start to its stop, the pairs at most MOST_BITS apart."""
    stops = np.minimum(stops, starts + bucket)
    while (left := starts < stops).any():
        rows, starts, stops = rows[left], starts[left], stops[left]
        distances = np.bitwise_count(words[rows] ^ words[starts]).sum(axis=1, dtype=int)
        if (near := distances <= MOST_BITS).any():
            one, other = place[rows[near]], place[starts[near]]
            yield np.minimum(one, other), np.maximum(one, other), distances[near]
        starts = starts + 1
