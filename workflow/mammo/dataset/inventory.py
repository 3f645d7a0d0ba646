"""The inventory: what is in a dataset, what is excluded and why, and which dataset it is."""

import hashlib
import json
from collections import Counter
from os.path import relpath
from pathlib import Path

import pandas as pd

from mammo.dataset.editions import EDITIONS
from mammo.dataset.headers import as_table, printable, scan
from mammo.dataset.patients import first_spellings
from mammo.dataset.settings import Dataset
from mammo.log import InputError
from mammo.tables import left_in

EXCLUDED = ["image_id", "patient_id", "region", "reason", "detail"]


def take_inventory(
    dataset: Dataset, workers: int, known: dict[str, dict] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """(files, lesions, excluded, headers), the rows of the inventory's tables.

    `known` are the headers of an earlier scan, {file: header}; `headers` are those of this one.
    Raises InputError where nothing is usable.
    """
    folder = dataset.required("path")
    headers: dict[str, dict] = {}

    def look(files: list[str]) -> dict[str, dict]:
        found = scan(folder, files, workers, known or {})
        headers.update(found)
        return found

    found = EDITIONS[dataset.edition].read(dataset, look, workers)
    files, lesions, excluded = (pd.DataFrame(rows) for rows in found)
    excluded = excluded.reindex(columns=EXCLUDED)
    if not _any_usable(files, lesions, excluded):
        counts = Counter(excluded["reason"]).most_common()
        reasons = ", ".join(f"{reason} ({number})" for reason, number in counts)
        raise InputError(
            f"{folder}: not one of {len(lesions)} lesions has a usable image: {reasons}; the"
            f" first: {excluded.iloc[0]['detail']}. Check dataset.path, and the paths in the"
            " dataset's tables."
        )
    nameable = {file: header for file, header in headers.items() if printable(file) == file}
    return files, lesions, excluded, as_table(nameable)


def _any_usable(files: pd.DataFrame, lesions: pd.DataFrame, excluded: pd.DataFrame) -> bool:
    """Whether any lesion has a crop that is not excluded, or a whole image that is sound."""
    if not left_in(lesions, excluded).empty:
        return True
    if files.empty or "full_file" not in lesions:
        return False
    return bool(lesions["full_file"].isin(files.loc[files["problem"] == "", "file"]).any())


def in_one_spelling(
    lesions: pd.DataFrame, excluded: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """(lesions, excluded, spellings): each patient under the first spelling of the name.

    `spellings` has a row for each name that was replaced: patient_id, written, lesions (their
    number).
    """
    first = first_spellings(lesions["patient_id"])
    written = lesions["patient_id"].value_counts()
    rows = [(kept, name, written[name]) for name, kept in first.items() if name != kept]
    spellings = pd.DataFrame(rows, columns=["patient_id", "written", "lesions"])
    if rows:
        names = excluded["patient_id"]
        excluded = excluded.assign(patient_id=names.map(first).fillna(names))
        lesions = lesions.assign(patient_id=lesions["patient_id"].map(first))
    return lesions, excluded, spellings


def tables_by_name(folder: str, paths: list[str]) -> dict[str, bytes]:
    """{path relative to the dataset's folder: content}; a table of one's own may lie beside it."""
    return {Path(relpath(path, folder)).as_posix(): Path(path).read_bytes() for path in paths}


def fingerprint(files: pd.DataFrame, tables: dict[str, bytes]) -> dict:
    """What the dataset is: a hash over names and sizes of its files, and contents of its tables.

    The first 12 hex digits of the hash stand in every table and figure made from the dataset.
    """
    digest = hashlib.sha256()
    for file, size in sorted(zip(files["file"], files["bytes"], strict=True)):
        digest.update(f"{file}\0{size}\n".encode())
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(tables.items())}
    digest.update(json.dumps(hashes).encode())
    return {
        "fingerprint": digest.hexdigest()[:12],
        "sha256": digest.hexdigest(),
        "files": len(files),
        "bytes": int(files["bytes"].sum()),
        "tables": hashes,
    }


def label_conflicts(lesions: pd.DataFrame) -> pd.DataFrame:
    """The lesions whose views bear different labels.

    A lesion is not of both classes, but which label is wrong is not known: each view keeps its own.
    """
    labels = lesions[["lesion_id", "label"]].drop_duplicates()
    several = labels.loc[labels.duplicated("lesion_id"), "lesion_id"]
    lesions = lesions[lesions["lesion_id"].isin(several)]
    named = lesions.assign(view=lesions["image_id"] + " " + lesions["pathology"])
    rows = named.groupby("lesion_id").agg(
        patient_id=("patient_id", "first"), views=("view", "; ".join)
    )
    return rows.reset_index().assign(done="each view keeps the label that the dataset gives it")
