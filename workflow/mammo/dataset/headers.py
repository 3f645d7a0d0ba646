"""What the headers of image files say, read in parallel processes, and not again while a file stays as it was."""

import os
import stat
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pandas as pd
from PIL import Image, UnidentifiedImageError

from mammo.dataset.dicom import is_dicom, read_dicom_header
from mammo.log import InputError
from mammo.tables import read_table

# bytes and modified (nanoseconds since 1970) are the file's; spacing_mm, bits, series and described are a DICOM header's.
HEADER = {"bytes": 0, "modified": 0, "width": None, "height": None, "spacing_mm": None, "bits": None, "series": "",
          "described": "", "problem": ""}  # fmt: skip
SKIPPED = ("__MACOSX",)  # what a Mac adds to an archive, besides hidden files


def walk(folder):
    """Every file below `folder`, as its path relative to it, in sorted order; hidden ones and what a Mac adds are left out.

    Links to folders are followed, but a folder is entered once: so loops end. Raises InputError where one cannot be listed.
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
                seen = [
                    entry
                    for entry in entries
                    if not entry.name.startswith(".") and entry.name not in SKIPPED
                ]
        except OSError as error:
            raise InputError(
                f"{os.path.join(folder, name)!r} cannot be listed: {error.strerror}. Make it readable, or move it out of {folder}."
            ) from None
        todo += sorted(
            (f"{name}{entry.name}{'/' if is_folder(entry) else ''}" for entry in seen), reverse=True
        )


def is_folder(entry):
    """Whether an os.DirEntry is a folder or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def printable(name):
    """A file's name as text that any file can hold: bytes that are not UTF-8 are written as \\xNN."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def scan(folder, files, workers, known):
    """{file: header} of `files`, paths relative to `folder`, in their order; a header is a dict with the keys of HEADER.

    `known` is what an earlier scan returned: a file whose size and time of change are still the same is not opened again,
    unless it had a problem, which may have been mended from outside. Codes of problems: missing_file, empty_file,
    not_an_image, too_large (a decompression bomb), unreadable, bad_name (not UTF-8), and for DICOM those of
    read_dicom_header.
    """
    headers = {file: _status(os.path.join(folder, file)) for file in files}
    todo = []
    for file, header in headers.items():
        old = known.get(file)
        if (
            old
            and not old["problem"]
            and (old["bytes"], old["modified"]) == (header["bytes"], header["modified"])
        ):
            headers[file] = old
        elif not header["problem"]:
            todo.append(file)
    paths = [os.path.join(folder, file) for file in todo]
    if workers == 1 or len(paths) < 500:  # not worth a process
        read = map(read_header, paths)
        headers |= zip(todo, read, strict=True)
    else:
        with ProcessPoolExecutor(workers) as pool:
            headers |= zip(todo, pool.map(read_header, paths, chunksize=250), strict=True)
    for file, header in headers.items():
        if printable(file) != file and not header["problem"]:
            headers[file] = header | {"problem": "bad_name"}
    return headers


def as_table(headers):
    """What `scan` returned as a DataFrame: file, and the keys of HEADER. By columns: a million rows as dicts would not fit."""
    columns = {key: [header[key] for header in headers.values()] for key in HEADER}
    return pd.DataFrame({"file": list(headers), **columns})


def read_known(path, code):
    """What an earlier scan by the same `code` wrote to the table at `path`, as `scan` wants it; {} where there is none."""
    if not Path(path).is_file():
        return {}
    try:
        table = read_table(path, "headers")
    except ValueError as error:
        print(
            f"Every file is read anew, because the notes of the last time cannot be used: {error}"
        )
        return {}
    table = table[table["code"] == code].astype(object)
    table = table.where(table.notna(), None).assign(modified=table["modified"].map(int))
    return {
        file: dict(zip(HEADER, row, strict=True))
        for file, *row in table[["file", *HEADER]].itertuples(index=False)
    }


def read_header(path):
    """The header of one image file, without decoding it."""
    header = _status(path)
    if header["problem"]:
        return header
    try:
        if is_dicom(path):
            return header | read_dicom_header(path)
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", Image.DecompressionBombWarning
            )  # a mammogram may be that large
            with Image.open(path) as image:
                return header | {"width": image.width, "height": image.height}
    except UnidentifiedImageError:
        return header | {"problem": "not_an_image"}
    except Image.DecompressionBombError:
        return header | {"problem": "too_large"}
    except (
        Exception
    ):  # readers raise anything on a broken header, and one file must not end the inventory
        return header | {"problem": "unreadable"}


def _status(path):
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
