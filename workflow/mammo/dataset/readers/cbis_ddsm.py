"""What both published editions of CBIS-DDSM share: the four case tables, and whose crop, mask and full image a file is.

A file is a row of files.csv as a dict, with what is known of it besides: `series` (its SeriesInstanceUID), `described`
(crop, mask, full or ''), `bits` (allocated for each pixel in the DICOM original, or None).
"""

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from threadpoolctl import threadpool_limits

from mammo.dataset.layout import CASE_TABLES, KINDS, PARTITIONS, find, the_one
from mammo.dataset.headers import printable
from mammo.dataset.images import looks_like_mask
from mammo.log import InputError, some
from mammo.tables import read_dataset_csv

LABELS = {"BENIGN": "benign", "BENIGN_WITHOUT_CALLBACK": "benign", "MALIGNANT": "malignant"}
IMAGES = {
    "full": "image_file_path",
    "crop": "cropped_image_file_path",
    "mask": "ROI_mask_file_path",
}
BITS = {8: "mask", 16: "crop"}
# What readers said, under the names of lesions.csv; what only one kind has is empty for the other.
READER = (
    "assessment",
    "breast_density",
    "subtlety",
    "mass_shape",
    "mass_margins",
    "calc_type",
    "calc_distribution",
)
NEEDED = ["patient_id", "breast_density", "left_or_right_breast", "image_view", "abnormality_id", "assessment", "pathology",
          "subtlety", *IMAGES.values()]  # fmt: skip


def read_case_tables(folder):
    """The rows of the four case tables as dicts, with where each stands in `source` and its three series in `series`.

    Raises InputError where a table is missing or there twice, lacks a column, or holds a value that is not known.
    """
    paths = {
        name: the_one(folder, name, found)
        for name, found in find(folder, CASE_TABLES.values()).items()
    }
    if missing := [name for name, path in paths.items() if path is None]:
        found = some(sorted(printable(path.name) for path in Path(folder).iterdir())) or "nothing"
        raise InputError(
            f"{folder}: missing {some(missing)}. It holds: {found}. Give the folder that holds the case tables, in csv/ or not, or one above it."
        )
    rows, wrong = [], []
    for (kind, part), name in CASE_TABLES.items():
        # Some columns are written with spaces in one table and with underscores in another: here all have underscores.
        table = read_dataset_csv(paths[name], NEEDED)
        if table.empty:
            print(f"{paths[name]} has no rows")
        for number, row in zip(
            table.index + 2, table.to_dict("records"), strict=True
        ):  # as a spreadsheet counts
            row |= {
                "kind": KINDS[kind],
                "official_partition": PARTITIONS[part],
                "source": f"{name} row {number}",
            }
            row["series"] = {role: series_of(row[column]) for role, column in IMAGES.items()}
            wrong += wrong_values(row)
            rows.append(row)
    if wrong:
        raise InputError(
            f"{folder}: {len(wrong)} value(s) that this edition does not know: {some(wrong)}. Correct the table(s)."
        )
    if not rows:
        raise InputError(
            f"{folder}: the case tables have no rows: {some(paths.values())}. Download them again."
        )
    return rows


def wrong_values(row):
    """What is wrong with a row of a case table, a line each."""
    known = [
        ("pathology", LABELS),
        ("left_or_right_breast", ("LEFT", "RIGHT")),
        ("image_view", ("CC", "MLO")),
    ]
    for column, allowed in known:
        if row[column] not in allowed:
            yield f"{row['source']}, {column}: {row[column]!r} (allowed: {', '.join(allowed)})"
    if not re.fullmatch(r"P_\d{5}", row["patient_id"]):
        yield f"{row['source']}, patient_id: {row['patient_id']!r} (allowed: P_ and five digits)"
    for column in ["abnormality_id", "assessment", "breast_density", "subtlety"]:
        if not row[column].isdigit():
            yield f"{row['source']}, {column}: {row[column]!r} (allowed: a whole number; 0 is 'not given')"


def series_of(path):
    """The SeriesInstanceUID in a case table's path, `name/StudyInstanceUID/SeriesInstanceUID/00000N.dcm`; None if it is no such path."""
    match = re.fullmatch(r"[^/]+/[\d.]+/([\d.]*\d[\d.]*)/[^/]+\.dcm", path)
    return match and match[1]


def file_rows(headers):
    """{file: its row so far}, from what a scan found."""
    return {
        file: header | {"file": printable(file), "role": "", "role_from": ""}
        for file, header in headers.items()
    }


def by_series(files):
    """{SeriesInstanceUID: [rows of its files]}."""
    found = {}
    for row in files.values():
        found.setdefault(row["series"], []).append(row)
    return found


def files_near(row, in_series):
    """The files among which a lesion's crop and mask are: the tables swap the two in places, so both series count."""
    series = dict.fromkeys([row["series"]["crop"], row["series"]["mask"]])
    return [file for uid in series if uid for file in in_series.get(uid, [])]


def assign_roles(folder, files, rows, workers):
    """Set role and role_from of the files: by description, else the tables, else bits, else pixels. Never by order.

    A series that the case tables call a full image is one. Masks have 8 bits and crops 16; where two files of a lesion have
    the same, bits tell nothing, and pixels do. A file that has no description and is no lesion's has no role.
    """
    in_series, full = by_series(files), {row["series"]["full"] for row in rows}
    same = {}  # for each file that bits or pixels must tell: how many files beside it have its bits
    for row in rows:
        near = files_near(row, in_series)
        bits = Counter(file["bits"] for file in near)
        same |= {file["file"]: max(bits[file["bits"]], same.get(file["file"], 0)) for file in near}
    unclear = []
    for name, file in files.items():
        if file["described"]:
            file |= {"role": file["described"], "role_from": "description"}
        elif file["series"] in full:  # such a series is one file
            file |= {"role": "full", "role_from": "table"}
        elif same.get(file["file"]) == 1 and file["bits"] in BITS:
            file |= {"role": BITS[file["bits"]], "role_from": "bits"}
        elif file["file"] in same and not file["problem"]:
            unclear.append((Path(folder, name), file))

    def tell(path, file):
        try:
            file |= {"role": "mask" if looks_like_mask(path) else "crop", "role_from": "pixels"}
        except ValueError:
            file["problem"] = "cannot_decode"

    if unclear:
        print(f"{len(unclear)} crops and masks are told apart by their pixels")
        with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
            list(pool.map(tell, *zip(*unclear, strict=True)))


def match_files(rows, files):
    """(lesions, excluded): each row of the case tables with its crop, mask and full image, and the rows that lack a sound crop.

    An exclusion's region is 'crop' where only the published crop is lost and the full image may still serve.
    """
    in_series = by_series(files)
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
            # The row that it repeats stays.
            excluded.append(
                exclusion(lesion, "duplicate_row", detail) | {"image_id": "", "region": ""}
            )
            continue
        seen[lesion["image_id"]] = lesion
        lesions.append(lesion)
        near = files_near(row, in_series)
        crops, masks = (
            [file for file in near if file["role"] == role] for role in ("crop", "mask")
        )
        fulls = [
            file for file in in_series.get(row["series"]["full"], []) if file["role"] == "full"
        ]
        lesion["mask_file"] = masks[0]["file"] if len(masks) == 1 else ""
        lesion["full_file"] = fulls[0]["file"] if len(fulls) == 1 else ""
        if bad := [row[IMAGES[role]] for role in ("crop", "mask") if row["series"][role] is None]:
            detail = f"{lesion['source']}: {bad[0]!r} is not name/study/series/file.dcm"
            excluded.append(exclusion(lesion, "bad_path", detail))
        elif not near:
            excluded.append(
                exclusion(lesion, "missing_series", f"no file is of series {row['series']['crop']}")
            )
        elif not crops:
            roles = some([f"{file['file']} ({file['problem'] or file['role']})" for file in near])
            excluded.append(
                exclusion(lesion, "no_crop", f"no file of the lesion is a crop: {roles}")
            )
        elif len(crops) > 1:
            detail = f"more than one crop: {some([file['file'] for file in crops])}"
            excluded.append(exclusion(lesion, "ambiguous_crop", detail))
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
    """A row of excluded.csv for a lesion that has no usable crop."""
    return {"image_id": lesion["image_id"], "patient_id": lesion["patient_id"], "region": "crop",
            "reason": reason, "detail": detail}  # fmt: skip
