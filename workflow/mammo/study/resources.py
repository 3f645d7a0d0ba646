"""What each step took, and what to ask a cluster for.

Memory is the largest resident set: the sum over a job's processes, with the pages of mapped files.
Of the measures in a benchmark file it alone is never below what a job may be killed for, where a
scheduler adds up resident sets. (The proportional set divides shared pages among all that map them,
other jobs too; the unique set leaves them out.) For mapped tensors it is too much rather than too
little. It is looked at every half second, later every 30, so that a peak may be missed: hence the
headroom.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from statistics import median

import pandas as pd
import yaml

from mammo.study.timings import benchmarks_of, largest

MEMORY_HEADROOM = 1.3  # times
MEMORY_STEP = 50  # MB, to which it is rounded up
SNAKEMAKE = 200  # MB: on a cluster it runs beside the job, in its allocation, and is not measured
TIME_HEADROOM = 2  # times
LEAST_MINUTES = 5  # a job on a busy node waits for its disk before it begins
COLUMNS = [
    "step",
    "rules",
    "jobs",
    "median_seconds",
    "longest_seconds",
    "largest_memory",
    "mem_mb",
    "runtime",
]
HEAD = f"""\
# What to ask a cluster for, by what the jobs of this study took: paste it into the config.yaml of
# a profile. Larger images, a larger network or more of either take more. A step that has not run
# keeps its rule's own, and so does a memory that no job ran long enough to show.
# mem_mb: {MEMORY_HEADROOM} times the largest memory seen, and {SNAKEMAKE} MB for Snakemake.
# runtime, in minutes: {TIME_HEADROOM} times the longest job, at least {LEAST_MINUTES}.
# attempt: 1 at first, 2 when a job is tried again.
"""


def suggestion(longest: float, memory: float | None) -> tuple[int | None, int]:
    """(MB, minutes) to ask for, of the longest job's seconds and the largest memory in MB.

    No memory is suggested where none was seen.
    """
    minutes = max(LEAST_MINUTES, math.ceil(TIME_HEADROOM * longest / 60))
    if memory is None:
        return None, minutes
    return MEMORY_STEP * math.ceil((MEMORY_HEADROOM * memory + SNAKEMAKE) / MEMORY_STEP), minutes


def measured(benchmarks: str | Path, rules: Mapping[str, str]) -> pd.DataFrame:
    """A row per step that has run, the longest first.

    `benchmarks` is the folder, `rules` {rule: its folder there}.
    """
    rows = []
    for step in sorted(set(rules.values())):
        jobs = benchmarks_of(Path(benchmarks, step)).values()
        if not jobs:
            continue
        seconds, memory = [job.seconds for job in jobs], largest(jobs)
        mem_mb, runtime = suggestion(max(seconds), memory)
        row = {
            "step": step,
            "rules": " ".join(sorted(rule for rule in rules if rules[rule] == step)),
            "jobs": len(jobs),
            "median_seconds": round(median(seconds), 2),
            "longest_seconds": max(seconds),
            "largest_memory": memory,
            "mem_mb": mem_mb,
            "runtime": runtime,
        }
        rows.append(row)
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"mem_mb": "Int64"})
    return table.sort_values("longest_seconds", ascending=False, kind="stable")


def as_profile(table: pd.DataFrame) -> str:
    """The text of resources.yaml, a `set-resources` block of a Snakemake profile.

    `attempt` lets a retry have more, as the rules' own resources do.
    """
    block = {}
    for row in table.to_dict("records"):
        wanted = {name: row[name] for name in ("mem_mb", "runtime") if pd.notna(row[name])}
        for rule in row["rules"].split():
            block[rule] = {name: f"{int(amount)} * attempt" for name, amount in wanted.items()}
    return HEAD + yaml.safe_dump({"set-resources": block}, sort_keys=True)
