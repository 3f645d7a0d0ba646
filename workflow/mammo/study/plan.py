"""`snakemake plan`: which steps would run and why, and the time and memory to expect.

Expectations come from what earlier jobs took.
"""

import heapq
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import psutil

from mammo.log import some
from mammo.study.reasons import KINDS, Cause, Reasons, recorded_studies
from mammo.study.settings import Study
from mammo.study.timings import Measured, benchmarks_of, largest
from mammo.words import duration

MOST = 3  # details of a cause that are told
SOURCES = ["itself", "others", "unknown"]  # where an expectation comes from


class Planned(NamedTuple):
    """A job that would run.

    `causes` say why, `threads` how many it asks for. `expected` is None where nothing is known;
    `source` is one of SOURCES. `before` has the numbers, in the list of all, of the jobs that it
    waits for.
    """

    step: str
    causes: list[Cause]
    threads: int
    expected: Measured | None
    source: str
    before: list[int]


def expectation(
    benchmark: str | Path, known: Mapping[Path, Measured]
) -> tuple[Measured | None, str]:
    """(what a job is expected to take, source), by its benchmark path and its step's jobs."""
    if Path(benchmark) in known:
        return known[Path(benchmark)], "itself"
    if known:
        seconds = median(job.seconds for job in known.values())
        return Measured(seconds, largest(known.values())), "others"
    return None, "unknown"


def planned(jobs: Iterable[Any], dag: Any, causes: Callable[[Any], list[Cause]]) -> list[Planned]:
    """Snakemake's jobs, with what `causes` says of each."""
    jobs = [job for job in jobs if not job.rule.norun]
    numbers = {job: number for number, job in enumerate(jobs)}
    folders: dict[Path, dict[Path, Measured]] = {}
    found = []
    for job in jobs:
        expected, source = None, "unknown"
        if job.benchmark:  # those that only print have none
            folder = Path(job.benchmark).parent
            if folder not in folders:
                folders[folder] = benchmarks_of(folder)
            expected, source = expectation(job.benchmark, folders[folder])
        before = [numbers[other] for other in dag.dependencies[job] if other in numbers]
        found.append(Planned(job.rule.name, causes(job), job.threads, expected, source, before))
    return found


def wall_time(jobs: Sequence[Planned], slots: int, startup: float, threads: bool = True) -> float:
    """Seconds from the first job's start to the last one's end.

    A job starts as soon as it can, the longest first. `slots` is how many threads, or with
    threads=False how many jobs, run at a time; `startup` the seconds that each job adds. A job of
    unknown length counts with its startup alone.
    """
    waiting_for = [len(job.before) for job in jobs]
    following: list[list[int]] = [[] for _ in jobs]
    for number, job in enumerate(jobs):
        for before in job.before:
            following[before].append(number)
    lengths = [startup + (job.expected.seconds if job.expected else 0) for job in jobs]
    sizes = [min(job.threads, slots) if threads else 1 for job in jobs]
    ready: dict[int, list[tuple[float, int]]] = {
        size: [] for size in sizes
    }  # by size, so that finding the next that fits is quick
    for number, left in enumerate(waiting_for):
        if left == 0:
            heapq.heappush(ready[sizes[number]], (-lengths[number], number))
    running: list[tuple[float, int]] = []
    now, free = 0.0, slots
    while running or any(ready.values()):
        while fitting := [heap for size, heap in ready.items() if heap and size <= free]:
            _, number = heapq.heappop(min(fitting, key=lambda heap: heap[0]))
            free -= sizes[number]
            heapq.heappush(running, (now + lengths[number], number))
        now, ended = heapq.heappop(running)
        free += sizes[ended]
        for number in following[ended]:
            waiting_for[number] -= 1
            if waiting_for[number] == 0:
                heapq.heappush(ready[sizes[number]], (-lengths[number], number))
    return now


def why(causes_of_jobs: Sequence[Sequence[Cause]]) -> list[str]:
    """Lines that say why a step's jobs would run: each kind of cause once.

    A kind that not all of the jobs have is followed by how many have it.
    """
    lines = []
    for kind, words in KINDS.items():
        having = sum(any(cause.kind == kind for cause in causes) for causes in causes_of_jobs)
        if not having:
            continue
        details: dict[str, set[str]] = {}
        for causes in causes_of_jobs:
            for cause in causes:
                if cause.kind == kind:
                    details.setdefault(cause.detail, set()).update(cause.experiments)
        told = [f"{detail}{_whose(experiments)}" for detail, experiments in details.items()]
        of_all = f" ({having} of {len(causes_of_jobs)})" if having < len(causes_of_jobs) else ""
        lines.append(f"{words}{some(told, MOST) if any(told) else ''}{of_all}")
    return lines


def _whose(experiments: set[str]) -> str:
    """'' where the baseline has it too, which all others begin with."""
    if not experiments or "baseline" in experiments:
        return ""
    return f" in {some(sorted(experiments), MOST)}"


class Line(NamedTuple):
    """A line of the plan's table: a step, in words."""

    step: str
    jobs: str
    each: str
    in_all: str
    memory: str
    source: str
    why: list[str]


HEAD = Line("step", "jobs", "each", "in all", "memory", "expected from", ["why"])


def _line(step: str, jobs: Sequence[Planned]) -> Line:
    known = [job.expected for job in jobs if job.expected]
    counts = Counter(job.source for job in jobs)
    sources = [f"{source} {counts[source]:,}" for source in SOURCES if counts[source]]
    source = jobs[0].source if len(sources) == 1 else ", ".join(sources)
    reasons = why([job.causes for job in jobs])
    if not known:
        return Line(step, f"{len(jobs):,}", "?", "?", "?", source, reasons)
    seconds = [expected.seconds for expected in known]
    shortest, longest = duration(min(seconds)), duration(max(seconds))
    each = shortest if shortest == longest else f"{shortest} to {longest}"
    memory = largest(known)
    shown = "–" if memory is None else f"{memory:,.0f} MB"
    return Line(step, f"{len(jobs):,}", each, duration(sum(seconds)), shown, source, reasons)


def as_text(
    jobs: Sequence[Planned], slots: int, startup: float, threads: bool = True
) -> Iterator[str]:
    """The lines of a plan: a row per step in the order of the jobs, and what they come to."""
    steps: dict[str, list[Planned]] = {}
    for job in jobs:
        steps.setdefault(job.step, []).append(job)
    yield f"A plan: {len(jobs):,} job(s) of {len(steps)} step(s) would run. Nothing was started."
    yield ""
    yield from _table([HEAD, *(_line(step, group) for step, group in steps.items())])
    yield ""
    yield from _in_all(jobs, slots, startup, threads)


def _table(lines: Sequence[Line]) -> Iterator[str]:
    """Columns two blanks apart, numbers to the right; further reasons below the first."""
    widths = [max(map(len, column)) for column in zip(*(line[:6] for line in lines), strict=True)]
    for line in lines:
        cells = [f"{cell:>{width}}" for cell, width in zip(line[:6], widths, strict=True)]
        cells[0] = f"{line.step:{widths[0]}}"
        cells[5] = f"{line.source:{widths[5]}}"
        first, *more = line.why
        yield "  ".join([*cells, first])
        yield from (" " * (sum(widths) + 12) + reason for reason in more)


def _in_all(jobs: Sequence[Planned], slots: int, startup: float, threads: bool) -> Iterator[str]:
    known = [(job.step, job.expected) for job in jobs if job.expected]
    unknown = sorted({job.step for job in jobs if not job.expected})
    if not known:
        yield "No job of these steps has run here yet: nothing is known of their time and memory."
        return
    at_least = "at least " if unknown else ""
    work = duration(sum(expected.seconds for _, expected in known))
    took = duration(wall_time(jobs, slots, startup, threads))
    if threads:
        where, queue = f"on {slots} core(s)", ""
    else:
        where = f"with {slots:,} job(s) at a time"
        queue = f", {startup:.1f} s to start each job included and waiting in the queue not"
    yield f"Expected: {at_least}{work} of work; {where} {at_least}about {took}{queue}."
    if seen := [(expected.memory, step) for step, expected in known if expected.memory]:
        memory, step = max(seen, key=lambda pair: pair[0])
        yield f"Largest memory of a job: {memory:,.0f} MB ({step})."
    if unknown:
        yield (
            f"Not known, and not counted: {some(unknown)}. No job of these steps has run here yet."
        )
    yield "itself: what the job took when it last ran, with the settings and data of then;"
    yield "others: the median of the step's other jobs that ran here, and their largest memory."
    yield "– is of jobs that ended within a second, too soon to be measured."


def plan_words(workflow: Any, studies: dict[str, Study], parsed: float) -> Iterable[str]:
    """The lines of the plan of a Snakemake Workflow whose DAG has been built.

    `parsed` is when the Snakefile had been read (seconds since the epoch). On a cluster each job
    begins as this process did, by importing Snakemake and reading the Snakefile: so that is what
    starting it is expected to add.
    """
    dag = workflow.dag
    order = {rule.name: number for number, rule in enumerate(workflow.rules)}
    jobs = []
    for level in dag.toposorted():
        running = filter(dag.needrun, level)
        jobs += sorted(running, key=lambda job: (order[job.rule.name], *map(str, job.output)))
    before = recorded_studies("results/provenance.json", studies)
    found = planned(jobs, dag, Reasons(dag, workflow.persistence, studies, before).of)
    if not found:
        return ["Nothing to do: everything that was asked for is there and up to date."]
    if workflow.local_exec:
        return as_text(found, workflow.cores, startup=0.0)
    startup = parsed - psutil.Process(os.getpid()).create_time()
    return as_text(found, workflow.nodes, startup, threads=False)
