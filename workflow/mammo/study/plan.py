"""`snakemake plan`: which steps would run and why, and the time and memory to expect from what earlier jobs took."""

import heapq
import os
from collections import Counter
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil

from mammo.log import some
from mammo.study.reasons import KINDS, Reasons, recorded_studies
from mammo.study.timings import Measured, benchmarks_of, largest
from mammo.words import duration

MOST = 3  # details of a cause that are told
SOURCES = ["itself", "others", "unknown"]  # where an expectation comes from


class Planned(NamedTuple):
    """A job that would run.

    causes: why, a list of Cause. threads: how many it asks for. expected: a Measured, None where nothing is known. source: itself,
    others, unknown. before: the numbers, in the list of all, of the jobs that it waits for.
    """

    step: str
    causes: list
    threads: int
    expected: Measured | None
    source: str
    before: list


def expectation(benchmark, known):
    """(Measured or None, source) of a job with a benchmark path; known: {path: Measured} of its step's jobs."""
    if Path(benchmark) in known:
        return known[Path(benchmark)], "itself"
    if known:
        return Measured(
            median(job.seconds for job in known.values()), largest(known.values())
        ), "others"
    return None, "unknown"


def planned(jobs, dag, causes):
    """The list of Planned of Snakemake's jobs. causes: from a job to its causes."""
    jobs = [job for job in jobs if not job.rule.norun]
    numbers = {job: number for number, job in enumerate(jobs)}
    folders, found = {}, []
    for job in jobs:
        expected, source = None, "unknown"
        if job.benchmark:  # those that only print have none
            folder = Path(job.benchmark).parent
            known = (
                folders[folder]
                if folder in folders
                else folders.setdefault(folder, benchmarks_of(folder))
            )
            expected, source = expectation(job.benchmark, known)
        before = [numbers[other] for other in dag.dependencies[job] if other in numbers]
        found.append(Planned(job.rule.name, causes(job), job.threads, expected, source, before))
    return found


def wall_time(jobs, slots, startup, threads=True):
    """Seconds from the first job's start to the last one's end, if a job starts as soon as it can, the longest first.

    slots: how many threads, or with threads=False how many jobs, run at a time. startup: seconds that each job adds. A job of
    unknown length counts with its startup alone.
    """
    waiting_for = [len(job.before) for job in jobs]
    following = [[] for _ in jobs]
    for number, job in enumerate(jobs):
        for before in job.before:
            following[before].append(number)
    lengths = [startup + (job.expected.seconds if job.expected else 0) for job in jobs]
    sizes = [min(job.threads, slots) if threads else 1 for job in jobs]
    ready = {size: [] for size in sizes}  # by size, so that finding the next that fits is quick
    for number, left in enumerate(waiting_for):
        if left == 0:
            heapq.heappush(ready[sizes[number]], (-lengths[number], number))
    running, now, free = [], 0.0, slots
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


def why(causes_of_jobs):
    """Lines that tell why a step's jobs would run: each kind of cause once, with how many of the jobs have it."""
    lines = []
    for kind, words in KINDS.items():
        having = sum(any(cause.kind == kind for cause in causes) for causes in causes_of_jobs)
        if not having:
            continue
        details = {}
        for cause in (cause for causes in causes_of_jobs for cause in causes if cause.kind == kind):
            details.setdefault(cause.detail, set()).update(cause.experiments)
        told = [f"{detail}{_whose(experiments)}" for detail, experiments in details.items()]
        share = f" ({having} of {len(causes_of_jobs)})" if having < len(causes_of_jobs) else ""
        lines.append(f"{words}{some(told, MOST) if any(told) else ''}{share}")
    return lines


def _whose(experiments):
    """Nothing where the baseline has it too, which all others begin with."""
    return (
        ""
        if not experiments or "baseline" in experiments
        else f" in {some(sorted(experiments), MOST)}"
    )


def as_text(jobs, slots, startup, threads=True):
    """Yield the lines of a plan: a row per step in the order of the jobs, what they come to, and what the numbers mean."""
    steps = {}
    for job in jobs:
        steps.setdefault(job.step, []).append(job)
    rows = [("step", "jobs", "each", "in all", "memory", "expected from", "why")]
    details = [[]]
    for step, group in steps.items():
        known = [job.expected for job in group if job.expected]
        seconds = [expected.seconds for expected in known]
        shortest, longest = (
            (duration(limit) for limit in (min(seconds), max(seconds))) if known else ("?", "?")
        )
        memory = largest(known)
        sources = Counter(job.source for job in group)
        sources = [(source, sources[source]) for source in SOURCES if source in sources]
        lines = why([job.causes for job in group])
        rows.append(
            (
                step,
                f"{len(group):,}",
                shortest if shortest == longest else f"{shortest} to {longest}",
                duration(sum(seconds)) if known else "?",
                ("–" if known else "?") if memory is None else f"{memory:,.0f} MB",
                sources[0][0]
                if len(sources) == 1
                else ", ".join(f"{source} {n:,}" for source, n in sources),
                lines[0],
            )
        )
        details.append(lines[1:])
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    yield f"A plan: {len(jobs):,} job(s) of {len(steps)} step(s) would run. Nothing was started."
    yield ""
    for row, further in zip(rows, details, strict=True):
        left, *right, source, reason = row
        cells = [
            f"{left:{widths[0]}}",
            *(f"{cell:>{width}}" for cell, width in zip(right, widths[1:5], strict=True)),
        ]
        yield "  ".join([*cells, f"{source:{widths[5]}}", reason])
        yield from (" " * (sum(widths) + 12) + line for line in further)
    yield ""
    yield from _in_all(jobs, slots, startup, threads)


def _in_all(jobs, slots, startup, threads):
    known = [job for job in jobs if job.expected]
    work = sum(job.expected.seconds for job in known)
    unknown = sorted({job.step for job in jobs if not job.expected})
    if not known:
        yield "No job of these steps has run here yet: nothing is known of their time and memory."
        return
    at_least = "at least " if unknown else ""
    took = duration(wall_time(jobs, slots, startup, threads))
    where = f"on {slots} core(s)" if threads else f"with {slots:,} job(s) at a time"
    queue = (
        ""
        if threads
        else f", {startup:.1f} s to start each job included and waiting in the queue not"
    )
    yield f"Expected: {at_least}{duration(work)} of work; {where} {at_least}about {took}{queue}."
    top = max(
        (job for job in known if job.expected.memory),
        key=lambda job: job.expected.memory,
        default=None,
    )
    if top:
        yield f"Largest memory of a job: {top.expected.memory:,.0f} MB ({top.step})."
    if unknown:
        yield f"Not known, and not counted: {some(unknown)}. No job of these steps has run here yet."
    yield "itself: what the job took when it last ran, with the settings and data of then; others: the median of the step's other jobs"
    yield "that ran here, and their largest memory. – is of jobs that ended within a second, too soon to be seen."


def plan_words(workflow, studies, parsed):
    """The lines of the plan of a Snakemake Workflow whose DAG has been built.

    studies: {experiment: settings}. parsed: when the Snakefile had been read (seconds since the epoch). On a cluster each job begins
    as this process did, by importing Snakemake and reading the Snakefile: so that is what starting it is expected to add.
    """
    dag = workflow.dag
    order = {rule.name: number for number, rule in enumerate(workflow.rules)}
    jobs = [
        job
        for level in dag.toposorted()
        for job in sorted(level, key=lambda job: (order[job.rule.name], *map(str, job.output)))
        if dag.needrun(job)
    ]
    reasons = Reasons(
        dag, workflow.persistence, studies, recorded_studies("results/provenance.json", studies)
    )
    found = planned(jobs, dag, reasons.of)
    if not found:
        return ["Nothing to do: everything that was asked for is there and up to date."]
    if workflow.local_exec:
        return as_text(found, workflow.cores, startup=0.0)
    return as_text(
        found, workflow.nodes, parsed - psutil.Process(os.getpid()).create_time(), threads=False
    )
