"""Images of one's own that a CSV names: a row per image, or per finding on an image."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import pandas as pd

from mammo.dataset.edition import Found, Look
from mammo.dataset.headers import as_table
from mammo.dataset.patients import first_spellings, plain
from mammo.dataset.readers.misspelt_files import refuse_misspelt
from mammo.log import InputError, short, some
from mammo.tables import SCHEMAS, read_dataset_csv, without_point_zero
from mammo.words import CLASSES

NEEDED = ["file", "label", "patient"]
LABELS = {label: label for label in CLASSES}
# What a table may hold besides, under its name there, and what a value may be; None: any text. A
# value may be missing.
OPTIONAL: dict[str, Mapping[str, str] | None] = {
    "partition": {
        "training": "training",
        "train": "training",
        "validation": "validation",
        "val": "validation",
        "test": "test",
    },
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
# How R, pandas, Python, SQL and spreadsheets write a missing value, in any case.
MISSING = {"", "na", "n/a", "#n/a", "<na>", "nan", "none", "null"}
# In a column of the table's own, None may be an answer: no implants, no earlier surgery.
MISSING_IN_OTHERS = MISSING - {"none"}
# Names under which Table 1, the subgroups and the forest plot keep something else.
TAKEN = {"all", "image", "image_size", "crop_size"}
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

    def only(self, which: pd.Series) -> "OwnTable":
        """The table with the rows of a mask."""
        return replace(
            self,
            rows=self.rows[which].reset_index(drop=True),
            numbers=self.numbers[which].reset_index(drop=True),
            written=self.written[which].reset_index(drop=True),
        )


def read_own_table(folder: str | Path, name: str, look: Look) -> Found:
    """(files, lesions, excluded), DataFrames, from the table FOLDER/NAME.

    Any column beside those of NEEDED and OPTIONAL is kept in lesions.csv as a subgroup. Raises
    InputError where the table is missing or empty, lacks a column, or holds a value that cannot be
    used.
    """
    return match_files(folder, read_rows(Path(folder), name), look)


def match_files(folder: str | Path, table: OwnTable, look: Look) -> Found:
    """(files, lesions, excluded), DataFrames, from the rows of a table and the files they name."""
    table, repeats = without_repeats(with_known_values(table))
    refuse_contradictions(table)
    files, lesions, lost = find_files(folder, table.path, describe(table), look)
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
    reserved = {*SCHEMAS["lesions"]["columns"], *TAKEN}
    if taken := [column for column in _further(rows) if column in reserved]:
        raise InputError(
            f"{path}: a column is named {some(taken)}, a name that the workflow's own tables use"
            " for something else. Rename it."
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
    """The table with every column of OPTIONAL, its values in one spelling, '' for a missing one.

    Raises InputError for values that cannot be read, all at once.
    """
    rows, wrong = table.rows.copy(), []
    for column in rows:
        known = column in NEEDED or column in OPTIONAL
        rows[column] = _without_missing(rows[column], MISSING if known else MISSING_IN_OTHERS)
    for column in ("file", "patient"):
        missing = rows[column] == ""
        for number, value in zip(table.numbers[missing], table.rows[column][missing], strict=True):
            said = f"{short(value)} is a missing value" if plain(value) else "empty"
            wrong.append(f"row {number}, {column}: {said}")
    for column, allowed in {"label": LABELS, **OPTIONAL}.items():
        if column not in rows:
            rows[column] = ""
        elif allowed:
            key = without_point_zero(rows[column].str.lower())
            rows[column] = key.map(allowed).fillna("")
            bad = (rows[column] == "") & ((key != "") | (column == "label"))
            words = ", ".join(dict.fromkeys(allowed))
            for number, value in zip(table.numbers[bad], table.rows[column][bad], strict=True):
                wrong.append(f"row {number}, {column}: {short(value)} (allowed: {words})")
    if wrong:
        raise InputError(
            f"{table.path}: {len(wrong)} value(s) that cannot be used: {some(wrong)}. Correct or"
            " remove these rows."
        )
    rows["lesion"] = rows["lesion"].map(first_spellings(rows["lesion"]))
    for column in _further(rows):
        rows[column] = _in_one_spelling(rows[column])
    for column in FILES.values():
        rows[column] = rows[column].map(lambda name: name and str(PurePosixPath(name)))
    return replace(table, rows=rows)


def _without_missing(values: pd.Series, missing: set[str]) -> pd.Series:
    """The values, with '' for each that stands for a missing one."""
    empty = {value: plain(value).lower() in missing for value in values.unique()}
    return values.mask(values.map(empty), "")


def _in_one_spelling(values: pd.Series) -> pd.Series:
    """The values; 5.0 becomes 5 where both are written."""
    whole = without_point_zero(values)
    return values.mask(whole.isin(values.unique()), whole)


def describe(table: OwnTable) -> pd.DataFrame:
    """The rows of lesions.csv, with the table's further columns under their own names."""
    rows = table.rows
    image_id = image_ids(rows)
    # Views of a lesion keep together, however their patient is spelt.
    person = rows["patient"].map(first_spellings(rows["patient"]))
    lesion_id = person.str.cat([rows["laterality"], rows["lesion"]], sep="_")
    return pd.DataFrame(
        {
            "image_id": image_id,
            "lesion_id": lesion_id.mask(rows["lesion"] == "", image_id),
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


def image_ids(rows: pd.DataFrame) -> pd.Series:
    """A name of its own for each row: its file, or file#lesion where rows share a file.

    Where the lesions of a file are not named, or not each by its own name, they are counted.
    """
    file, lesion = rows["file"], rows["lesion"]
    shared = file.duplicated(keep=False)
    own_name = (lesion != "") & ~rows.duplicated(["file", "lesion"], keep=False)
    named = own_name.groupby(file).transform("all")
    finding = lesion.where(named, (rows.groupby("file").cumcount() + 1).astype(str))
    mark = "#"
    while (ids := file.mask(shared, file + mark + finding)).duplicated().any():
        mark += "#"  # another file is called so
    return ids


def without_repeats(table: OwnTable) -> tuple[OwnTable, pd.DataFrame]:
    """(table, excluded): the rows without those that repeat another in all their columns."""
    rows = table.rows
    person = rows["patient"].map(first_spellings(rows["patient"]))
    compared = rows.assign(patient=person)
    repeats = compared.duplicated()
    if not repeats.any():
        return table, pd.DataFrame(columns=["image_id", "patient_id", "reason", "detail"])
    same = compared.groupby([*compared.columns], sort=False).ngroup()
    kept = table.source.groupby(same).transform("first") + ", " + rows["file"]
    excluded = pd.DataFrame(
        {
            "image_id": "",  # the row that it repeats is kept
            "patient_id": rows["patient"],
            "reason": "duplicate_row",
            "detail": table.source + " repeats " + kept,
        }
    )
    return table.only(~repeats), excluded[repeats]


def refuse_contradictions(table: OwnTable) -> None:
    """Raise InputError where rows of one file cannot all be true.

    They may tell of several findings, but of one patient and one partition; and a finding has one
    label. Findings are distinguished by their lesion, or where that is not given by their mask.
    """
    rows = table.rows
    person = rows["patient"].map(first_spellings(rows["patient"]))
    mask = rows["mask"].mask(rows["lesion"] != "", "")
    file, finding = [rows["file"]], [rows["file"], rows["lesion"], mask]
    for column, values, keys in [
        ("patient", person, file),
        ("partition", rows["partition"], file),
        ("label", rows["label"], finding),
    ]:
        first = values.groupby(keys).transform("first")
        unlike = values != first
        if unlike.any():
            first_row = table.numbers.groupby(keys).transform("first")
            found = [
                f"row {one} and row {other} ({short(before)} and {short(value)}, of {short(name)})"
                for one, other, before, value, name in zip(
                    first_row[unlike],
                    table.numbers[unlike],
                    rows[column].groupby(keys).transform("first")[unlike],
                    rows[column][unlike],
                    rows["file"][unlike],
                    strict=True,
                )
            ]
            way_out = "Keep the right row of each"
            if column == "label":
                way_out += ", or distinguish two findings on one image by the column lesion or mask"
            raise InputError(
                f"{table.path}: rows of one image contradict each other in the column {column}:"
                f" {some(found)}. {way_out}."
            )


def find_files(
    folder: str | Path, path: Path, lesions: pd.DataFrame, look: Look
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """(files, lesions, excluded): the files that are there, and the lesions without a sound crop.

    Raises InputError where a mask or a whole image lies outside the dataset's folder, and where a
    file is called otherwise than the table says.
    """
    lesions = lesions.copy()
    files = []
    for role in FILES:
        column = f"{role}_file"
        outside = _outside(lesions[column])
        named = lesions[column] != ""
        wanted = lesions.loc[named & ~outside, column]
        headers = look(wanted.unique().tolist())
        absent = outside | lesions[column].isin(_missing(headers))
        refuse_misspelt(
            Path(folder),
            f"{path}, column {FILES[role]}",
            lesions.loc[absent, column],
            lesions.loc[absent, "source"],
            nothing_found=absent.sum() == named.sum(),
        )
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


def _missing(headers: Mapping[str, Mapping]) -> list[str]:
    return [file for file, header in headers.items() if header["problem"] == "missing_file"]


def _outside(paths: pd.Series) -> pd.Series:
    """Which paths leave the folder that they start from."""
    return paths.str.startswith("/") | paths.str.contains(r"(?:^|/)\.\.(?:/|$)")
