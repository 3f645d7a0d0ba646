"""Images of one's own, sorted into folders: DIR/benign/ and DIR/malignant/, and the patient somewhere in each file's name."""

import re
from pathlib import Path

import pandas as pd

from mammo.dataset.headers import printable, walk
from mammo.log import InputError, some

LABELS = ("benign", "malignant")


def patient_in(path, expression):
    """What the expression's group `patient`, else its first group, else all of it finds in a path; None or '' for nothing."""
    match = re.search(expression, path)
    if not match:
        return None
    return (
        match["patient"]
        if "patient" in match.re.groupindex
        else match[1]
        if match.re.groups
        else match[0]
    )


def read_folders(folder, patient, scan):
    """(files, lesions, excluded), three DataFrames, from FOLDER/benign and FOLDER/malignant and the folders in them.

    patient: a regular expression that finds the patient in each file's path below the class's folder: its group `patient`,
    else its first group, else all that it matches. What is no image is listed and left out. Raises InputError where a
    class has no folder, or where the expression does not match: a guessed patient could be on both sides of a split.
    """
    folder = Path(folder)
    if missing := [label for label in LABELS if not (folder / label).is_dir()]:
        found = some(sorted(entry.name for entry in folder.iterdir())) or "nothing"
        raise InputError(
            f"{folder} has no folder {some(missing)}; it holds: {found}. Sort the images into benign/ and malignant/."
        )
    names = {f"{label}/{file}": (label, file) for label in LABELS for file in walk(folder / label)}
    if not names:
        raise InputError(f"{folder}: benign/ and malignant/ hold no files.")
    headers = scan(list(names))
    files, lesions, excluded, nameless = [], [], [], []
    for path, header in headers.items():
        label, below = names[path]
        file, problem = printable(path), header["problem"]
        name = patient_in(printable(below), patient)
        if problem == "not_an_image" or (problem and not name):
            files.append({"file": file, "role": "", "role_from": "", **header})
            excluded.append(
                {"image_id": "", "patient_id": "", "reason": problem, "detail": file, "region": ""}
            )
            continue
        files.append({"file": file, "role": "crop", "role_from": "folder", **header})
        if not name:
            nameless.append(file)
            continue
        lesions.append({"image_id": file, "lesion_id": file, "patient_id": name, "label": label, "pathology": label,
                        "crop_file": file, "source": file})  # fmt: skip
        if problem:
            excluded.append(
                {
                    "image_id": file,
                    "patient_id": name,
                    "reason": problem,
                    "detail": file,
                    "region": "crop",
                }
            )
    if nameless:
        raise InputError(
            f"{folder}: dataset.patient {patient!r} finds no patient in {len(nameless)} file(s): {some(nameless)}. "
            "It is looked for in the path below benign/ or malignant/. Correct the expression, or rename these files."
        )
    return pd.DataFrame(files), pd.DataFrame(lesions), pd.DataFrame(excluded)
