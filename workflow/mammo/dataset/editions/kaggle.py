"""CBIS-DDSM as published on Kaggle."""

from mammo.dataset.cbis_ddsm import CITATION, datasheet
from mammo.dataset.edition import Edition, Found, Look
from mammo.dataset.layout import CASE_TABLES, DICOM_INFO, find_all
from mammo.dataset.settings import Dataset


def read(dataset: Dataset, look: Look, workers: int) -> Found:
    from mammo.dataset.readers.kaggle import read_kaggle

    return read_kaggle(dataset.required("path"), look, workers)


def watched(path: str, table: str | None) -> list[str]:
    return find_all(path, [*CASE_TABLES.values(), DICOM_INFO])


EDITION = Edition(
    name="kaggle",
    description="CBIS-DDSM as JPEG files, as published on Kaggle.",
    origin="published",
    read=read,
    watched=watched,
    datasheet=datasheet,
    overlay="config/kaggle.yaml",
    citation=CITATION,
)
