"""Decoded images, spread over files that are mapped into memory, as one array."""

from collections.abc import Iterable
from os import PathLike

import numpy as np


class Shards:
    """The pixels.npy of a set of tensors, in their order, as one uint8 array (n, size, size).

    It is read by lists of rows.
    """

    def __init__(self, paths: Iterable[str | PathLike]):
        self.parts = [np.load(path, mmap_mode="r") for path in paths]
        self.ends = np.cumsum([len(part) for part in self.parts])
        self.shape = (int(self.ends[-1]), *self.parts[0].shape[1:])

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """The images of `rows`, integers (m,), in their order: uint8 (m, size, size)."""
        found = np.empty((len(rows), *self.shape[1:]), np.uint8)
        number_of_part = np.searchsorted(self.ends, rows, side="right")
        for number in np.unique(number_of_part):
            here = number_of_part == number
            first = self.ends[number] - len(self.parts[number])
            found[here] = self.parts[number][rows[here] - first]
        return found
