"""Where a step's words go: one log file per job, and errors that a person can act on."""

import os
import sys
from contextlib import contextmanager
from pathlib import Path


class InputError(ValueError):
    """Something given to the workflow is wrong. The message names the file, the row or key, the value and the way out."""


@contextmanager
def log_to(path):
    """Send stdout and stderr, those of C libraries too, to the file at `path`, line by line, while it runs.

    An InputError is printed without its traceback: its message is meant for the person who gave the input.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    sys.stdout.reconfigure(line_buffering=True)
    try:
        yield
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None


def some(items, most=10):
    """The first items joined by commas, and how many more there are: for messages about many rows or files."""
    items = [str(item) for item in items]
    rest = len(items) - most
    return ", ".join(items[:most]) + (f" and {rest} more" if rest > 0 else "")


def short(value: object, most: int = 60) -> str:
    """A value between quotes as a message shows it; of a long one the beginning and its length."""
    text = str(value)
    return repr(text) if len(text) <= most else f"{text[:most]!r}… ({len(text)} characters)"
