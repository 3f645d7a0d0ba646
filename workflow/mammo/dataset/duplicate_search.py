"""Find duplicates among crops and full images: equal bytes, equal pixels, near-equal pictures.

Masks are not compared: they are black but for a spot, and alike by nature.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from mammo.dataset.duplicates import (
    HASH_SIDE,
    LEAST_CONTRAST,
    LEAST_CORRELATION,
    as_words,
    candidates,
    correlation,
    hash_file,
    hash_pixels,
    perceptual_hash,
    small,
)
from mammo.pools import CHUNK, in_chunks
from mammo.tables import read_table, write_table

ROLES = ["crop", "full"]
KEPT = 5000  # small images kept in memory (20 MB); more are decoded a second time, and only where they are candidates
NO_DIGEST = bytes(32)


def find_duplicates(folder, files, workers):
    """Pairs of files as a DataFrame: file_a < file_b, role (of file_a), match, distance, correlation.

    match is the strongest that holds: `bytes`, `pixels` or `near`. n files that are alike give n - 1 rows that connect them,
    not all pairs: files that rows connect, directly or through others, are one group. A copy by bytes or pixels stands with
    the first of its kind, which stands for all of them where it is near others. distance: bits in which the perceptual
    hashes differ; correlation: mammo.dataset.duplicates.correlation, of two equal images 1, none where they are flat. A file that
    does not decode, now or by its header, is in no row.
    """
    usable = files.loc[
        files["role"].isin(ROLES) & (files["problem"] == ""),
        ["file", "role", "bytes", "width", "height"],
    ]
    usable = usable.sort_values("file", ignore_index=True)
    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        rows = list(compare(pool, Path(folder), usable)) if len(usable) else []
    columns = ["file_a", "file_b", "role", "match", "distance", "correlation"]
    return pd.DataFrame(rows, columns=columns).sort_values(["file_a", "file_b"], ignore_index=True)


def compare(pool, folder, files):
    """The rows of find_duplicates for files that are sorted."""
    names, roles = files["file"].tolist(), files["role"].tolist()
    extents = files.groupby(["width", "height"]).ngroup().to_numpy()

    def path(i):
        return folder / names[i]

    @lru_cache(None)
    def pixels_of(i):
        return hash_pixels(path(i))

    def row(one, other, match, distance, value):
        return names[one], names[other], roles[one], match, distance, value

    # Only files of one size can be equal.
    suspects = np.flatnonzero(files["bytes"].duplicated(keep=False))
    copies = repeats(suspects, in_chunks(pool, lambda i: hash_file(path(i)), suspects))
    singles = np.delete(np.arange(len(names)), list(copies))

    hashes = np.zeros((len(names), HASH_SIDE**2 // 8), np.uint8)
    decoded, flat, thumbs = np.zeros(len(names), bool), np.zeros(len(names), bool), {}
    for i, pixels in zip(
        singles, in_chunks(pool, lambda i: small_or_none(path(i)), singles), strict=True
    ):
        if pixels is not None:
            decoded[i], flat[i], hashes[i] = (
                True,
                pixels.std() < LEAST_CONTRAST,
                perceptual_hash(pixels),
            )
            if not flat[i] and len(thumbs) < KEPT:
                thumbs[i] = pixels
    for i, first in copies.items():
        if decoded[first]:
            yield row(first, i, "bytes", 0, None if flat[first] else 1)

    keys = pd.DataFrame(as_words(hashes)).assign(extent=extents)[decoded]
    suspects = keys.index[keys.duplicated(keep=False)].to_numpy()
    copies = repeats(suspects, in_chunks(pool, pixels_of, suspects))
    for i, first in copies.items():
        yield row(first, i, "pixels", 0, None if flat[first] else 1)

    decoded[list(copies)] = False
    distinct = np.flatnonzero(decoded & ~flat)
    pairs = (
        (distinct[a], distinct[b], distances) for a, b, distances in candidates(hashes[distinct])
    )
    for one, other, distance, value in near_pairs(pool, path, len(names), pairs, thumbs):
        # A JPEG and a PNG of the same pixels are decoded at different scales, so their hashes may differ.
        same = extents[one] == extents[other] and pixels_of(one) == pixels_of(other)
        yield row(one, other, "pixels" if same else "near", distance, value)


def near_pairs(pool, path, count, pairs, thumbs):
    """(i, j, distance, correlation) of the candidate pairs that correlate, but for those that earlier ones connect.

    path: gives an image's path by its number below count. thumbs: small images by number, as far as they are kept; it is
    filled with those that are decoded again.
    """
    parent = np.arange(count)  # of a forest: two numbers are connected if they have the same root
    failed = set()
    for part in unconnected(pairs, parent):
        part = [pair for pair in part.tolist() if tuple(pair[:2]) not in failed]
        wanted = set(chain.from_iterable(pair[:2] for pair in part))
        if len(wanted - thumbs.keys()) + len(thumbs) > KEPT:
            thumbs.clear()
        lacking = list(wanted - thumbs.keys())
        thumbs.update(zip(lacking, in_chunks(pool, lambda i: small(path(i)), lacking), strict=True))
        for one, other, distance in part:
            tops = roots(parent, np.array([one, other]))
            if tops[0] == tops[1]:
                continue
            value = correlation(thumbs[one], thumbs[other])
            if value >= LEAST_CORRELATION:
                parent[[one, other, *tops]] = tops.min()
                yield one, other, distance, value
            else:
                failed.add((one, other))


def unconnected(pairs, parent):
    """The pairs, given as arrays (i, j, distance), as arrays (at most CHUNK, 3) of those that the forest does not connect yet."""
    for one, other, distances in pairs:
        apart = roots(parent, one) != roots(parent, other)
        pieces = np.column_stack([one, other, distances])[apart]
        yield from (pieces[start : start + CHUNK] for start in range(0, len(pieces), CHUNK))


def roots(parent, nodes):
    """The root of each node of a forest, given as an array of parents, in which a root is its own parent."""
    while (parent[nodes] != nodes).any():
        nodes = parent[nodes]
    return nodes


def repeats(items, digests):
    """{item: the first item with the same digest}, for those that are not the first; None is equal to nothing.

    items: an array; digests: as many SHA-256 or None, of which each is looked at once.
    """
    table = bytearray()  # a tenth of the memory of a dict of them
    for digest in digests:
        table += digest or NO_DIGEST
    table = np.frombuffer(table, np.dtype((np.void, len(NO_DIGEST))))
    _, first, kind = np.unique(table, return_index=True, return_inverse=True)
    again = (first[kind] != np.arange(len(table))) & (table != np.void(NO_DIGEST))
    return dict(zip(items[again].tolist(), items[first[kind[again]]].tolist(), strict=True))


def small_or_none(path):
    try:
        return small(path)
    except ValueError:
        return None  # tensors/<image>/excluded.csv lists it with its reason, where it is used


def main(folder, files, workers, output):
    files = read_table(files, "files")
    pairs = find_duplicates(folder, files, workers)
    write_table(pairs, output, "duplicates")
    for role in ROLES:
        counts = pairs.loc[pairs["role"] == role, "match"].value_counts()
        told = ", ".join(
            f"{counts.get(match, 0)} by {match}" for match in ("bytes", "pixels", "near")
        )
        print(f"{(files['role'] == role).sum()} {role} images; pairs of duplicates: {told}")
