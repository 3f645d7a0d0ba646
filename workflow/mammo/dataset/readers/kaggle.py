"""CBIS-DDSM as published on Kaggle: the case tables, mostly in csv/, and jpeg/<SeriesInstanceUID>/ with the images.

The phantom edition is laid out in the same way and read by the same function.
"""

import os
import re
from pathlib import Path

from mammo.dataset.dicom import DESCRIBED
from mammo.dataset.readers.cbis_ddsm import assign_roles, file_rows, match_files, read_case_tables
from mammo.dataset.layout import find, the_one
from mammo.dataset.headers import walk
from mammo.log import InputError, some
from mammo.tables import read_dataset_csv


def read_kaggle(folder, scan, workers):
    """(files, lesions, excluded), the rows of three tables as lists of dicts, from the dataset in `folder`.

    csv/ and jpeg/, or jpeg/ and the tables without csv/, lie in `folder` or up to two folders down. `scan` takes a list of
    files and returns their headers. Raises InputError where a table or jpeg/ is missing or there twice, a table lacks a
    column, or holds a value that this edition does not know.
    """
    rows = read_case_tables(folder)
    files = file_rows(scan(list_files(folder)))
    info = read_dicom_info(folder)
    for file, row in files.items():
        row["series"] = file.split("/")[-2]
        row["described"], row["bits"] = info.get("/".join(file.split("/")[-2:]), ("", None))
    assign_roles(folder, files, rows, workers)
    lesions, excluded = match_files(rows, files)
    return list(files.values()), lesions, excluded


def list_files(folder):
    """Every JPEG in a series' folder below jpeg/, its path relative to the dataset. File names repeat across folders: paths are the key."""
    jpeg = the_one(folder, "jpeg", find(folder, ["jpeg"])["jpeg"])
    files = walk(jpeg) if jpeg else ()
    files = [
        file for file in files if file.count("/") == 1 and file.lower().endswith((".jpg", ".jpeg"))
    ]
    if not files:
        raise InputError(
            f"{jpeg or Path(folder, 'jpeg')} holds no .jpg file: is {folder} the folder that holds jpeg/, or one or two above it, "
            "and was it unzipped to its end?"
        )
    return [os.path.join(jpeg.relative_to(folder), file) for file in files]


def read_dicom_info(folder):
    """{'<series>/<file name>': (what its SeriesDescription says it is, BitsAllocated)}; empty where there is no dicom_info.csv."""
    path = the_one(folder, "dicom_info.csv", find(folder, ["dicom_info.csv"])["dicom_info.csv"])
    if path is None:
        print(f"{folder} has no dicom_info.csv, which tells crops and masks apart")
        return {}
    table = read_dataset_csv(path, ["image_path", "SeriesDescription", "BitsAllocated"])
    table["key"] = table["image_path"].str.split("/").str[-2:].str.join("/")
    table = table[["key", "SeriesDescription", "BitsAllocated"]].drop_duplicates()
    if (twice := table["key"].duplicated()).any():
        raise InputError(
            f"{path} describes a file in two ways: {some(table.loc[twice, 'key'])}. Keep the right row of each."
        )
    return {
        row.key: (DESCRIBED.get(row.SeriesDescription.lower(), ""), _bits(row.BitsAllocated))
        for row in table.itertuples(index=False)
    }


def _bits(text):
    """'16' as a number; '16.0' too, as a table is written that was read where a row lacked the value."""
    match = re.fullmatch(r"(\d+)(\.0)?", text)
    return int(match[1]) if match else None
