"""Pools of threads that are handed their work a part at a time."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from typing import Any, TypeVar

import numpy as np

CHUNK = 1000  # items that wait for a thread together: a million would fill the memory

Result = TypeVar("Result")


def in_chunks(
    pool: Executor, function: Callable[[Any], Result], items: Sequence | np.ndarray
) -> Iterator[Result]:
    """The results of a function of each item, in their order, by the threads of a pool."""
    for start in range(0, len(items), CHUNK):
        yield from pool.map(function, items[start : start + CHUNK])
