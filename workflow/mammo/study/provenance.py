"""What results were made from, and whether they still are what was made: files by their hash, code, packages and dataset."""

import csv
import os
import platform
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mammo.hashing import sha256
from mammo.stamps import table_shown
from mammo.study.closure import WORKFLOW, closure
from mammo.tables import read_table

# Beside what a study leaves: words, timings, trainings that were cut off, what a download or a prediction brought, and what is kept or made after it.
NOT_RECORDED = {"logs", "benchmarks", "checkpoints", "preflight", "downloads", "predictions", "phantom", "dataset.json", "provenance.json",
                "workflow_report.html", "README.md", "inventory/headers.csv"}  # fmt: skip

ASKED_FOR = {
    "audit",
    "check_node",
    "download_idc",
    "download_kaggle",
    "predict",
    "preflight",
    "verify",
}  # steps that no result comes from


def result_files(results, parts):
    """The files of a study under `results`, as sorted paths relative to it with forward slashes.

    parts: {folder: names in it that are of this study}, where others lie that an earlier configuration left.
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
        found += [path for name in files if (path := (here / name).as_posix()) not in NOT_RECORDED]
    return sorted(found)


def made_with():
    """Python, platform, packages and the commit, as a dict. The packages are those that pyproject.toml asks for."""
    root = WORKFLOW.parent
    wanted = tomllib.loads((root / "pyproject.toml").read_text())["project"]["dependencies"]
    packages = {}
    for line in wanted:
        name = line.split(">")[0].split("=")[0].strip()
        try:
            packages[name] = version(name)
        except PackageNotFoundError:  # the other of the two TensorFlows
            continue
    return {
        "commit": _git(root, "rev-parse", "HEAD"),
        "changed_since_commit": (
            _git(root, "status", "--porcelain", "--untracked-files=no") or ""
        ).splitlines(),
        "lock": sha256(root / "requirements.lock"),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": packages,
    }


def code_of_steps():
    """{step: hash of its script and of every module that it imports}."""
    steps = {path.stem for path in (WORKFLOW / "scripts").glob("*.py")} - ASKED_FOR
    return {step: closure(step) for step in sorted(steps)}


def _git(root, *command):
    try:
        done = subprocess.run(
            ["git", "-C", root, *command], capture_output=True, text=True, check=True, timeout=60
        )
    except (
        OSError,
        subprocess.SubprocessError,
    ):  # no git, or no checkout: the hashes of the code tell all the same
        return None
    return done.stdout.rstrip()


def differences(record, results, dataset, parts):
    """What no longer matches a provenance record, as (severity, what, detail) triples; severity is `wrong` or `note`.

    record: provenance.json as a dict. results: the folder. dataset: the dataset's folder. parts: as for `result_files`.
    """
    yield from _changed_files(record["files"], Path(results), parts)
    yield from _changed_dataset(record["dataset"], Path(results), dataset)
    yield from _other_stamps(record, Path(results))
    for step, code in code_of_steps().items():
        if record["code"].get(step) != code:
            yield (
                "note",
                "code",
                f"{step} is not what it was; the study's command makes again what depends on it",
            )
    now = made_with()
    for name, had in record["made_with"]["packages"].items():
        if (has := now["packages"].get(name)) != had:
            yield "note", "package", f"{name} {had}, and now {has or 'none'}"


def _changed_files(recorded, results, parts):
    for path, known in recorded.items():
        if not (results / path).is_file():
            yield "wrong", "missing", path
        elif sha256(results / path) != known["sha256"]:
            yield "wrong", "changed", path
    for path in result_files(results, parts):
        if path not in recorded:
            yield "note", "not recorded", path


def _changed_dataset(record, results, folder):
    """Names and sizes of the files that the inventory read, and the tables' contents, which is what the fingerprint is made of."""
    if not Path(folder).is_dir():
        yield "wrong", "dataset", f"{folder} is not there"
        return
    files = read_table(results / "inventory/files.csv", "files")
    for file, size in zip(files["file"], files["bytes"], strict=True):
        path = Path(folder, file)
        if not path.is_file():
            yield "wrong", "dataset", f"{file} is missing"
        elif (now := path.stat().st_size) != size:
            yield "wrong", "dataset", f"{file} had {size} bytes, and now {now}"
    for table, known in record["tables"].items():
        path = Path(folder, table)
        if not path.is_file():
            yield "wrong", "dataset", f"{table} is missing"
        elif sha256(path) != known:
            yield "wrong", "dataset", f"{table} is changed"


def _other_stamps(record, results):
    """Figures that were drawn from another table than the one beside them, and tables of another dataset."""
    for path in record["files"]:
        if not (results / path).is_file():
            continue
        if (stamp := table_shown(results / path)) is not None:
            name, known = stamp
            table = (results / path).with_name(name)
            if not table.is_file() or sha256(table) != known:
                yield "wrong", "stamp", f"{path} does not show {name} as it is"
        elif path.endswith(".csv"):
            found = _datasets(results / path) - {"", record["dataset"]["fingerprint"]}
            if found:
                yield "wrong", "stamp", f"{path} is of dataset {', '.join(sorted(found))}"


def _datasets(path):
    """The fingerprints in a table's `dataset` column."""
    with open(path, newline="", encoding="utf-8") as file:
        return {row.get("dataset") or "" for row in csv.DictReader(file)}
