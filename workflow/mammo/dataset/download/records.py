"""What both downloads share: room on the disk, why a connection failed, what to type next.

Imported while the Snakefile is parsed, so it imports nothing slow.
"""

import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mammo.log import InputError

# Bytes of the case tables as published: those on Kaggle are the same as those of TCIA.
CASE_TABLES = {
    "calc_case_description_test_set.csv": 190388,
    "calc_case_description_train_set.csv": 925310,
    "mass_case_description_test_set.csv": 217038,
    "mass_case_description_train_set.csv": 772727,
}
INSTALL = (
    "`make extra` installs it into .venv; elsewhere: pip install --require-hashes -r"
    " requirements-extra.lock"
)


def ask_for_room(folder: Path, needed: float) -> None:
    """Make `folder`; raise InputError if the disk under it has fewer than `needed` bytes free."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder}: {error.strerror}. Name another folder by download.path."
        ) from None
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise InputError(
            f"{folder}: {needed / 1e9:.1f} GB are needed there and {free / 1e9:.1f} GB are free;"
            " nothing was fetched. Make room, or name a folder on a larger disk: --config"
            " 'download={path: DIR}'."
        )


def cause(error: BaseException) -> str:
    """Why a connection failed, in the system's few words.

    The messages of the libraries in between are not used: they hold signed addresses, and proxies
    with their password.
    """
    chain = [error]
    while (earlier := _behind(chain[-1])) is not None and earlier not in chain:
        chain.append(earlier)
    words = [
        error.strerror
        for error in chain
        if isinstance(error, OSError) and isinstance(error.strerror, str)
    ]
    return words[-1] if words else type(chain[-1]).__name__


def _behind(error: BaseException) -> BaseException | None:
    """What an exception was raised for.

    urllib3 keeps it as `reason`; else it comes as an argument, or in the usual chain.
    """
    kept = [getattr(error, "reason", None), *error.args, error.__cause__, error.__context__]
    return next((item for item in kept if isinstance(item, BaseException)), None)


def study_command(configfile: str, folder: str) -> str:
    """What to type to run the study on a dataset in `folder`, whatever characters that name has."""
    path = folder if re.fullmatch(r"[\w/.-]+", folder) else json.dumps(folder)
    given = shlex.quote(f"dataset={{path: {path}}}")
    return f"snakemake --cores 4 --configfile {configfile} --config {given}"


def closing_words(record: str | Path) -> Iterator[str]:
    """What a person wants to know after a download.

    `record` is the JSON file that it left; nothing without one.
    """
    if not Path(record).exists():
        return
    found = json.loads(Path(record).read_text(encoding="utf-8"))
    counts = (
        f"{found['files']:,} files in {found['folders']:,} folders, {found['bytes'] / 1e9:.1f} GB"
    )
    yield f"Downloaded and verified: {counts}, in {found['path']}"
    yield from found["notes"]
    yield f"Next: {study_command(found['configfile'], found['path'])}"


def write_record(record: str | Path, **found: Any) -> None:
    """Write what was verified to the JSON file `record`, for closing_words."""
    Path(record).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def absolute(path: str) -> Path:
    """A folder that a configuration names, absolute.

    A relative one starts in the working directory.
    """
    return Path(os.path.abspath(os.path.expanduser(path)))
