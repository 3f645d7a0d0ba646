"""CBIS-DDSM as DICOM: the case tables, and files in any layout.

Files are joined to the tables by the SeriesInstanceUID of their headers. Names of folders and the
headers' PatientID, which is one for each image and misspelt in places, play no part.
"""

import re

from mammo.dataset.edition import Found, Look
from mammo.dataset.headers import walk
from mammo.dataset.readers.cbis_ddsm import (
    assign_roles,
    file_rows,
    match_files,
    read_case_tables,
)
from mammo.log import InputError


def read_dicom(folder: str, look: Look, workers: int) -> Found:
    """(files, lesions, excluded), rows as lists of dicts, from the dataset in `folder`.

    The case tables lie in `folder` or up to two folders down, in csv/ or not. Raises InputError as
    read_case_tables does, and where there is no DICOM file.
    """
    rows = read_case_tables(folder)
    headers = look([file for file in walk(folder) if may_be_dicom(file)])
    files = file_rows(
        {file: header for file, header in headers.items() if named_dicom(file) or header["series"]}
    )
    if not files:
        raise InputError(
            f"{folder} holds no DICOM file, neither one that ends in .dcm nor one without an"
            " ending."
        )
    assign_roles(folder, files, rows, workers)
    lesions, excluded = match_files(rows, files)
    return list(files.values()), lesions, excluded


def named_dicom(file: str) -> bool:
    """Whether a file's name says that it is DICOM."""
    return file.lower().endswith(".dcm")


def may_be_dicom(file: str) -> bool:
    """Whether a file is worth opening: it ends in .dcm or has no ending.

    The last part of a UID, as in `1.2.840`, is no ending.
    """
    return named_dicom(file) or not re.search(r"\.[A-Za-z]\w*$", file.rsplit("/", 1)[-1])
