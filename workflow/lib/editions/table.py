"""Images of one's own: a CSV with the columns file, label and patient, and the image files that it names."""

from pathlib import Path, PurePosixPath

from lib.images import read_headers
from lib.log import InputError, some
from lib.tables import read_dataset_csv

LABELS = ("benign", "malignant")


def read_own_table(folder, table, workers):
    """(files, lesions, excluded), the rows of three tables as lists of dicts, from FOLDER/TABLE.

    Raises InputError where the table is missing or empty, lacks a column, or a row lacks a label or a patient.
    """
    folder, path = Path(folder), Path(folder, table)
    if not path.is_file():
        found = some(sorted(entry.name for entry in folder.glob("*.csv"))) or "none"
        raise InputError(
            f"{path} does not exist; CSV files in {folder}: {found}. Name one with --config 'dataset={{table: FILE.csv}}'."
        )
    rows = read_dataset_csv(path, ["file", "label", "patient"])[["file", "label", "patient"]].to_dict("records")
    if not rows:
        raise InputError(
            f"{path} holds no rows: add one for each image, with file, label (benign or malignant) and patient."
        )
    refuse_wrong_values(path, rows)

    lesions, excluded, seen = [], [], {}
    for number, row in enumerate(rows, start=2):
        file = PurePosixPath(row["file"])
        lesion = {
            "image_id": str(file),
            "lesion_id": str(file),
            "patient_id": row["patient"],
            "label": row["label"].lower(),
            "pathology": row["label"],
            "crop_file": str(file),
            "source": f"{table} row {number}",
        }
        leave_out = {"image_id": str(file), "patient_id": row["patient"]}
        if first := seen.get(file):
            if (first["label"], first["patient_id"]) != (lesion["label"], lesion["patient_id"]):
                raise InputError(
                    f"{path}: {first['source']} and {lesion['source']} name {file} with another label or patient. Keep the right one."
                )
            detail = f"{lesion['source']} repeats {first['source']}, {file}"
            excluded.append(
                leave_out | {"image_id": "", "reason": "duplicate_row", "detail": detail}
            )  # the row that it repeats stays
            continue
        seen[file] = lesion
        lesions.append(lesion)
        if file.is_absolute() or ".." in file.parts:
            lesion["crop_file"] = ""
            excluded.append(
                leave_out
                | {
                    "reason": "outside_dataset",
                    "detail": f"{lesion['source']}: give the path from {folder}, without '..'",
                }
            )

    named = [lesion for lesion in lesions if lesion["crop_file"]]
    files = []
    headers = read_headers([folder / lesion["crop_file"] for lesion in named], workers)
    for lesion, header in zip(named, headers, strict=True):
        file, problem = lesion["crop_file"], header["problem"]
        if problem:
            left_out = {"image_id": file, "patient_id": lesion["patient_id"], "reason": problem}
            excluded.append(left_out | {"detail": f"{lesion['source']}: {folder / file}"})
        if problem == "missing_file":
            lesion["crop_file"] = ""
        else:
            files.append({"file": file, "role": "crop", "role_from": "table", **header})
    return files, lesions, excluded


def refuse_wrong_values(path, rows):
    """Raise InputError for labels that are none, and for empty values; rows are numbered as a spreadsheet does, header first."""
    wrong = []
    for number, row in enumerate(rows, start=2):
        if row["label"].lower() not in LABELS:
            wrong.append(f"row {number}, label: {row['label']!r} (allowed: {', '.join(LABELS)})")
        wrong += [f"row {number}, {column}: empty" for column in ("file", "patient") if not row[column]]
    if wrong:
        raise InputError(
            f"{path}: {len(wrong)} value(s) that cannot be used: {some(wrong)}. Correct or remove these rows."
        )
