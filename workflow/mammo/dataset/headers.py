"""The headers of image files, read in parallel, and not again while a file is unchanged."""

import os
import stat
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image, UnidentifiedImageError

from mammo.dataset.dicom import is_dicom, read_dicom_header
from mammo.log import InputError
from mammo.tables import read_table

# The first two are the file's, `modified` in nanoseconds since 1970; spacing_mm, bits, series and
# described are a DICOM header's.
HEADER: dict[str, Any] = {
    "bytes": 0,
    "modified": 0,
    "width": None,
    "height": None,
    "spacing_mm": None,
    "bits": None,
    "series": "",
    "described": "",
    "problem": "",
}
SKIPPED = ("__MACOSX",)  # what a Mac adds to an archive, besides hidden files
FEW = 500  # files that are read without starting processes


def walk(folder: str | PathLike) -> Iterator[str]:
    """Every file below `folder`, as its path relative to it, in sorted order.

    Hidden files and what a Mac adds are skipped. Links to folders are followed, but a folder is
    entered once, so loops end. Raises InputError where a folder cannot be listed.
    """
    todo, entered = [""], set()
    while todo:
        name = todo.pop()
        if name and not name.endswith("/"):
            yield name
            continue
        try:
            where = os.stat(os.path.join(folder, name))
            if (where.st_dev, where.st_ino) in entered:
                continue
            entered.add((where.st_dev, where.st_ino))
            with os.scandir(os.path.join(folder, name)) as entries:
                seen = [entry for entry in entries if not _skipped(entry.name)]
        except OSError as error:
            raise InputError(
                f"{os.path.join(folder, name)!r} cannot be listed: {error.strerror}. Make it"
                f" readable, or move it out of {folder}."
            ) from None
        paths = [f"{name}{entry.name}{'/' if is_folder(entry) else ''}" for entry in seen]
        todo += sorted(paths, reverse=True)


def _skipped(name: str) -> bool:
    return name.startswith(".") or name in SKIPPED


def is_folder(entry: os.DirEntry) -> bool:
    """Whether a directory's entry is a folder or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def printable(name: str) -> str:
    """A file's name as text that any file can hold: bytes that are not UTF-8 become \\xNN."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def scan(
    folder: str | PathLike, files: list[str], workers: int, known: dict[str, dict]
) -> dict[str, dict]:
    """{file: header} of `files`, paths relative to `folder`, in their order.

    A header is a dict with the keys of HEADER. `known` is what an earlier scan returned: a file
    whose size and time of change are the same is not opened again, unless it had a problem, which
    may have been mended from outside.

    Codes of problems: missing_file, empty_file, not_an_image, too_large (a decompression bomb),
    unreadable, bad_name (not UTF-8), and for DICOM those of read_dicom_header.
    """
    headers = {file: _status(os.path.join(folder, file)) for file in files}
    todo = []
    for file, header in headers.items():
        if _unchanged(known.get(file), header):
            headers[file] = known[file]
        elif not header["problem"]:
            todo.append(file)
    paths = [os.path.join(folder, file) for file in todo]
    if workers == 1 or len(paths) < FEW:
        headers |= zip(todo, map(read_header, paths), strict=True)
    else:
        with ProcessPoolExecutor(workers) as pool:
            headers |= zip(todo, pool.map(read_header, paths, chunksize=250), strict=True)
    for file, header in headers.items():
        if printable(file) != file and not header["problem"]:
            headers[file] = header | {"problem": "bad_name"}
    return headers


def _unchanged(old: dict | None, new: dict) -> bool:
    """Whether an earlier header without a problem is of the same file by size and time."""
    if old is None or old["problem"]:
        return False
    return (old["bytes"], old["modified"]) == (new["bytes"], new["modified"])


def as_table(headers: dict[str, dict]) -> pd.DataFrame:
    """What `scan` returned as a DataFrame: file, and the keys of HEADER.

    By columns: a million rows as dicts would not fit into memory.
    """
    columns = {key: [header[key] for header in headers.values()] for key in HEADER}
    return pd.DataFrame({"file": list(headers), **columns})


def read_known(path: str | Path, code: str) -> dict[str, dict]:
    """What an earlier scan by the same `code` wrote to the table at `path`, as `scan` wants it.

    Empty where there is none.
    """
    if not Path(path).is_file():
        return {}
    try:
        table = read_table(path, "headers")
    except ValueError as error:
        print(f"Every file is read anew: the headers of the last run cannot be used: {error}")
        return {}
    table = table[table["code"] == code].astype(object)
    table = table.where(table.notna(), None).assign(modified=table["modified"].map(int))
    rows = table[["file", *HEADER]].itertuples(index=False)
    return {file: dict(zip(HEADER, values, strict=True)) for file, *values in rows}


def read_header(path: str | PathLike) -> dict[str, Any]:
    """The header of one image file, without decoding it."""
    header = _status(path)
    if header["problem"]:
        return header
    try:
        if is_dicom(path):
            return header | read_dicom_header(path)
        with warnings.catch_warnings():
            # A mammogram may be so large that Pillow warns of it.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return header | {"width": image.width, "height": image.height}
    except UnidentifiedImageError:
        return header | {"problem": "not_an_image"}
    except Image.DecompressionBombError:
        return header | {"problem": "too_large"}
    except Exception:
        # Readers raise anything on a broken header, and one file must not end the inventory.
        return header | {"problem": "unreadable"}


def _status(path: str | PathLike) -> dict[str, Any]:
    """The part of a header that is known without opening the file."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return HEADER | {"problem": "missing_file"}
    except (OSError, ValueError):  # a link that leads to itself, a name that is too long, …
        return HEADER | {"problem": "unreadable"}
    header = HEADER | {"bytes": status.st_size, "modified": status.st_mtime_ns}
    if not stat.S_ISREG(status.st_mode):  # a folder; a pipe, which would be waited for
        return header | {"problem": "unreadable"}
    return header if status.st_size else header | {"problem": "empty_file"}
