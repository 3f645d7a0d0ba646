"""Images of one's own in DIR/benign/ and DIR/malignant/, the patient in each file's path."""

import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from mammo.dataset.edition import Found, Look
from mammo.dataset.headers import printable, walk
from mammo.log import InputError, some
from mammo.words import CLASSES


def patient_in(path: str, expression: str) -> str | None:
    """What a regular expression finds in a path; None or '' for nothing.

    That is its group `patient`, else its first group, else all that it matches.
    """
    match = re.search(expression, path)
    if match is None:
        return None
    if "patient" in match.re.groupindex:
        return match["patient"]
    return match[1] if match.re.groups else match[0]


def read_folders(folder: str | Path, patient: str, look: Look) -> Found:
    """(files, lesions, excluded), DataFrames, from FOLDER/benign and FOLDER/malignant.

    `patient` is a regular expression that finds the patient in each file's path below the class's
    folder, as patient_in does. What is no image is listed and excluded. Raises InputError where a
    class has no folder, or where the expression does not match: a guessed patient could be on both
    sides of a split.
    """
    folder = Path(folder)
    classes = _by_class(folder)
    files: list[dict] = []
    lesions: list[dict] = []
    excluded: list[dict] = []
    nameless = []
    for path, header in look(list(classes)).items():
        label, below = classes[path]
        file, problem = printable(path), header["problem"]
        name = patient_in(printable(below), patient)
        no_lesion = problem == "not_an_image" or (problem and not name)
        role, role_from = ("", "") if no_lesion else ("crop", "folder")
        files.append({"file": file, "role": role, "role_from": role_from, **header})
        exclusion = {"reason": problem, "detail": file}
        if no_lesion:
            excluded.append({"image_id": "", "patient_id": "", "region": "", **exclusion})
        elif not name:
            nameless.append(file)
        else:
            lesion = {"image_id": file, "lesion_id": file, "patient_id": name}
            lesion |= {"label": label, "pathology": label, "crop_file": file, "source": file}
            lesions.append(lesion)
            if problem:
                known = {"image_id": file, "patient_id": name, "region": "crop"}
                excluded.append(known | exclusion)
    if nameless:
        raise InputError(
            f"{folder}: dataset.patient {patient!r} finds no patient in {len(nameless)} file(s):"
            f" {some(nameless)}. It is looked for in the path below benign/ or malignant/. Correct"
            " the expression, or rename these files."
        )
    return pd.DataFrame(files), pd.DataFrame(lesions), pd.DataFrame(excluded)


def _by_class(folder: Path) -> dict[str, tuple[str, str]]:
    """{file: (class, path below the class's folder)} of all files in the folders of the classes."""
    if missing := [label for label in CLASSES if not (folder / label).is_dir()]:
        raise InputError(
            f"{folder} has no folder {some(missing)}; it holds: {_names(folder.iterdir())}. Sort"
            " the images into benign/ and malignant/."
        )
    found: dict[str, tuple[str, str]] = {}
    for label in CLASSES:
        found |= {f"{label}/{file}": (label, file) for file in walk(folder / label)}
    if not found:
        raise InputError(f"{folder}: benign/ and malignant/ hold no files.")
    return found


def _names(paths: Iterable[Path]) -> str:
    return some(sorted(path.name for path in paths)) or "nothing"
