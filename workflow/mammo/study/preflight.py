"""Compare what two machines have with what a study needs.

They are the one on which Snakemake is called, and one on which its jobs run.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

LEAST_GB = 5  # for results/: tensors, runs and figures of CBIS-DDSM at 224 pixels take 1 GB
LEAST_TEMPORARY_GB = 1
Machine = dict[str, Any]  # as mammo.study.node.found_here gives it
Status = Literal["fail", "warn", "pass"]


class Row(NamedTuple):
    """A check: what there is here and where jobs run, and the way out where it did not pass."""

    status: Status
    what: str
    here: str
    node: str
    way_out: str = ""


def checks(here: Machine, node: Machine, gpus: int, threads: int) -> Iterator[Row]:
    """The rows. `gpus` and `threads` are the most that a run asks for."""
    yield Row("pass", "machine", here["machine"], node["machine"])
    yield from _software(here, node)
    yield _shared_folder(here, node)

    enough = node["cpus"] >= threads
    way_out = f"training.threads is {threads}: runs would share CPUs; ask for fewer"
    yield _row(enough, "warn", "CPUs", (here["cpus"], node["cpus"]), way_out)

    counts = len(here["gpus"]), len(node["gpus"])
    enough = counts[1] >= gpus
    way_out = (
        f"training.gpus is {gpus}: runs would train on the CPU; does the profile ask for GPUs, and"
        " does nvidia-smi find them there?"
    )
    yield _row(enough, "warn", "GPUs", counts, way_out)

    yield from _disks(here, node)
    if here["path"] is not None:
        yield from _dataset(here, node)


def _row(good: bool, otherwise: Status, what: str, values: Iterable[Any], way_out: str) -> Row:
    """`values` are that here and that where jobs run, `otherwise` the status if not good."""
    here, node = map(str, values)
    return Row("pass", what, here, node) if good else Row(otherwise, what, here, node, way_out)


def _software(here: Machine, node: Machine) -> Iterator[Row]:
    python, there = here["python"], node["python"]
    same = python.split(".")[:2] == there.split(".")[:2]
    way_out = (
        f"the job's is {node['interpreter']}: jobs need the environment that was installed here,"
        " on a shared disk, or with --sdm conda one of their own"
    )
    yield _row(same, "fail", "Python", (python, there), way_out)
    for name in sorted({*here["packages"], *node["packages"]}):
        versions = [machine["packages"].get(name, "none") for machine in (here, node)]
        severity: Status = "fail" if name == "snakemake" else "warn"
        way_out = "results depend on it: install the lock on both"
        yield _row(versions[0] == versions[1], severity, name, versions, way_out)


def _shared_folder(here: Machine, node: Machine) -> Row:
    """The job hands back the token that was written here, if it could read it."""
    same = here["token"] == node["token"]
    found = "read and answered" if same else "another file"
    way_out = (
        "the machines see different folders: put results/ (--directory) on a disk that both mount,"
        " or use a storage provider"
    )
    return _row(same, "fail", "results/ shared", ("written", found), way_out)


def _disks(here: Machine, node: Machine) -> Iterator[Row]:
    disks = zip(here["free_gb"].items(), node["free_gb"].items(), strict=True)
    for (folder, free), (folder_there, free_there) in disks:
        least = LEAST_GB if folder == "results" else LEAST_TEMPORARY_GB
        names = folder if folder == folder_there else f"{folder}, {folder_there}"
        way_out = f"less than {least} GB: make room, or let --directory or TMPDIR name another disk"
        amounts = f"{free} GB", f"{free_there} GB"
        enough = min(free, free_there) >= least
        yield _row(enough, "warn", f"free, {names}", amounts, way_out)


def _dataset(here: Machine, node: Machine) -> Iterator[Row]:
    states = ["there" if machine["folder"] else "not there" for machine in (here, node)]
    both = states == ["there", "there"]
    way_out = f"{here['path']} has to be mounted where jobs run, under the same path"
    yield _row(both, "fail", "dataset", states, way_out)
    if not both:
        return
    missing = [machine["missing_tables"] for machine in (here, node)]
    words = [f"{len(tables)} not readable" if tables else "readable" for tables in missing]
    way_out = f"{', '.join([*missing[0], *missing[1]][:3])}: cannot be read"
    yield _row(not any(missing), "fail", "its tables", words, way_out)


def as_text(rows: Iterable[Row]) -> Iterator[str]:
    """The lines of the table, what fails first, each way out below its row."""
    rows = sorted(rows, key=lambda row: ["fail", "warn", "pass"].index(row.status))
    cells = [("", "", "here", "where jobs run"), *(row[:4] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row, way_out in zip(cells, ["", *(row.way_out for row in rows)], strict=True):
        padded = (f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()
        if way_out:
            yield f"{' ' * widths[0]}  → {way_out}"
