"""Where the parts of CBIS-DDSM lie below a dataset's folder, however it was unzipped.

Used while the Snakefile is parsed, so it imports nothing slow and keeps out of the thousands of folders with images.
"""

import os
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


def find(folder, names):
    """{name: [paths]} of the files and folders called so in `folder`, up to two folders down, and in any csv/ there."""
    found = {name: {} for name in names}
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
                found[entry.name].setdefault(
                    (where.st_dev, where.st_ino), Path(entry.path)
                )  # a link is no second copy
        folders = [entry for entry in entries if entry.name not in found and entry.is_dir()]
        deeper = depth < DEPTH and len(folders) <= MOST_FOLDERS
        todo += [
            (Path(entry.path), depth + 1) for entry in folders if deeper or entry.name == "csv"
        ]
    return {name: list(paths.values()) for name, paths in found.items()}


def _entries(path):
    """(what is in a folder, sorted, less what is hidden or leads nowhere; what the folder is on disk)."""
    try:
        where = os.stat(path)
        with os.scandir(path) as entries:
            seen = [entry for entry in entries if not entry.name.startswith((".", "__MACOSX"))]
        seen = [entry for entry in seen if not entry.is_symlink() or os.path.exists(entry.path)]
        return sorted(seen, key=lambda entry: entry.name), (where.st_dev, where.st_ino)
    except OSError:  # not to be listed: what is missing will be named
        return [], None


def the_one(folder, name, paths):
    """The path that `find` found, or None; raises InputError where it found more."""
    if len(paths) > 1:
        raise InputError(
            f"{folder} holds more than one {name}: {some(paths)}. Keep the right one, or give the folder of one copy as dataset.path."
        )
    return paths[0] if paths else None
