"""Where the parts of CBIS-DDSM lie below a dataset's folder, however it was unzipped.

Used while the Snakefile is parsed, so it imports nothing slow and keeps out of the thousands of
folders with images.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from mammo.log import InputError, some

DEPTH = 2  # how many folders down the parts may lie
MOST_FOLDERS = 50  # a folder with more folders in it than these holds images
KINDS = {"mass": "mass", "calc": "calcification"}
PARTITIONS = {"train": "training", "test": "test"}
# {(kind, part): name}
CASE_TABLES = {
    (kind, part): f"{kind}_case_description_{part}_set.csv" for kind in KINDS for part in PARTITIONS
}
DICOM_INFO = "dicom_info.csv"  # Kaggle's: what the header of each file's DICOM original said
META = "meta.csv"  # Kaggle's: a row per series


def find(folder: str | Path, names: Iterable[str]) -> dict[str, list[Path]]:
    """The files and folders called so in `folder`, up to two folders down, and in any csv/ there.

    Each of `names` is a key of what is returned, also where nothing is called so.
    """
    found: dict[str, dict] = {name: {} for name in names}
    todo, entered = [(Path(folder), 0)], set()
    while todo:
        path, depth = todo.pop(0)
        entries, here = _entries(path)
        if here in entered:
            continue
        entered.add(here)
        for entry in entries:
            if entry.name in found:
                where = entry.stat()
                # By what it is on disk: a link is no second copy.
                found[entry.name].setdefault((where.st_dev, where.st_ino), Path(entry.path))
        folders = [entry for entry in entries if entry.name not in found and entry.is_dir()]
        deeper = depth < DEPTH and len(folders) <= MOST_FOLDERS
        for entry in folders:
            if deeper or entry.name == "csv":
                todo.append((Path(entry.path), depth + 1))
    return {name: list(paths.values()) for name, paths in found.items()}


def find_all(folder: str | Path, names: Iterable[str]) -> list[str]:
    """The paths of all that `find` finds, in the order of the names."""
    return [str(path) for paths in find(folder, names).values() for path in paths]


def _entries(path: Path) -> tuple[list[os.DirEntry], tuple[int, int] | None]:
    """What is in a folder, sorted, and what the folder is on disk.

    What is hidden or leads nowhere is left aside. A folder that cannot be listed is empty: a
    message will name what is missing in it.
    """
    try:
        where = os.stat(path)
        with os.scandir(path) as entries:
            seen = [entry for entry in entries if not entry.name.startswith((".", "__MACOSX"))]
        seen = [entry for entry in seen if not entry.is_symlink() or os.path.exists(entry.path)]
        return sorted(seen, key=lambda entry: entry.name), (where.st_dev, where.st_ino)
    except OSError:
        return [], None


def the_one(folder: str | Path, name: str, paths: list[Path]) -> Path | None:
    """The only path that `find` found, or None. Raises InputError where it found more."""
    if len(paths) > 1:
        raise InputError(
            f"{folder} holds more than one {name}: {some(paths)}. Keep the right one, or give the"
            " folder of one copy as dataset.path."
        )
    return paths[0] if paths else None
