"""CBIS-DDSM as published on Kaggle: csv/ with the case tables, jpeg/<SeriesInstanceUID>/ with the images.

The phantom edition is laid out in the same way and read by the same function.
"""

import os
import re
from pathlib import Path

from lib.images import looks_like_mask, read_headers
from lib.log import InputError, some
from lib.tables import read_dataset_csv

KINDS = {"mass": "mass", "calc": "calcification"}
PARTITIONS = {"train": "training", "test": "test"}
LABELS = {"BENIGN": "benign", "BENIGN_WITHOUT_CALLBACK": "benign", "MALIGNANT": "malignant"}
ROLES = {"cropped images": "crop", "ROI mask images": "mask", "full mammogram images": "full"}
IMAGES = {"full": "image_file_path", "crop": "cropped_image_file_path", "mask": "ROI_mask_file_path"}
# What readers said, under the names of lesions.csv; what only one kind has is empty for the other.
READER = ("assessment", "breast_density", "subtlety", "mass_shape", "mass_margins", "calc_type", "calc_distribution")
NEEDED = ["patient_id", "breast_density", "left_or_right_breast", "image_view", "abnormality_id", "assessment", "pathology",
          "subtlety", *IMAGES.values()]  # fmt: skip


def read_kaggle(folder, workers):
    """(files, lesions, excluded), the rows of three tables as lists of dicts, from the dataset in `folder`.

    Raises InputError where a table is missing, lacks a column, or holds a value that this edition does not know.
    """
    folder = Path(folder)
    rows = read_case_tables(folder)
    files = list_files(folder / "jpeg")
    if not files:
        raise InputError(
            f"{folder / 'jpeg'} holds no .jpg file: is {folder} the folder that holds csv/ and jpeg/, and was it unzipped to its end?"
        )
    for file, header in zip(files, read_headers([folder / name for name in files], workers), strict=True):
        files[file] |= header
    assign_roles(folder, files, rows)
    lesions, excluded = match_files(rows, files)
    return list(files.values()), lesions, excluded


def read_case_tables(folder):
    """The rows of the four case tables as dicts, with where each stands in `source`."""
    rows, wrong = [], []
    names = {(k, p): f"{k}_case_description_{p}_set.csv" for k in KINDS for p in PARTITIONS}
    if missing := [name for name in names.values() if not (folder / "csv" / name).is_file()]:
        found = some(sorted(path.name for path in folder.iterdir())) or "nothing"
        raise InputError(
            f"{folder / 'csv'}: missing {some(missing)}. {folder} holds: {found}. Give the folder that holds csv/ and jpeg/."
        )
    for (kind, part), name in names.items():
        # Some columns are written with spaces in one table and with underscores in another: here all have underscores.
        for number, row in enumerate(
            read_dataset_csv(folder / "csv" / name, NEEDED).to_dict("records"), start=2
        ):  # as a spreadsheet counts
            row |= {"kind": KINDS[kind], "official_partition": PARTITIONS[part], "source": f"{name} row {number}"}
            for column, allowed in [
                ("pathology", LABELS),
                ("left_or_right_breast", ("LEFT", "RIGHT")),
                ("image_view", ("CC", "MLO")),
            ]:
                if row[column] not in allowed:
                    wrong.append(f"{row['source']}, {column}: {row[column]!r} (allowed: {', '.join(allowed)})")
            if not re.fullmatch(r"P_\d{5}", row["patient_id"]):
                wrong.append(f"{row['source']}, patient_id: {row['patient_id']!r} (allowed: P_ and five digits)")
            for column in ["abnormality_id", "assessment", "breast_density", "subtlety"]:
                if not row[column].isdigit():
                    wrong.append(
                        f"{row['source']}, {column}: {row[column]!r} (allowed: a whole number; 0 is 'not given')"
                    )
            rows.append(row)
    if wrong:
        raise InputError(
            f"{folder / 'csv'}: {len(wrong)} value(s) that this edition does not know: {some(wrong)}. Correct the table(s)."
        )
    return rows


def list_files(jpeg):
    """Every JPEG below `jpeg`, {path relative to the dataset: its row so far}, sorted. File names repeat across folders: paths are the key."""
    found = {}
    for series in sorted(os.scandir(jpeg), key=lambda entry: entry.name) if jpeg.is_dir() else []:
        if series.is_dir():
            for entry in sorted(os.scandir(series.path), key=lambda entry: entry.name):
                if entry.name.lower().endswith((".jpg", ".jpeg")):
                    file = f"{jpeg.name}/{series.name}/{entry.name}"
                    found[file] = {"file": file}
    return found


def series_of(path):
    """The SeriesInstanceUID in a case table's path, `name/StudyInstanceUID/SeriesInstanceUID/00000N.dcm`; None if it is no such path."""
    match = re.fullmatch(r"[^/]+/[\d.]+/([\d.]*\d[\d.]*)/[^/]+\.dcm", path)
    return match and match[1]


def assign_roles(folder, files, rows):
    """Set role and role_from of every file: by its description, else its bit depth, else its pixels. Never by order.

    dicom_info.csv describes files one by one. Where it leaves the description out, masks are told by their 8 bits, against
    16 of crops. A series that the case tables call a full image is one.
    """
    full_series = {series_of(row[IMAGES["full"]]) for row in rows}
    info = read_dicom_info(folder / "csv" / "dicom_info.csv")
    for file, row in files.items():
        series = file.split("/")[1]
        description, bits = info.get("/".join(file.split("/")[1:]), ("", ""))
        row["role"] = row["role_from"] = ""
        if description in ROLES:
            row |= {"role": ROLES[description], "role_from": "description"}
        elif series in full_series:  # such a series is one file
            row |= {"role": "full", "role_from": "table"}
        elif bits in ("8", "16"):
            row |= {"role": "mask" if bits == "8" else "crop", "role_from": "bits"}
        elif not row["problem"]:
            try:
                row |= {"role": "mask" if looks_like_mask(folder / file) else "crop", "role_from": "pixels"}
            except ValueError:
                row["problem"] = "cannot_decode"


def read_dicom_info(path):
    """{'<series>/<file name>': (SeriesDescription, BitsAllocated)}; empty where there is no such table."""
    if not path.is_file():
        print(f"{path} is missing: crops and masks are told apart by their pixels")
        return {}
    table = read_dataset_csv(path, ["image_path", "SeriesDescription", "BitsAllocated"])
    table["key"] = table["image_path"].str.split("/").str[-2:].str.join("/")
    table = table[["key", "SeriesDescription", "BitsAllocated"]].drop_duplicates()
    if (twice := table["key"].duplicated()).any():
        raise InputError(
            f"{path} describes a file in two ways: {some(table.loc[twice, 'key'])}. Keep the right row of each."
        )
    return {row.key: (row.SeriesDescription, row.BitsAllocated) for row in table.itertuples(index=False)}


def match_files(rows, files):
    """(lesions, excluded): each row of the case tables with its crop, mask and full image, and the rows that have no sound crop."""
    in_series = {}
    for file, row in files.items():
        in_series.setdefault(file.split("/")[1], []).append(row)
    lesions, excluded, seen = [], [], {}
    for row in rows:
        lesion = describe(row)
        if first := seen.get(lesion["image_id"]):
            if first["label"] != lesion["label"]:
                raise InputError(
                    f"{lesion['source']} says {lesion['label']} and {first['source']} says {first['label']} of the same lesion in the "
                    f"same view, {lesion['image_id']}. Remove or correct one of the rows."
                )
            detail = f"{lesion['source']} repeats {first['source']}, {lesion['image_id']}"
            excluded.append(
                exclusion(lesion, "duplicate_row", detail) | {"image_id": ""}
            )  # the row that it repeats stays
            continue
        seen[lesion["image_id"]] = lesion
        lesions.append(lesion)
        series = {role: series_of(row[column]) for role, column in IMAGES.items()}
        # The two columns are swapped in places, so look for both roles in both series.
        near = [file for uid in dict.fromkeys([series["crop"], series["mask"]]) for file in in_series.get(uid, [])]
        crops, masks = ([file for file in near if file["role"] == role] for role in ("crop", "mask"))
        fulls = [file for file in in_series.get(series["full"], []) if file["role"] == "full"]
        lesion["mask_file"] = masks[0]["file"] if len(masks) == 1 else ""
        lesion["full_file"] = fulls[0]["file"] if len(fulls) == 1 else ""
        if None in (series["crop"], series["mask"]):
            bad = row[IMAGES["crop" if series["crop"] is None else "mask"]]
            excluded.append(
                exclusion(lesion, "bad_path", f"{lesion['source']}: {bad!r} is not name/study/series/file.dcm")
            )
        elif not near:
            excluded.append(exclusion(lesion, "missing_series", f"jpeg/{series['crop']} has no file"))
        elif not crops:
            roles = some([f"{file['file']} ({file['problem'] or file['role']})" for file in near])
            excluded.append(exclusion(lesion, "no_crop", f"no file of the lesion is a crop: {roles}"))
        elif len(crops) > 1:
            excluded.append(
                exclusion(lesion, "ambiguous_crop", f"more than one crop: {some([file['file'] for file in crops])}")
            )
        else:
            lesion["crop_file"] = crops[0]["file"]
            if crops[0]["problem"]:
                excluded.append(exclusion(lesion, crops[0]["problem"], crops[0]["file"]))
    return lesions, excluded


def describe(row):
    """A row of lesions.csv, without its files, from a row of the case tables. A reader's 0 means 'not given' and becomes empty."""
    side, view, number = row["left_or_right_breast"], row["image_view"], row["abnormality_id"]
    reader = {name: row.get(name, "") for name in READER}
    return {
        "image_id": f"{row['kind']}_{row['patient_id']}_{side}_{view}_{number}",
        "lesion_id": f"{row['kind']}_{row['patient_id']}_{side}_{number}",
        "patient_id": row["patient_id"],
        "laterality": side.lower(),
        "view": view,
        "kind": row["kind"],
        "label": LABELS[row["pathology"]],
        "pathology": row["pathology"],
        **{name: None if value == "0" else value for name, value in reader.items()},
        "official_partition": row["official_partition"],
        "crop_file": "",
        "source": row["source"],
    }


def exclusion(lesion, reason, detail):
    return {"image_id": lesion["image_id"], "patient_id": lesion["patient_id"], "reason": reason, "detail": detail}
