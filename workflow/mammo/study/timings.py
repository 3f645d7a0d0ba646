"""What earlier jobs took: time and memory, read from Snakemake's benchmark files.

Imported when a plan is printed as well, so it imports nothing slow.
"""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

# Snakemake looks at a job's memory when it starts and then every half second, after 15 seconds
# every 30. Of a job that ends within a second it sees little more than a Python that starts.
SHORTEST_SEEN = 1.0


class Measured(NamedTuple):
    """`seconds` from a job's start to its end; `memory` is the largest resident set in MB.

    `memory` is None where none was seen.
    """

    seconds: float
    memory: float | None


def read_benchmark(path: str | Path) -> Measured | None:
    """A benchmark file; None where there is none that can be read, as after a crash."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            row = next(csv.DictReader(file, delimiter="\t"), {})
        seconds = float(row["s"])
    except (OSError, KeyError, ValueError):
        return None
    try:
        memory = float(row["max_rss"])
    except (KeyError, ValueError, TypeError):
        memory = 0.0  # NA, - or nothing, of a job that ended before the first look
    return Measured(seconds, memory if seconds >= SHORTEST_SEEN and memory > 0 else None)


def benchmarks_of(folder: str | Path) -> dict[Path, Measured]:
    """{path: Measured} of the benchmark files of a step, which are in `folder`."""
    found = {path: read_benchmark(path) for path in sorted(Path(folder).glob("*.tsv"))}
    return {path: measured for path, measured in found.items() if measured}


def largest(measured: Iterable[Measured]) -> float | None:
    """The largest memory in MB; None where none was seen."""
    return max((job.memory for job in measured if job.memory is not None), default=None)
