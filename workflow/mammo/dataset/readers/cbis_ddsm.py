"""What the published formats of CBIS-DDSM share: the case tables, and the role of each file.

A file is a row of files.csv as a dict, with what is known of it besides: `series` (its
SeriesInstanceUID), `described` (crop, mask, full or ''), `bits` (allocated for each pixel in the
DICOM original, or None).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from threadpoolctl import threadpool_limits

from mammo.dataset.headers import printable
from mammo.dataset.images import looks_like_mask
from mammo.dataset.layout import CASE_TABLES, KINDS, PARTITIONS, find, the_one
from mammo.log import InputError, short, some
from mammo.tables import read_dataset_csv, without_point_zero

LABELS = {"BENIGN": "benign", "BENIGN_WITHOUT_CALLBACK": "benign", "MALIGNANT": "malignant"}
IMAGES = {
    "full": "image_file_path",
    "crop": "cropped_image_file_path",
    "mask": "ROI_mask_file_path",
}
BITS = {8: "mask", 16: "crop"}
NUMBERS = ("abnormality_id", "assessment", "breast_density", "subtlety")
# What radiologists said, under the names of lesions.csv; what only one kind has is empty for the
# other.
RADIOLOGIST = (
    "assessment",
    "breast_density",
    "subtlety",
    "mass_shape",
    "mass_margins",
    "calc_type",
    "calc_distribution",
)
NEEDED = [
    "patient_id",
    "left_or_right_breast",
    "image_view",
    "pathology",
    *NUMBERS,
    *IMAGES.values(),
]


def read_case_tables(folder: str | Path) -> list[dict]:
    """The rows of the four case tables as dicts.

    Besides the columns, a row has its `kind` and `official_partition`, its place in `source`, and
    {role: SeriesInstanceUID} in `series`. Raises InputError where a table is missing or there
    twice, lacks a column, or holds a value that is not known.
    """
    paths = _paths_of_case_tables(folder)
    rows: list[dict] = []
    wrong: list[str] = []
    for (kind, part), name in CASE_TABLES.items():
        # Some columns are written with spaces in one table and with underscores in another: here
        # all have underscores.
        table = read_dataset_csv(paths[name], NEEDED)
        if table.empty:
            print(f"{paths[name]} has no rows")
        table[[*NUMBERS]] = table[[*NUMBERS]].apply(without_point_zero)
        numbers = table.index + 2  # as a spreadsheet counts
        for number, row in zip(numbers, table.to_dict("records"), strict=True):
            row["kind"] = KINDS[kind]
            row["official_partition"] = PARTITIONS[part]
            row["source"] = f"{name} row {number}"
            row["series"] = {role: series_of(row[column]) for role, column in IMAGES.items()}
            wrong += wrong_values(row)
            rows.append(row)
    if wrong:
        raise InputError(
            f"{folder}: {len(wrong)} value(s) that this edition does not know: {some(wrong)}."
            " Correct the table(s)."
        )
    if not rows:
        raise InputError(
            f"{folder}: the case tables have no rows: {some(paths.values())}. Download them again."
        )
    return rows


def _paths_of_case_tables(folder: str | Path) -> dict[str, Path]:
    """{name: path}; raises InputError where a table is missing or there twice."""
    paths = {}
    for name, found in find(folder, CASE_TABLES.values()).items():
        if path := the_one(folder, name, found):
            paths[name] = path
    if missing := [name for name in CASE_TABLES.values() if name not in paths]:
        there = some(sorted(printable(path.name) for path in Path(folder).iterdir())) or "nothing"
        raise InputError(
            f"{folder}: missing {some(missing)}. It holds: {there}. Give the folder that holds the"
            " case tables, in csv/ or not, or one above it."
        )
    return paths


def wrong_values(row: dict) -> Iterator[str]:
    """What is wrong with a row of a case table, a line each."""
    for column, allowed in {
        "pathology": tuple(LABELS),
        "left_or_right_breast": ("LEFT", "RIGHT"),
        "image_view": ("CC", "MLO"),
    }.items():
        if row[column] not in allowed:
            yield _wrong_value(row, column, ", ".join(allowed))
    if not re.fullmatch(r"P_[0-9]{5}", row["patient_id"]):
        yield _wrong_value(row, "patient_id", "P_ and five digits")
    for column in NUMBERS:
        if not re.fullmatch("[0-9]+", row[column]):
            yield _wrong_value(row, column, "a whole number; 0 is 'not given'")


def _wrong_value(row: dict, column: str, allowed: str) -> str:
    return f"{row['source']}, {column}: {short(row[column])} (allowed: {allowed})"


def series_of(path: str) -> str | None:
    """The SeriesInstanceUID in a case table's path; None if it is no such path.

    Paths are `name/StudyInstanceUID/SeriesInstanceUID/00000N.dcm`.
    """
    match = re.fullmatch(r"[^/]+/[\d.]+/([\d.]*\d[\d.]*)/[^/]+\.dcm", path)
    return match[1] if match else None


def file_rows(headers: dict[str, dict]) -> dict[str, dict]:
    """{file: its row so far}, from what a scan found."""
    return {
        file: header | {"file": printable(file), "role": "", "role_from": ""}
        for file, header in headers.items()
    }


def by_series(files: Iterable[dict]) -> dict[str, list[dict]]:
    """{SeriesInstanceUID: [rows of its files]}."""
    found: dict[str, list[dict]] = {}
    for row in files:
        found.setdefault(row["series"], []).append(row)
    return found


def files_near(row: dict, in_series: dict[str, list[dict]]) -> list[dict]:
    """The files among which a lesion's crop and mask are.

    The tables swap the two in places, so both series count.
    """
    near = []
    for uid in dict.fromkeys([row["series"]["crop"], row["series"]["mask"]]):
        if uid:
            near += in_series.get(uid, [])
    return near


def assign_roles(
    folder: str | Path, files: dict[str, dict], rows: list[dict], workers: int
) -> None:
    """Set role and role_from of the files, never by their order.

    By description, else by the tables, else by bits, else by pixels:

    - A series that the case tables call a full image is one.
    - Masks have 8 bits and crops 16. Where two files of a lesion have the same, bits do not
      distinguish them, and pixels do.
    - A file that has no description and belongs to no lesion has no role.
    """
    same_bits = _files_of_same_bits(files, rows)
    full = {row["series"]["full"] for row in rows}
    unclear = []
    for name, file in files.items():
        if file["described"]:
            file |= {"role": file["described"], "role_from": "description"}
        elif file["series"] in full:  # such a series is one file
            file |= {"role": "full", "role_from": "table"}
        elif same_bits.get(file["file"]) == 1 and file["bits"] in BITS:
            file |= {"role": BITS[file["bits"]], "role_from": "bits"}
        elif file["file"] in same_bits and not file["problem"]:
            unclear.append((Path(folder, name), file))
    if unclear:
        print(f"{len(unclear)} crops and masks are distinguished by their pixels")
        with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
            list(pool.map(_assign_by_pixels, *zip(*unclear, strict=True)))


def _files_of_same_bits(files: dict[str, dict], rows: list[dict]) -> dict[str, int]:
    """{file: number of files near it that have its bits, itself among them}, of lesions' files.

    Of a file that several lesions share, the largest number.
    """
    in_series = by_series(files.values())
    same: dict[str, int] = {}
    for row in rows:
        near = files_near(row, in_series)
        bits = Counter(file["bits"] for file in near)
        same |= {file["file"]: max(bits[file["bits"]], same.get(file["file"], 0)) for file in near}
    return same


def _assign_by_pixels(path: Path, file: dict) -> None:
    try:
        file |= {"role": "mask" if looks_like_mask(path) else "crop", "role_from": "pixels"}
    except ValueError:
        file["problem"] = "cannot_decode"


def match_files(rows: list[dict], files: dict[str, dict]) -> tuple[list[dict], list[dict]]:
    """(lesions, excluded): each row of the case tables with its files, and what is excluded.

    Excluded are rows that repeat another, and lesions that lack a sound crop: with region 'crop',
    since only the published crop is lost and the whole image may still serve.
    """
    in_series = by_series(files.values())
    excluded = []
    seen: dict[str, dict] = {}
    for row in rows:
        lesion = describe(row)
        if first := seen.get(lesion["image_id"]):
            excluded.append(_repeat(lesion, first))
            continue
        seen[lesion["image_id"]] = lesion
        near = files_near(row, in_series)
        crops = _of_role("crop", near)
        lesion["mask_file"] = _only(_of_role("mask", near))
        lesion["full_file"] = _only(_of_role("full", in_series.get(row["series"]["full"], [])))
        reason, detail = _why_no_crop(row, near, crops)
        if reason != "bad_path":
            lesion["crop_file"] = _only(crops)
        if reason:
            excluded.append(exclusion(lesion, reason, detail))
    return list(seen.values()), excluded


def _repeat(lesion: dict, first: dict) -> dict:
    """The exclusion of a row that repeats an earlier one, which is kept."""
    if first["label"] != lesion["label"]:
        raise InputError(
            f"{lesion['source']} says {lesion['label']} and {first['source']} says"
            f" {first['label']} of the same lesion in the same view, {lesion['image_id']}. Remove"
            " or correct one of the rows."
        )
    detail = f"{lesion['source']} repeats {first['source']}, {lesion['image_id']}"
    return exclusion(lesion, "duplicate_row", detail) | {"image_id": "", "region": ""}


def _why_no_crop(row: dict, near: list[dict], crops: list[dict]) -> tuple[str, str]:
    """(reason, detail) of a lesion that has no usable crop; empty where it has one."""
    bad = [row[IMAGES[role]] for role in ("crop", "mask") if row["series"][role] is None]
    if bad:
        return "bad_path", f"{row['source']}: {bad[0]!r} is not name/study/series/file.dcm"
    if not near:
        return "missing_series", f"no file is of series {row['series']['crop']}"
    if not crops:
        roles = some([f"{file['file']} ({file['problem'] or file['role']})" for file in near])
        return "no_crop", f"no file of the lesion is a crop: {roles}"
    if len(crops) > 1:
        return "ambiguous_crop", f"more than one crop: {some([file['file'] for file in crops])}"
    if crops[0]["problem"]:
        return crops[0]["problem"], crops[0]["file"]
    return "", ""


def _of_role(role: str, files: list[dict]) -> list[dict]:
    return [file for file in files if file["role"] == role]


def _only(files: list[dict]) -> str:
    """The only file's name; '' where there is none, or more than one."""
    return files[0]["file"] if len(files) == 1 else ""


def describe(row: dict) -> dict:
    """A row of lesions.csv, without its files, from a row of the case tables.

    A radiologist's 0 means 'not given' and becomes empty.
    """
    side, view, number = row["left_or_right_breast"], row["image_view"], row["abnormality_id"]
    said = {name: row.get(name, "") for name in RADIOLOGIST}
    return {
        "image_id": f"{row['kind']}_{row['patient_id']}_{side}_{view}_{number}",
        "lesion_id": f"{row['kind']}_{row['patient_id']}_{side}_{number}",
        "patient_id": row["patient_id"],
        "laterality": side.lower(),
        "view": view,
        "kind": row["kind"],
        "label": LABELS[row["pathology"]],
        "pathology": row["pathology"],
        **{name: None if value == "0" else value for name, value in said.items()},
        "official_partition": row["official_partition"],
        "crop_file": "",
        "source": row["source"],
    }


def exclusion(lesion: dict, reason: str, detail: str) -> dict:
    """A row of excluded.csv for a lesion that has no usable crop."""
    return {
        "image_id": lesion["image_id"],
        "patient_id": lesion["patient_id"],
        "region": "crop",
        "reason": reason,
        "detail": detail,
    }
