"""A copy of the workflow, ways to run it, and what a run left."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np

ROOT = Path(__file__).resolve().parents[2]


def copy_workflow(folder):
    """The project's files that a run needs, copied to `folder`, so that a test can edit them."""
    for name in (
        "Snakefile",
        "environment.yml",
        "pyproject.toml",
        "requirements.lock",
        "workflow",
        "config",
        "profiles",
    ):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / name)
    return folder


def snakemake(folder, *arguments):
    """Run Snakemake in `folder` as a person would; returns the finished process, its output in one text."""
    command = [sys.executable, "-m", "snakemake", *map(str, arguments)]
    done = subprocess.run(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    return done


def rules_to_run(done):
    """The names of the rules that a dry run would run."""
    assert done.returncode == 0, done.stdout
    if "Nothing to be done" in done.stdout:
        return set()
    stats = re.search(r"^job +count\n-+ +-+\n(.*?)^total", done.stdout, re.DOTALL | re.MULTILINE)
    return {line.split()[0] for line in stats[1].splitlines()} - {"all"}


SMALL = ["--config", "phantom={patients: 36}", "training={epochs: 2}"]


class edited:
    """A file with a comment added, put back as it was, its time too."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.text, self.times = self.path.read_text(), self.path.stat()
        self.path.write_text(self.text + "# edited\n")

    def __exit__(self, *error):
        self.path.write_text(self.text)
        os.utime(self.path, ns=(self.times.st_atime_ns, self.times.st_mtime_ns))


def model_weights(path):
    """The weights of a .keras file as arrays: the file itself carries a date."""
    import io
    import zipfile

    import h5py

    found = []
    with (
        zipfile.ZipFile(path) as archive,
        h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as weights,
    ):
        weights["layers"].visititems(
            lambda name, item: found.append(item[()]) if isinstance(item, h5py.Dataset) else None
        )
    assert sum(array.size for array in found) >= 822_337
    return found


def epochs_saved(folder):
    """How many epochs the run's checkpoint holds; 0 where there is none."""
    try:
        with np.load(folder / "results/checkpoints/baseline-fold0-seed1.npz") as file:
            return len(json.loads(str(file["said"]))["history"])
    except FileNotFoundError:
        return 0


def options(**given):
    none = dict.fromkeys(["dryrun", "touch", "unlock", "lint", "summary"], False)
    none |= {"profile": None, "workflow_profile": None}
    return SimpleNamespace(
        **none | {"executor": "local", "cluster_generic_cancel_cmd": None} | given
    )


HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def write_benchmark(path, seconds, memory):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"{HEADER}{seconds}\t0:00:00\t{memory}\t3832.66\t518.14\t696.07\t22.68\t0.03\t55.43\t15.20\n"
    )
    return path
