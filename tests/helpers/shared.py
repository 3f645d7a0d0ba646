"""What is made once in a run of the tests, though several processes of pytest-xdist ask for it."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that `make` has filled: by the first test process that asks, while others wait.

    No test may leave it changed, since a test of another process may be reading it. One that edits
    files takes a copy.
    """
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # each process has a folder of its own in that of the run
    folder, said = base / name, base / f"{name}.made"
    with open(base / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            said.write_text("no")  # that a second process does not try again what failed
            make(folder)
            said.write_text("yes")
    assert said.read_text() == "yes", f"{name} could not be made; another test has the reason"
    return folder
