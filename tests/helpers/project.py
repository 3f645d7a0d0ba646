"""A copy of the workflow, ways to run it, and what a run left."""

import atexit
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
HANGS = 3600  # seconds after which a process hangs, rather than being slow on a busy machine


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


def copy_study(study, folder):
    """A copy of a folder in which the workflow was run, by which Snakemake finds nothing to do."""
    return Path(shutil.copytree(study, folder, symlinks=True))


def snakemake(folder, *arguments):
    """Run Snakemake in `folder` as a person would; returns the finished process, its output in one
    text."""
    return subprocess.run(
        [sys.executable, "-m", "snakemake", *map(str, arguments)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=HANGS,
    )


def dry_run(folder, *arguments):
    """The same as `snakemake(folder, "-n", ...)`, without the second that importing it takes."""
    if not WARM:
        WARM.append(warm_snakemake())
    server = WARM[0]
    with tempfile.TemporaryDirectory() as scratch:
        said = Path(scratch, "said")
        asked = {
            "folder": str(folder),
            "arguments": ["-n", *map(str, arguments)],
            "said": str(said),
        }
        server.stdin.write(json.dumps(asked | {"environment": dict(os.environ)}) + "\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        return subprocess.CompletedProcess(asked["arguments"], code, said.read_text())


WARM = []  # the process that answers dry_run, once there is one


def warm_snakemake():
    """A process that has Snakemake imported, and forks for each call that it reads."""
    server = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("warm.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(server.communicate)  # the end of its input ends it
    return server


def rules_to_run(done):
    """The names of the rules that a dry run would run."""
    assert done.returncode == 0, done.stdout
    if "Nothing to be done" in done.stdout:
        return set()
    stats = re.search(r"^job +count\n-+ +-+\n(.*?)^total", done.stdout, re.DOTALL | re.MULTILINE)
    return {line.split()[0] for line in stats[1].splitlines()} - {"all"}


SMALL = ["--config", "phantom={patients: 36}", "training={epochs: 2}"]


# Rules that run where there are several experiments, or a network that begins with published
# weights; the small study has one, and none.
OF_SEVERAL = {"compare_experiments", "measure_leakage", "fetch_weights"}


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
