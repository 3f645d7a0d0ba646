"""Images of one's own that a CSV names, one row per image."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from mammo.dataset.edition import Found, Look
from mammo.dataset.headers import as_table
from mammo.log import InputError, some
from mammo.tables import SCHEMAS, read_dataset_csv
from mammo.words import CLASSES

NEEDED = ["file", "label", "patient"]
LABELS = {label: label for label in CLASSES}
# What a table may hold besides, under its name there, and what a value may be; None: any text. A
# value may be missing.
OPTIONAL: dict[str, Mapping[str, str] | None] = {
    "partition": {"training": "training", "train": "training", "test": "test"},
    "laterality": {"left": "left", "l": "left", "right": "right", "r": "right"},
    "kind": {"mass": "mass", "calcification": "calcification", "calc": "calcification"},
    "density": {"a": "1", "b": "2", "c": "3", "d": "4", "1": "1", "2": "2", "3": "3", "4": "4"},
    "assessment": {str(category): str(category) for category in range(7)},
    "subtlety": {str(rating): str(rating) for rating in range(1, 6)},
    "view": None,
    "lesion": None,
    "mask": None,
    "full": None,
    "pathology": None,
}
FILES = {"crop": "file", "mask": "mask", "full": "full"}  # role → its column
LOST = ["missing_file", "outside_dataset"]  # problems of a file that is not there to be named


@dataclass(frozen=True)
class OwnTable:
    """The rows of a table of one's own, and what is known of each beside its columns."""

    path: Path
    name: str  # of the table, relative to the dataset's folder
    rows: pd.DataFrame  # the columns of NEEDED, of OPTIONAL and further ones
    numbers: pd.Series  # of the rows, as a spreadsheet counts
    written: pd.Series  # the labels, as they were written

    @property
    def source(self) -> pd.Series:
        """Where each row stands, as in 'lesions.csv row 4'."""
        return f"{self.name} row " + self.numbers.astype(str)


def read_own_table(folder: str | Path, name: str, look: Look) -> Found:
    """(files, lesions, excluded), DataFrames, from the table FOLDER/NAME.

    Any column beside those of NEEDED and OPTIONAL is kept in lesions.csv as a subgroup. Raises
    InputError where the table is missing or empty, lacks a column, or holds a value that cannot be
    used.
    """
    return match_files(folder, read_rows(Path(folder), name), look)


def match_files(folder: str | Path, table: OwnTable, look: Look) -> Found:
    """(files, lesions, excluded), DataFrames, from the rows of a table and the files they name."""
    lesions, repeats = without_repeats(table.path, describe(with_known_values(table)))
    files, lesions, lost = find_files(folder, table.path, lesions, look)
    return files, lesions, pd.concat([repeats, lost])


def read_rows(folder: Path, name: str) -> OwnTable:
    """The table FOLDER/NAME, columns named as in NEEDED and OPTIONAL, values as they are."""
    path = folder / name
    if not path.is_file():
        found = some(sorted(entry.name for entry in folder.glob("*.csv"))) or "none"
        raise InputError(
            f"{path} does not exist; CSV files in {folder}: {found}. Name one with --config"
            " 'dataset={table: FILE.csv}'."
        )
    rows = read_dataset_csv(path, NEEDED)
    rows = rows.rename(columns={column: column.lower() for column in rows if _optional(column)})
    if repeated := sorted(set(rows.columns[rows.columns.duplicated()])):
        raise InputError(
            f"{path}: the column {some(repeated)} stands there twice, in other letters. Keep the"
            " right one."
        )
    if rows.empty:
        raise InputError(
            f"{path} holds no rows: add one for each image, with file, label (benign or malignant)"
            " and patient."
        )
    if taken := [column for column in _further(rows) if column in SCHEMAS["lesions"]["columns"]]:
        raise InputError(
            f"{path}: a column is named {some(taken)}, which lesions.csv uses for something else."
            " Rename it."
        )
    numbers = pd.Series(rows.index + 2)
    rows = rows.reset_index(drop=True)
    return OwnTable(path, name, rows, numbers, rows["label"])


def _optional(column: str) -> bool:
    return column.lower() in OPTIONAL


def _further(rows: pd.DataFrame) -> list[str]:
    """The columns that a table has beside those that are known."""
    return [column for column in rows if column not in [*NEEDED, *OPTIONAL]]


def with_known_values(table: OwnTable) -> OwnTable:
    """The table with every column of OPTIONAL, its values in one spelling.

    Raises InputError for values that cannot be read, all at once.
    """
    rows, wrong = table.rows.copy(), []
    for column in ("file", "patient"):
        for number in table.numbers[rows[column] == ""]:
            wrong.append(f"row {number}, {column}: empty")
    for column, allowed in {"label": LABELS, **OPTIONAL}.items():
        if column not in rows:
            rows[column] = ""
        elif allowed:
            given = rows[column]
            # Whole numbers of a column with gaps are 5.0 where pandas or a spreadsheet wrote them.
            key = given.str.lower().str.replace(r"^(\d)\.0$", r"\1", regex=True)
            rows[column] = key.map(allowed).fillna("")
            bad = (rows[column] == "") & ((key != "") | (column == "label"))
            words = ", ".join(dict.fromkeys(allowed))
            for number, value in zip(table.numbers[bad], given[bad], strict=True):
                wrong.append(f"row {number}, {column}: {value!r} (allowed: {words})")
    if wrong:
        raise InputError(
            f"{table.path}: {len(wrong)} value(s) that cannot be used: {some(wrong)}. Correct or"
            " remove these rows."
        )
    for column in FILES.values():
        rows[column] = rows[column].map(lambda name: name and str(PurePosixPath(name)))
    return replace(table, rows=rows)


def describe(table: OwnTable) -> pd.DataFrame:
    """The rows of lesions.csv, with the table's further columns under their own names."""
    rows = table.rows
    lesion_id = rows["patient"].str.cat([rows["laterality"], rows["lesion"]], sep="_")
    return pd.DataFrame(
        {
            "image_id": rows["file"],
            "lesion_id": lesion_id.mask(rows["lesion"] == "", rows["file"]),
            "patient_id": rows["patient"],
            "laterality": rows["laterality"],
            "view": rows["view"].str.upper(),
            "kind": rows["kind"],
            "label": rows["label"],
            "pathology": rows["pathology"].mask(rows["pathology"] == "", table.written),
            "assessment": rows["assessment"].replace("0", ""),  # BI-RADS 0: not given
            "breast_density": rows["density"],
            "subtlety": rows["subtlety"],
            "official_partition": rows["partition"],
            **{f"{role}_file": rows[column] for role, column in FILES.items()},
            "source": table.source,
            **{column: rows[column] for column in _further(rows)},
        }
    )


def without_repeats(path: Path, lesions: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(lesions, excluded): each file once, and the rows that name one again.

    Raises InputError where a repeat has another label or patient.
    """
    repeats = lesions[lesions.duplicated("image_id")]
    first = lesions.drop_duplicates("image_id").set_index("image_id").loc[repeats["image_id"]]
    facts = ["label", "patient_id"]
    unlike = (repeats[facts].to_numpy() != first[facts].to_numpy()).any(axis=1)
    if unlike.any():
        pairs = zip(first["source"], repeats["source"], first.index, strict=True)
        named = np.array([f"{one} and {other} ({file})" for one, other, file in pairs])
        raise InputError(
            f"{path} gives a file another label or patient: {some(named[unlike])}. Keep the right"
            " row of each."
        )
    kept = first["source"].to_numpy() + ", " + repeats["image_id"]
    detail = repeats["source"] + " repeats " + kept
    # Without an image_id: the row that it repeats is kept.
    excluded = repeats.assign(detail=detail, reason="duplicate_row", image_id="")
    return lesions.drop(repeats.index), excluded


def find_files(
    folder: str | Path, path: Path, lesions: pd.DataFrame, look: Look
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """(files, lesions, excluded): the files that are there, and the lesions without a sound crop.

    Raises InputError where a mask or a whole image lies outside the dataset's folder.
    """
    lesions = lesions.copy()
    files = []
    for role in FILES:
        column = f"{role}_file"
        outside = _outside(lesions[column])
        wanted = lesions.loc[(lesions[column] != "") & ~outside, column]
        headers = look(wanted.unique().tolist())
        files.append(as_table(headers).assign(role=role, role_from="table"))
        where = lesions["source"] + ": " + lesions[column]
        if role == "crop":
            found = [
                headers[file]["problem"] if file in headers else "" for file in lesions[column]
            ]
            problems = pd.Series(found, lesions.index, str).mask(outside, "outside_dataset")
            excluded = lesions.assign(reason=problems, region="crop", detail=where)
            excluded = excluded[problems != ""]
            lesions[column] = lesions[column].mask(problems.isin(LOST), "")
        elif outside.any():
            raise InputError(
                f"{path}, column {role}: {some(where[outside])}. Give each path from {folder},"
                " without '..'."
            )
    found = pd.concat([part for part in files if len(part)] or files[:1])
    found = found[found["problem"] != "missing_file"].drop_duplicates("file")
    return found, lesions, excluded


def _outside(paths: pd.Series) -> pd.Series:
    """Which paths leave the folder that they start from."""
    return paths.str.startswith("/") | paths.str.contains(r"(?:^|/)\.\.(?:/|$)")
