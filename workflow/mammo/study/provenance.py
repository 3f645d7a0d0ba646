"""What results were made from, and whether they still are what was made.

Files are known by their hash, beside the code, the packages and the dataset.
"""

import csv
import os
import platform
import re
import subprocess
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from mammo.hashing import sha256
from mammo.paths import WORKFLOW
from mammo.stamps import table_shown
from mammo.study.closure import closure
from mammo.study.packages import installed
from mammo.tables import read_table

ROOT = WORKFLOW.parent
# Beside what a study leaves: words, timings, trainings that were cut off, what a download or a
# prediction brought, and what is kept or made after it.
NOT_RECORDED = {
    "logs",
    "benchmarks",
    "checkpoints",
    "preflight",
    "downloads",
    "predictions",
    "phantom",
    "dataset.json",
    "provenance.json",
    "workflow_report.html",
    "README.md",
    "inventory/headers.csv",
}
# Steps that no result comes from.
ASKED_FOR = {
    "audit",
    "check_node",
    "download_idc",
    "download_kaggle",
    "predict",
    "preflight",
    "verify",
}
Parts = Mapping[str, Collection[str]]


class Difference(NamedTuple):
    """Something that is no longer as it was recorded. `what` is a key of verification.WAY_OUT."""

    severity: Literal["wrong", "note"]
    what: str
    detail: str


def result_files(results: Path, parts: Parts) -> list[str]:
    """The files of a study under `results`, as sorted paths relative to it, with slashes.

    `parts` is {folder: names in it that are of this study}, where others lie that an earlier
    configuration left.
    """
    found = []
    for folder, folders, files in os.walk(results):
        here = Path(folder).relative_to(results)
        kept = parts.get(here.as_posix())
        folders[:] = [
            name
            for name in folders
            if (here / name).as_posix() not in NOT_RECORDED and (kept is None or name in kept)
        ]
        found += [(here / name).as_posix() for name in files]
    return sorted(path for path in found if path not in NOT_RECORDED)


def hashes(results: Path, parts: Parts) -> dict[str, dict[str, Any]]:
    """{path: its bytes and SHA-256} of the files of a study."""
    return {
        path: {"bytes": (results / path).stat().st_size, "sha256": sha256(results / path)}
        for path in result_files(results, parts)
    }


def made_with() -> dict[str, Any]:
    """The commit, Python, the platform and the packages that pyproject.toml asks for."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    changed = _git("status", "--porcelain", "--untracked-files=no") or ""
    return {
        "commit": _git("rev-parse", "HEAD"),
        "changed_since_commit": changed.splitlines(),
        "lock": sha256(ROOT / "requirements.lock"),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": installed(re.split("[>=]", line)[0].strip() for line in wanted),
    }


def code_of_steps() -> dict[str, str]:
    """{step: hash of its script and of every module that it imports}."""
    steps = {path.stem for path in (WORKFLOW / "scripts").glob("*.py")} - ASKED_FOR
    return {step: closure(step) for step in sorted(steps)}


def _git(*command: str) -> str | None:
    """What git says of the project; None where there is no git, or no checkout."""
    try:
        done = subprocess.run(
            ["git", "-C", ROOT, *command], capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError):  # the hashes of the code are there all the same
        return None
    return done.stdout.rstrip()


def differences(
    record: dict[str, Any], results: str | Path, dataset: str | Path, parts: Parts
) -> Iterator[Difference]:
    """What no longer matches a provenance record.

    `record` is provenance.json, `results` the folder, `dataset` the dataset's folder, `parts` as
    for `result_files`.
    """
    results = Path(results)
    yield from _changed_files(record["files"], results, parts)
    yield from _changed_dataset(record["dataset"], results, dataset)
    yield from _other_stamps(record, results)
    for step, code in code_of_steps().items():
        if record["code"].get(step) != code:
            detail = f"{step} has changed; the study's command makes again what depends on it"
            yield Difference("note", "code", detail)
    now = made_with()["packages"]
    for name, had in record["made_with"]["packages"].items():
        if (has := now.get(name)) != had:
            yield Difference("note", "package", f"{name} {had}, and now {has or 'none'}")


def _changed_files(recorded: dict, results: Path, parts: Parts) -> Iterator[Difference]:
    for path, known in recorded.items():
        if not (results / path).is_file():
            yield Difference("wrong", "missing", path)
        elif sha256(results / path) != known["sha256"]:
            yield Difference("wrong", "changed", path)
    for path in result_files(results, parts):
        if path not in recorded:
            yield Difference("note", "not recorded", path)


def _changed_dataset(record: dict, results: Path, folder: str | Path) -> Iterator[Difference]:
    """By the sizes of the files that the inventory read, and the tables' contents.

    These are what the fingerprint is made of.
    """
    if not Path(folder).is_dir():
        yield Difference("wrong", "dataset", f"{folder} is not there")
        return
    files = read_table(results / "inventory/files.csv", "files")
    for file, size in zip(files["file"], files["bytes"], strict=True):
        path = Path(folder, file)
        if not path.is_file():
            yield Difference("wrong", "dataset", f"{file} is missing")
        elif (now := path.stat().st_size) != size:
            yield Difference("wrong", "dataset", f"{file} had {size} bytes, and now {now}")
    for table, known in record["tables"].items():
        path = Path(folder, table)
        if not path.is_file():
            yield Difference("wrong", "dataset", f"{table} is missing")
        elif sha256(path) != known:
            yield Difference("wrong", "dataset", f"{table} has changed")


def _other_stamps(record: dict, results: Path) -> Iterator[Difference]:
    """Figures drawn from another table than the one beside them, and tables of other datasets."""
    for path in record["files"]:
        if not (results / path).is_file():
            continue
        if (stamp := table_shown(results / path)) is not None:
            name, known = stamp
            table = (results / path).with_name(name)
            if not table.is_file() or sha256(table) != known:
                yield Difference("wrong", "stamp", f"{path} does not show {name} as it is")
        elif path.endswith(".csv"):
            found = _datasets(results / path) - {"", record["dataset"]["fingerprint"]}
            if found:
                others = ", ".join(sorted(found))
                yield Difference("wrong", "stamp", f"{path} is of dataset {others}")


def _datasets(path: Path) -> set[str]:
    """The fingerprints in a table's `dataset` column."""
    with open(path, newline="", encoding="utf-8") as file:
        return {row.get("dataset") or "" for row in csv.DictReader(file)}
