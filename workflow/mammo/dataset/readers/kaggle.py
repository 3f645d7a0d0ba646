"""CBIS-DDSM as published on Kaggle, and the synthetic dataset, which is laid out in the same way.

The case tables lie mostly in csv/, the images in jpeg/<SeriesInstanceUID>/.
"""

import os
import re
from pathlib import Path

from mammo.dataset.dicom import DESCRIBED
from mammo.dataset.edition import Found, Look
from mammo.dataset.headers import walk
from mammo.dataset.layout import DICOM_INFO, find, the_one
from mammo.dataset.readers.cbis_ddsm import (
    assign_roles,
    file_rows,
    match_files,
    read_case_tables,
)
from mammo.log import InputError, some
from mammo.tables import read_dataset_csv


def read_kaggle(folder: str, look: Look, workers: int) -> Found:
    """(files, lesions, excluded), rows as lists of dicts, from the dataset in `folder`.

    csv/ and jpeg/, or jpeg/ and the tables without csv/, lie in `folder` or up to two folders down.
    Raises InputError where a table or jpeg/ is missing or there twice, and where a table lacks a
    column or holds a value that is not known.
    """
    rows = read_case_tables(folder)
    files = file_rows(look(list_files(folder)))
    info = read_dicom_info(folder)
    for file, row in files.items():
        series, name = file.split("/")[-2:]
        row["series"] = series
        row["described"], row["bits"] = info.get(f"{series}/{name}", ("", None))
    assign_roles(folder, files, rows, workers)
    lesions, excluded = match_files(rows, files)
    return list(files.values()), lesions, excluded


def list_files(folder: str) -> list[str]:
    """Every JPEG in a series' folder below jpeg/, its path relative to the dataset.

    Names repeat across folders, so a path is the key.
    """
    jpeg = the_one(folder, "jpeg", find(folder, ["jpeg"])["jpeg"])
    below = [
        file
        for file in (walk(jpeg) if jpeg else ())
        if file.count("/") == 1 and file.lower().endswith((".jpg", ".jpeg"))
    ]
    if jpeg is None or not below:
        raise InputError(
            f"{jpeg or Path(folder, 'jpeg')} holds no .jpg file: is {folder} the folder that holds"
            " jpeg/, or one or two above it, and was it unzipped to its end?"
        )
    return [os.path.join(jpeg.relative_to(folder), file) for file in below]


def read_dicom_info(folder: str) -> dict[str, tuple[str, int | None]]:
    """{'<series>/<file name>': (role by its SeriesDescription or '', BitsAllocated)}.

    Empty where there is no dicom_info.csv.
    """
    path = the_one(folder, DICOM_INFO, find(folder, [DICOM_INFO])[DICOM_INFO])
    if path is None:
        print(f"{folder} has no {DICOM_INFO}, which distinguishes crops from masks")
        return {}
    table = read_dataset_csv(path, ["image_path", "SeriesDescription", "BitsAllocated"])
    table["key"] = table["image_path"].str.split("/").str[-2:].str.join("/")
    table = table[["key", "SeriesDescription", "BitsAllocated"]].drop_duplicates()
    if (repeated := table["key"].duplicated()).any():
        raise InputError(
            f"{path} describes a file in two ways: {some(table.loc[repeated, 'key'])}. Keep the"
            " right row of each."
        )
    return {
        row.key: (DESCRIBED.get(row.SeriesDescription.lower(), ""), _bits(row.BitsAllocated))
        for row in table.itertuples(index=False)
    }


def _bits(text: str) -> int | None:
    """'16' as a number; '16.0', too, which is written by what read a column with gaps."""
    match = re.fullmatch(r"(\d+)(\.0)?", text)
    return int(match[1]) if match else None
