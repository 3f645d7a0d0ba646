"""Where a step's words go: one log file per job, and errors that a person can act on."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class InputError(ValueError):
    """Something given to the workflow is wrong.

    The message names the file, the row or key, the value and the way out.
    """


@contextmanager
def step(snakemake: Any) -> Iterator[None]:
    """Run the body of a script as a step, with Snakemake's object of it.

    What it prints goes to its log. After it, each output is there and not empty, and the params
    that they were made with are written beside the log, for `snakemake plan`.
    """
    log = snakemake.log[0]
    _record(log).unlink(missing_ok=True)
    with log_to(log):
        yield
        for output in snakemake.output:
            if not os.path.exists(output) or not os.path.getsize(output):
                raise RuntimeError(f"{output} is missing or empty: the step failed to write it")
    params = json.dumps(dict(snakemake.params.items()), default=str, ensure_ascii=False)
    _record(log).write_text(params + "\n", encoding="utf-8")


def params_record(log: str | Path) -> dict[str, Any] | None:
    """The params that `step` wrote beside a job's log; None where there are none to be read."""
    try:
        found = json.loads(_record(log).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _record(log: str | Path) -> Path:
    return Path(log).with_suffix(".params.json")


@contextmanager
def log_to(path: str | Path) -> Iterator[None]:
    """Send stdout and stderr, those of C libraries too, to a file, line by line, while it runs.

    An InputError is printed without its traceback: its message is for the person who gave the
    input.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    try:
        yield
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None


def some(items: Iterable[Any], most: int = 10) -> str:
    """The first items joined by commas, and how many more there are."""
    items = [str(item) for item in items]
    rest = len(items) - most
    return ", ".join(items[:most]) + (f" and {rest} more" if rest > 0 else "")


def short(value: object, most: int = 60) -> str:
    """A value between quotes as a message shows it; of a long one the beginning and its length."""
    text = str(value)
    return repr(text) if len(text) <= most else f"{text[:most]!r}… ({len(text)} characters)"
