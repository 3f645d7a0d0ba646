"""What a machine has of what a study needs."""

import json
import os
import platform
import shutil
import socket
import sys
import tempfile
import uuid
from collections.abc import Iterable
from typing import Any

from mammo.model.devices import list_gpus, visible
from mammo.study.packages import installed

PACKAGES = ["snakemake", "tensorflow", "tensorflow-cpu", "keras", "numpy", "pandas"]


def found_here(path: str | None, tables: Iterable[str], given: str | None) -> dict[str, Any]:
    """What this machine has.

    `path` is the dataset's folder, None where it has none, `tables` the paths of its tables.
    `given` is the text of what the other machine wrote, whose token is handed back; None on the
    first machine.
    """
    token = uuid.uuid4().hex if given is None else json.loads(given)["token"]
    return {
        "machine": socket.gethostname(),
        "python": platform.python_version(),
        "interpreter": sys.executable,
        "packages": installed(PACKAGES),
        "cpus": _cpus(),
        "gpus": visible(list_gpus(), os.environ.get("CUDA_VISIBLE_DEVICES")),
        "free_gb": {folder: _free_gb(folder) for folder in ("results", tempfile.gettempdir())},
        "folder": path is None or os.path.isdir(path),
        "path": path,
        "missing_tables": [table for table in tables if not os.access(table, os.R_OK)],
        "token": token,
    }


def _cpus() -> int | None:
    """How many CPUs this process may use, where the system says."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _free_gb(folder: str) -> float:
    """Free space.

    With a storage provider there is no results/ here, and copies lie beside where it would be.
    """
    return round(shutil.disk_usage(folder if os.path.isdir(folder) else ".").free / 1e9, 1)
