"""The synthetic dataset's rows in the tables of Kaggle's CBIS-DDSM, columns named as published."""

import csv
from pathlib import Path

from mammo.dataset.phantom.plan import File, Listing, scan_name

ROLES = {"full": "full mammogram images", "crop": "cropped images", "mask": "ROI mask images"}
# The columns of dicom_info.csv; those are filled that say something of a drawing.
DICOM_INFO = """
    file_path image_path AccessionNumber BitsAllocated BitsStored BodyPartExamined Columns
    ContentDate ContentTime ConversionType HighBit InstanceNumber LargestImagePixelValue Laterality
    Modality PatientBirthDate PatientID PatientName PatientOrientation PatientSex
    PhotometricInterpretation PixelRepresentation ReferringPhysicianName Rows SOPClassUID
    SOPInstanceUID SamplesPerPixel SecondaryCaptureDeviceManufacturer
    SecondaryCaptureDeviceManufacturerModelName SeriesDescription SeriesInstanceUID SeriesNumber
    SmallestImagePixelValue SpecificCharacterSet StudyDate StudyID StudyInstanceUID StudyTime
"""


def case_row(listing: Listing) -> dict:
    """A row of a case table; the columns of masses and of calcifications are named as published."""
    lesion, view, paths = listing
    mass = lesion.kind == "mass"
    return {
        "patient_id": lesion.patient,
        "breast_density" if mass else "breast density": lesion.density,
        "left or right breast": lesion.side,
        "image view": view,
        "abnormality id": lesion.number,
        "abnormality type": lesion.kind,
        "mass shape" if mass else "calc type": lesion.words[view][0],
        "mass margins" if mass else "calc distribution": lesion.words[view][1],
        "assessment": lesion.assessment,
        "pathology": lesion.pathology[view],
        "subtlety": lesion.subtlety,
        "image file path": paths[0],
        "cropped image file path": paths[1],
        "ROI mask file path": paths[2],
    }


def dicom_info_row(file: File, shape: tuple[int, ...], described: bool) -> dict:
    """A row of dicom_info.csv for a file of `shape`, (rows, columns).

    Not `described`: without the description and the side.
    """
    lesion, name = file.lesion, scan_name(file.lesion, file.view)
    bits = 8 if file.role == "mask" else 16
    original = file.file.removeprefix("jpeg/").removesuffix(".jpg")
    return dict.fromkeys(DICOM_INFO.split(), "") | {
        "file_path": f"CBIS-DDSM/dicom/{original}.dcm",
        "image_path": f"CBIS-DDSM/{file.file}",
        "BitsAllocated": bits,
        "BitsStored": bits,
        "BodyPartExamined": "BREAST",
        "Columns": shape[1],
        "Laterality": lesion.side[0] if described else "",
        "Modality": "MG",
        "PatientID": name if file.role == "full" else f"{name}_{lesion.number}",
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": shape[0],
        "SamplesPerPixel": 1,
        "SeriesDescription": ROLES[file.role] if described else "",
        "SeriesInstanceUID": file.series,
        "StudyInstanceUID": file.study,
    }


def meta_row(file: File, before: dict | None) -> dict:
    """A row of meta.csv, which describes series, not files.

    A series that holds a crop and a mask is called by either of them. `before` is the series' row
    so far.
    """
    return {
        "SeriesInstanceUID": file.series,
        "StudyInstanceUID": file.study,
        "Modality": "MG",
        "SeriesDescription": ROLES[file.role],
        "BodyPartExamined": "BREAST",
        "SeriesNumber": 1,
        "Collection": "phantom",
        "Visibility": 1,
        "ImageCount": 1 + (before["ImageCount"] if before else 0),
    }


def write_csv(path: Path, rows: list[dict]) -> None:
    """Write rows with the same keys to a CSV, as the published tables are written."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
