"""The phantom's rows in the tables of CBIS-DDSM's Kaggle edition, columns named as published.

A lesion is a dict as make_phantom plans it; what can differ between its views is a dict with a key for each view. A file is
a dict with its lesion, view, role, path and UIDs.
"""

import csv

KINDS = {"mass": "mass", "calcification": "calc"}  # kind -> its name in the tables' file names
PARTITIONS = {"training": "train", "test": "test"}
ROLES = {"full": "full mammogram images", "crop": "cropped images", "mask": "ROI mask images"}
# The columns of dicom_info.csv; the phantom fills those that say something of a drawing.
DICOM_INFO = """
    file_path image_path AccessionNumber BitsAllocated BitsStored BodyPartExamined Columns ContentDate ContentTime
    ConversionType HighBit InstanceNumber LargestImagePixelValue Laterality Modality PatientBirthDate PatientID PatientName
    PatientOrientation PatientSex PhotometricInterpretation PixelRepresentation ReferringPhysicianName Rows SOPClassUID
    SOPInstanceUID SamplesPerPixel SecondaryCaptureDeviceManufacturer SecondaryCaptureDeviceManufacturerModelName
    SeriesDescription SeriesInstanceUID SeriesNumber SmallestImagePixelValue SpecificCharacterSet StudyDate StudyID
    StudyInstanceUID StudyTime
"""


def image_id(lesion, view):
    return f"{lesion['kind']}_{lesion['patient']}_{lesion['side']}_{view}_{lesion['number']}"


def scan_name(lesion, view):
    """What the published paths and the DICOM PatientID call a scan; a crop and its mask add the lesion's number."""
    return f"{KINDS[lesion['kind']].title()}-{lesion['partition'].title()}_{lesion['patient']}_{lesion['side']}_{view}"


def case_row(lesion, view, paths):
    """A row of a case table; the columns of masses and of calcifications are named as published."""
    mass = lesion["kind"] == "mass"
    return {
        "patient_id": lesion["patient"],
        "breast_density" if mass else "breast density": lesion["density"],
        "left or right breast": lesion["side"],
        "image view": view,
        "abnormality id": lesion["number"],
        "abnormality type": lesion["kind"],
        "mass shape" if mass else "calc type": lesion["words"][view][0],
        "mass margins" if mass else "calc distribution": lesion["words"][view][1],
        "assessment": lesion["assessment"],
        "pathology": lesion["pathology"][view],
        "subtlety": lesion["subtlety"],
        "image file path": paths[0],
        "cropped image file path": paths[1],
        "ROI mask file path": paths[2],
    }


def dicom_info_row(file, shape, described):
    """A row of dicom_info.csv for a file of `shape` (rows, columns); not `described`: without the description and the side."""
    lesion, name = file["lesion"], scan_name(file["lesion"], file["view"])
    bits = 8 if file["role"] == "mask" else 16
    return dict.fromkeys(DICOM_INFO.split(), "") | {
        "file_path": f"CBIS-DDSM/dicom/{file['file'].removeprefix('jpeg/').removesuffix('.jpg')}.dcm",
        "image_path": f"CBIS-DDSM/{file['file']}",
        "BitsAllocated": bits,
        "BitsStored": bits,
        "BodyPartExamined": "BREAST",
        "Columns": shape[1],
        "Laterality": lesion["side"][0] if described else "",
        "Modality": "MG",
        "PatientID": name if file["role"] == "full" else f"{name}_{lesion['number']}",
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": shape[0],
        "SamplesPerPixel": 1,
        "SeriesDescription": ROLES[file["role"]] if described else "",
        "SeriesInstanceUID": file["series"],
        "StudyInstanceUID": file["study"],
    }


def meta_row(file, before):
    """A row of meta.csv, which describes series, not files: one that holds a crop and a mask is called by either of them."""
    return {
        "SeriesInstanceUID": file["series"],
        "StudyInstanceUID": file["study"],
        "Modality": "MG",
        "SeriesDescription": ROLES[file["role"]],
        "BodyPartExamined": "BREAST",
        "SeriesNumber": 1,
        "Collection": "phantom",
        "Visibility": 1,
        "ImageCount": 1 + (before["ImageCount"] if before else 0),
    }


def write_csv(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
