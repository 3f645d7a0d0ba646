"""Files that a table names in another way than they are called."""

import posixpath
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from mammo.dataset.headers import printable, walk
from mammo.log import InputError, short, some

# An ending that may be exchanged for another: what follows the last dot of a name may be a number.
ENDINGS = {"png", "jpg", "jpeg", "tif", "tiff", "dcm", "dicom", "bmp", "gif", "webp", "pgm", "jp2"}
MOST_NAMED = 3  # candidates for one name
ANY_PLACE = re.compile(r"^(?:[a-z]:)?/|^[a-z]:", re.IGNORECASE)  # begins an absolute path


class FileNames:
    """The files of a folder, to be found by names that are nearly theirs."""

    def __init__(self, folder: Path) -> None:
        self.above = [_folded(part) for part in folder.resolve().parts[1:]]
        self.by_path: dict[str, list[str]] = {}
        self.by_stem: dict[str, list[str]] = {}
        self.by_last: dict[str, list[str]] = {}
        for file in walk(folder):
            if printable(file) == file:
                path = _folded(file)
                self.by_path.setdefault(path, []).append(file)
                self.by_stem.setdefault(posixpath.splitext(path)[0], []).append(file)
                self.by_last.setdefault(posixpath.basename(path), []).append(file)

    def meant(self, name: str) -> list[str]:
        """The files that a name could mean.

        It may have backslashes, other capitals, no ending or another one, or begin with the folder
        itself: with some of the names that lead to it, or as an absolute path.
        """
        path = name.replace("\\", "/")
        parts = _parts(path)
        up = next((place for place, part in enumerate(parts) if part != ".."), len(parts))
        for begin in range(up, len(parts)):
            in_front = parts[up:begin]
            leads_here = not in_front or self.above[-len(in_front) :] == in_front
            if (leads_here or ANY_PLACE.match(path)) and (found := self._like(parts[begin:])):
                return found
        return []

    def _like(self, parts: list[str]) -> list[str]:
        path = "/".join(parts)
        if found := self.by_path.get(path, []) or self.by_stem.get(path, []):
            return found
        stem, ending = posixpath.splitext(path)
        return self.by_stem.get(stem, []) if ending[1:] in ENDINGS else []

    def below(self, name: str) -> list[str]:
        """The files whose paths end in a name: the folder that they are in is missing before it."""
        parts = _parts(name.replace("\\", "/"))
        tail = "/" + "/".join(parts)
        return [file for file in self.by_last.get(parts[-1], []) if _folded(file).endswith(tail)]


def _parts(path: str) -> list[str]:
    drive = re.match("[a-zA-Z]:", path)
    path = posixpath.normpath(path[2:] if drive else path)
    return [_folded(part) for part in path.split("/") if part not in ("", ".")] or [""]


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def refuse_misspelt(
    folder: Path, column: str, names: pd.Series, rows: pd.Series, nothing_found: bool
) -> None:
    """Raise InputError for the names of absent files that mean a file which is there.

    `column` says where the names stand, `rows` in which row each. Where `nothing_found` is true,
    not one file of the column is there: then they may lack the folder in front of them.
    """
    if names.empty:
        return
    there = FileNames(folder)
    found = list(_described(there, names, rows, nothing_found))
    if found:
        raise InputError(
            f"{column}: {len(found)} file(s) are called otherwise: {some(found)}. Write each path"
            f" as it is below {folder}, with / between folders."
        )


def _described(
    there: FileNames, names: pd.Series, rows: pd.Series, nothing_found: bool
) -> Iterator[str]:
    for name, row in zip(names, rows, strict=True):
        candidates = there.meant(name) or (there.below(name) if nothing_found else [])
        if candidates:
            yield f"{row}: {short(name)} would be {' or '.join(candidates[:MOST_NAMED])}"
