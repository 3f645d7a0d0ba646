"""What a machine has of what a study needs, as JSON: the one that Snakemake is called on, and one that its jobs run on."""

import json
import os
import platform
import shutil
import socket
import sys
import tempfile
import uuid
from importlib.metadata import PackageNotFoundError, version

from mammo.model.devices import list_gpus, visible

PACKAGES = ["snakemake", "tensorflow", "tensorflow-cpu", "keras", "numpy", "pandas"]


def found_here(path, tables, given):
    """What this machine has. path: the dataset's folder, None where it has none; tables: its tables, paths.

    given: the text of what the other machine wrote, whose token is handed back; None on the first.
    """
    packages = {}
    for name in PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:  # of TensorFlow's two one is there
            continue
    return {
        "machine": socket.gethostname(),
        "python": platform.python_version(),
        "interpreter": sys.executable,
        "packages": packages,
        "cpus": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "gpus": visible(list_gpus(), os.environ.get("CUDA_VISIBLE_DEVICES")),
        "free_gb": {
            # With a storage provider there is no results/ here, and copies lie beside where it would be.
            where: round(shutil.disk_usage(where if os.path.isdir(where) else ".").free / 1e9, 1)
            for where in ("results", tempfile.gettempdir())
        },
        "folder": path is None or os.path.isdir(path),
        "path": path,
        "missing_tables": [table for table in tables if not os.access(table, os.R_OK)],
        "token": uuid.uuid4().hex if given is None else json.loads(given)["token"],
    }
