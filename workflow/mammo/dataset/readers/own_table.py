"""Images of one's own: a CSV with the columns file, label and patient, what else is known, and the image files that it names."""

from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from mammo.dataset.headers import as_table
from mammo.log import InputError, some
from mammo.tables import SCHEMAS, read_dataset_csv

NEEDED = ["file", "label", "patient"]
# What a table may hold besides, under its name there, and what a value may be; None: any text. A value may be missing.
OPTIONAL = {
    "partition": {"training": "training", "train": "training", "test": "test"},
    "laterality": {"left": "left", "l": "left", "right": "right", "r": "right"},
    "kind": {"mass": "mass", "calcification": "calcification", "calc": "calcification"},
    "density": {
        **{letter: str(n) for n, letter in enumerate("abcd", 1)},
        **{str(n): str(n) for n in range(1, 5)},
    },
    "assessment": {str(n): str(n) for n in range(7)},
    "subtlety": {str(n): str(n) for n in range(1, 6)},
    "view": None,
    "lesion": None,
    "mask": None,
    "full": None,
    "pathology": None,
}
OWN = {"row": " row", "source": " source", "label": " label"}
FILES = {"crop": "file", "mask": "mask", "full": "full"}
LABELS = {"benign": "benign", "malignant": "malignant"}


def read_own_table(folder, table, scan):
    """(files, lesions, excluded), three DataFrames, from FOLDER/TABLE. `scan` reads the headers of files.

    Any column beside those above is kept in lesions.csv as a subgroup. Raises InputError where the table is missing or empty,
    lacks a column, or holds a value that cannot be used.
    """
    folder, path = Path(folder), Path(folder, table)
    if not path.is_file():
        found = some(sorted(entry.name for entry in folder.glob("*.csv"))) or "none"
        raise InputError(
            f"{path} does not exist; CSV files in {folder}: {found}. Name one with --config 'dataset={{table: FILE.csv}}'."
        )
    rows = read_dataset_csv(path, NEEDED)
    rows = rows.rename(columns={name: name.lower() for name in rows if name.lower() in OPTIONAL})
    if twice := sorted(set(rows.columns[rows.columns.duplicated()])):
        raise InputError(
            f"{path}: the column {some(twice)} stands there twice, in other letters. Keep the right one."
        )
    if rows.empty:
        raise InputError(
            f"{path} holds no rows: add one for each image, with file, label (benign or malignant) and patient."
        )
    if taken := [
        name
        for name in rows
        if name in SCHEMAS["lesions"]["columns"] and name not in [*NEEDED, *OPTIONAL]
    ]:
        raise InputError(
            f"{path}: a column is named {some(taken)}, which lesions.csv uses for something else. Rename it."
        )
    # OWN are names that no table can have, whose spaces are underscores by now. Rows are counted as a spreadsheet does.
    rows = rows.assign(**{OWN["row"]: rows.index + 2, OWN["label"]: rows["label"]}).reset_index(
        drop=True
    )
    rows[OWN["source"]] = f"{table} row " + rows[OWN["row"]].astype(str)
    rows = with_known_values(path, rows)
    for column in ("file", "mask", "full"):
        rows[column] = rows[column].map(lambda name: name and str(PurePosixPath(name)))
    lesions = describe(rows)

    repeats = lesions[lesions.duplicated("image_id")]
    first = lesions.drop_duplicates("image_id").set_index("image_id").loc[repeats["image_id"]]
    if (
        unlike := (
            repeats[["label", "patient_id"]].to_numpy() != first[["label", "patient_id"]].to_numpy()
        ).any(1)
    ).any():
        told = [
            f"{a} and {b} ({c})"
            for a, b, c in zip(first["source"], repeats["source"], first.index, strict=True)
        ]
        raise InputError(
            f"{path} gives a file another label or patient: {some(np.array(told)[unlike])}. Keep the right row of each."
        )
    again = repeats.assign(
        detail=repeats["source"]
        + " repeats "
        + first["source"].to_numpy()
        + ", "
        + repeats["image_id"]
    )
    again = again.assign(reason="duplicate_row", image_id="")  # the row that it repeats stays
    lesions = lesions.drop(repeats.index)

    files, lost = [], []
    for role in FILES:
        column = f"{role}_file"
        outside = lesions[column].str.startswith("/") | lesions[column].str.contains(
            r"(?:^|/)\.\.(?:/|$)"
        )
        headers = scan(lesions.loc[(lesions[column] != "") & ~outside, column].unique().tolist())
        files.append(as_table(headers).assign(role=role, role_from="table"))
        problems = pd.Series(
            [headers.get(file, {"problem": ""})["problem"] for file in lesions[column]],
            lesions.index,
            str,
        )
        problems = problems.mask(outside, "outside_dataset")
        if role == "crop":
            lost = lesions.assign(
                reason=problems, region="crop", detail=lesions["source"] + ": " + lesions[column]
            )
            lost = lost[problems != ""]
            lesions[column] = lesions[column].mask(
                problems.isin(["missing_file", "outside_dataset"]), ""
            )
        elif outside.any():
            told = lesions["source"] + ": " + lesions[column]
            raise InputError(
                f"{path}, column {role}: {some(told[outside])}. Give each path from {folder}, without '..'."
            )
    files = pd.concat([part for part in files if len(part)] or files[:1])
    files = files[files["problem"] != "missing_file"].drop_duplicates("file")
    return files, lesions, pd.concat([again, lost])


def with_known_values(path, rows):
    """The table with every optional column, its values in one spelling. Raises InputError for those that cannot be read, all at once."""
    row = rows[OWN["row"]]
    wrong = [
        f"row {row[number]}, {column}: empty"
        for column in ("file", "patient")
        for number in np.flatnonzero(rows[column] == "")
    ]
    for column, allowed in {"label": LABELS, **OPTIONAL}.items():
        if column not in rows:
            rows[column] = ""
        elif allowed:
            # Whole numbers of a column with gaps are 5.0 where pandas or a spreadsheet wrote them.
            given = rows[column].str.lower().str.replace(r"^(\d)\.0$", r"\1", regex=True)
            known = given.map(allowed).fillna("")
            bad = (known == "") & ((given != "") | (column == "label"))
            words = ", ".join(dict.fromkeys(allowed))
            wrong += [
                f"row {row[n]}, {column}: {rows[column].iloc[n]!r} (allowed: {words})"
                for n in np.flatnonzero(bad)
            ]
            rows[column] = known
    if wrong:
        raise InputError(
            f"{path}: {len(wrong)} value(s) that cannot be used: {some(wrong)}. Correct or remove these rows."
        )
    return rows


def describe(rows):
    """The rows of lesions.csv, with the table's further columns under their own names."""
    further = [name for name in rows if name not in [*NEEDED, *OPTIONAL, *OWN.values()]]
    names = [rows["patient"], rows["laterality"], rows["lesion"]]
    lesion_id = names[0].str.cat(names[1:], sep="_").mask(rows["lesion"] == "", rows["file"])
    return pd.DataFrame(
        {
            "image_id": rows["file"],
            "lesion_id": lesion_id,
            "patient_id": rows["patient"],
            "laterality": rows["laterality"],
            "view": rows["view"].str.upper(),
            "kind": rows["kind"],
            "label": rows["label"],
            "pathology": rows["pathology"].mask(rows["pathology"] == "", rows[OWN["label"]]),
            "assessment": rows["assessment"].replace("0", ""),  # BI-RADS 0: not given
            "breast_density": rows["density"],
            "subtlety": rows["subtlety"],
            "official_partition": rows["partition"],
            **{f"{role}_file": rows[column] for role, column in FILES.items()},
            "source": rows[OWN["source"]],
            **{name: rows[name] for name in further},
        }
    )
