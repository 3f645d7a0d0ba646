"""Duplicates among ROI crops and whole images: equal bytes, equal pixels, near-duplicates.

Masks are not compared: they are black but for a spot, and alike by nature.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from mammo.dataset.similarity import (
    HASH_SIDE,
    LEAST_CONTRAST,
    LEAST_CORRELATION,
    Candidates,
    as_words,
    candidates,
    correlation,
    hash_file,
    hash_pixels,
    perceptual_hash,
    small,
)
from mammo.pools import CHUNK, in_chunks

ROLES = ["crop", "full"]
MATCHES = ["bytes", "pixels", "near"]  # from the strongest
COLUMNS = ["file_a", "file_b", "role", "match", "distance", "correlation"]
# Small images kept in memory (20 MB). More are decoded a second time, and only where they are
# candidates.
KEPT = 5000
NO_DIGEST = bytes(32)

PathOf = Callable[[int], Path]  # the path of an image by its number
Row = tuple[str, str, str, str, int, float | None]  # the values of COLUMNS


def find_duplicates(folder: str | Path, files: pd.DataFrame, workers: int) -> pd.DataFrame:
    """Pairs of files: file_a < file_b, role (of file_a), match, distance, correlation.

    - match is the strongest that holds: `bytes`, `pixels` or `near`.
    - distance: bits in which the perceptual hashes differ.
    - correlation: mammo.dataset.similarity.correlation, of two equal images 1, none where they have
      no contrast.

    n files that are alike give n - 1 rows that connect them, not all pairs: files that rows
    connect, directly or through others, are one group. A copy by bytes or pixels stands with the
    first of its kind, which stands for all of them where it is near others. A file that does not
    decode, now or by its header, is in no row.
    """
    usable = files[files["role"].isin(ROLES) & (files["problem"] == "")]
    usable = usable[["file", "role", "bytes", "width", "height"]]
    usable = usable.sort_values("file", ignore_index=True)
    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        rows = list(compare(pool, Path(folder), usable)) if len(usable) else []
    return pd.DataFrame(rows, columns=COLUMNS).sort_values(COLUMNS[:2], ignore_index=True)


def compare(pool: Executor, folder: Path, files: pd.DataFrame) -> Iterator[Row]:
    """The rows of find_duplicates for files that are sorted; an image's number is its row."""
    names, roles = files["file"].tolist(), files["role"].tolist()
    extents = files.groupby(["width", "height"]).ngroup().to_numpy()

    def path_of(number: int) -> Path:
        return folder / names[number]

    @lru_cache(None)
    def pixels_of(number: int) -> bytes:
        return hash_pixels(path_of(number))

    def row(one: int, other: int, match: str, distance: int = 0, value: float | None = 1) -> Row:
        return names[one], names[other], roles[one], match, distance, value

    # Bytes: only files of one size can be equal.
    suspects = np.flatnonzero(files["bytes"].duplicated(keep=False))
    digests = in_chunks(pool, lambda number: hash_file(path_of(number)), suspects)
    copies = repeats(suspects, digests)

    singles = np.delete(np.arange(len(names)), list(copies))
    looks = look_at(pool, path_of, len(names), singles)

    def copy(first: int, again: int, match: str) -> Row:
        return row(first, again, match, value=None if looks.flat[first] else 1)

    for again, first in copies.items():
        if looks.decoded[first]:
            yield copy(first, again, "bytes")

    # Pixels: only images of one size and one perceptual hash can be equal.
    keys = pd.DataFrame(as_words(looks.hashes)).assign(extent=extents)[looks.decoded]
    suspects = keys.index[keys.duplicated(keep=False)].to_numpy()
    copies = repeats(suspects, in_chunks(pool, pixels_of, suspects))
    for again, first in copies.items():
        yield copy(first, again, "pixels")

    distinct = looks.decoded & ~looks.flat
    distinct[list(copies)] = False
    numbers = np.flatnonzero(distinct)
    pairs = (
        (numbers[one], numbers[other], distances)
        for one, other, distances in candidates(looks.hashes[numbers])
    )
    for one, other, distance, value in near_pairs(pool, path_of, len(names), pairs, looks.thumbs):
        # A JPEG and a PNG of the same pixels are decoded at different scales, so their hashes may
        # differ.
        same = extents[one] == extents[other] and pixels_of(one) == pixels_of(other)
        yield row(one, other, "pixels" if same else "near", distance, value)


class Looks(NamedTuple):
    """What n images look like: arrays by their numbers, and small images, as far as kept."""

    decoded: np.ndarray  # bool (n,)
    flat: np.ndarray  # bool (n,): without contrast
    hashes: np.ndarray  # uint8 (n, bytes), perceptual; 0 of what is not decoded
    thumbs: dict[int, np.ndarray]


def look_at(pool: Executor, path_of: PathOf, count: int, numbers: np.ndarray) -> Looks:
    """Decode the images of `numbers`, of `count` in all, as small images."""
    decoded, flat = np.zeros(count, bool), np.zeros(count, bool)
    looks = Looks(decoded, flat, np.zeros((count, HASH_SIDE**2 // 8), np.uint8), {})
    found = in_chunks(pool, lambda number: _small_or_none(path_of(number)), numbers)
    for number, pixels in zip(numbers, found, strict=True):
        if pixels is not None:
            decoded[number] = True
            flat[number] = pixels.std() < LEAST_CONTRAST
            looks.hashes[number] = perceptual_hash(pixels)
            if not flat[number] and len(looks.thumbs) < KEPT:
                looks.thumbs[number] = pixels
    return looks


def _small_or_none(path: Path) -> np.ndarray | None:
    try:
        return small(path)
    except ValueError:
        return None  # tensors/<image>/excluded.csv lists it with its reason, where it is used


def near_pairs(
    pool: Executor,
    path_of: PathOf,
    count: int,
    pairs: Iterable[Candidates],
    thumbs: dict[int, np.ndarray],
) -> Iterator[tuple[int, int, int, float]]:
    """(i, j, distance, correlation) of the candidates that correlate and are not yet connected.

    `thumbs` are small images by number, as far as they are kept; it is filled with those that are
    decoded again. `count` is the number of images.
    """
    # A forest: two images are connected if they have the same root. By hand, since its roots are
    # looked up for whole arrays: scipy's DisjointSet, which takes one image at a time, finds the
    # same pairs of a million candidates in six times the time.
    parent = np.arange(count)
    failed = set()
    for part in unconnected(pairs, parent):
        todo = [pair for pair in part.tolist() if tuple(pair[:2]) not in failed]
        wanted = set(chain.from_iterable(pair[:2] for pair in todo))
        if len(wanted - thumbs.keys()) + len(thumbs) > KEPT:
            thumbs.clear()
        lacking = list(wanted - thumbs.keys())
        decoded = in_chunks(pool, lambda number: small(path_of(number)), lacking)
        thumbs.update(zip(lacking, decoded, strict=True))
        for one, other, distance in todo:
            tops = roots(parent, np.array([one, other]))
            if tops[0] == tops[1]:
                continue
            value = correlation(thumbs[one], thumbs[other])
            if value >= LEAST_CORRELATION:
                parent[[one, other, *tops]] = tops.min()
                yield one, other, distance, value
            else:
                failed.add((one, other))


def unconnected(pairs: Iterable[Candidates], parent: np.ndarray) -> Iterator[np.ndarray]:
    """The pairs that the forest does not connect yet: arrays (at most CHUNK, 3) of i, j, distance.

    The forest may change between two of them.
    """
    for one, other, distances in pairs:
        apart = roots(parent, one) != roots(parent, other)
        pieces = np.column_stack([one, other, distances])[apart]
        for start in range(0, len(pieces), CHUNK):
            yield pieces[start : start + CHUNK]


def roots(parent: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """The root of each node of a forest, given by parents; a root is its own parent."""
    while (parent[nodes] != nodes).any():
        nodes = parent[nodes]
    return nodes


def repeats(items: np.ndarray, digests: Iterable[bytes | None]) -> dict[int, int]:
    """{item: the first item with the same digest}, for those that are not the first.

    `digests` are SHA-256 or None, which is equal to nothing; each is looked at once.
    """
    joined = bytearray()  # a tenth of the memory of a dict of them
    for digest in digests:
        joined += digest or NO_DIGEST
    table = np.frombuffer(joined, np.dtype((np.void, len(NO_DIGEST))))
    _, first, kind = np.unique(table, return_index=True, return_inverse=True)
    again = (first[kind] != np.arange(len(table))) & (table != np.void(NO_DIGEST))
    return dict(zip(items[again].tolist(), items[first[kind[again]]].tolist(), strict=True))


def count_words(files: pd.DataFrame, pairs: pd.DataFrame) -> Iterator[str]:
    """What was found, a line for each role."""
    for role in ROLES:
        counts = pairs.loc[pairs["role"] == role, "match"].value_counts()
        found = ", ".join(f"{counts.get(match, 0)} by {match}" for match in MATCHES)
        yield f"{(files['role'] == role).sum()} {role} images; pairs of duplicates: {found}"
