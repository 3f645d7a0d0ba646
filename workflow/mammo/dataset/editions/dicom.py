"""CBIS-DDSM as DICOM files, from The Cancer Imaging Archive or the Imaging Data Commons."""

from mammo.dataset.cbis_ddsm import CITATION, datasheet
from mammo.dataset.edition import Edition, Found, Look
from mammo.dataset.layout import CASE_TABLES, find_all
from mammo.dataset.settings import Dataset


def read(dataset: Dataset, look: Look, workers: int) -> Found:
    from mammo.dataset.readers.dicom import read_dicom

    return read_dicom(dataset.required("path"), look, workers)


def watched(path: str, table: str | None) -> list[str]:
    return find_all(path, [*CASE_TABLES.values()])


EDITION = Edition(
    name="dicom",
    description="CBIS-DDSM as DICOM files, as published by The Cancer Imaging Archive.",
    origin="published",
    read=read,
    watched=watched,
    datasheet=datasheet,
    overlay="config/dicom.yaml",
    citation=CITATION,
)
