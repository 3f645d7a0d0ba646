"""What the benchmarks share: a ratio with its spread, and functions in processes of their own."""

import os
import resource
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context, set_start_method


@dataclass(frozen=True)
class Ratio:
    """How many times one quantity is another, both measured by turns: `rounds` holds the pairs."""

    measure: str
    rounds: list[tuple[float, float]]
    wanted: float
    at_most: bool = False

    @property
    def value(self):
        """The ratio of the medians."""
        ours, theirs = (statistics.median(values) for values in zip(*self.rounds, strict=True))
        return ours / theirs

    @property
    def spread(self):
        """The least and the most ratio of a round."""
        each = [ours / theirs for ours, theirs in self.rounds]
        return min(each), max(each)

    @property
    def met(self):
        return self.value <= self.wanted if self.at_most else self.value >= self.wanted

    @property
    def far_off(self):
        """Whether it misses what is wanted by more than half."""
        return self.value > 1.5 * self.wanted if self.at_most else self.value < self.wanted / 2

    @property
    def row(self):
        """What results.csv says of it."""
        least, most = self.spread
        wanted = f"at {'most' if self.at_most else 'least'} {self.wanted:g}"
        return {
            "measure": self.measure,
            "ratio": f"{self.value:.2f}",
            "least": f"{least:.2f}",
            "most": f"{most:.2f}",
            "rounds": len(self.rounds),
            "wanted": wanted,
            "met": "yes" if self.met else "no",
        }

    def __str__(self):
        return "{measure}: {ratio} ({least} to {most}), wanted {wanted}: {met}".format(**self.row)


def cpu_seconds():
    """What this process and its ended children have worked, on all cores: other work on the machine
    does not add to it."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def seconds():
    """What time it is: by the clock, or, of quick benchmarks, which run beside other work, by what
    this process has worked. Processes that `apart` starts have the environment, and so the same."""
    return cpu_seconds() if os.getenv("BENCHMARKS_COUNT") == "cpu" else time.perf_counter()


def apart(function, *arguments):
    """What `function` returns in a new process, where nothing was warmed up before.

    What it prints is lost.
    """
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=_begin) as pool:
        return pool.submit(function, *arguments).result()


def _begin():
    set_start_method(None, force=True)  # else its own processes would be spawned, too
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
