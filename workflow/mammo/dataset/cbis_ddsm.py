"""What is known of CBIS-DDSM, in whatever format it comes."""

from mammo.dataset.edition import OPEN, Datasheet
from mammo.dataset.settings import Phantom

CITATION = (
    "R. Sawyer-Lee et al., Curated Breast Imaging Subset of Digital Database for Screening"
    " Mammography (CBIS-DDSM), The Cancer Imaging Archive, 2016, doi 10.7937/K9/TCIA.2016.7O02S9CY;"
    " described in R. S. Lee et al., Scientific Data 4 (2017) 170177, doi 10.1038/sdata.2017.177"
)
DATASHEET = Datasheet(
    motivation=(
        "Made by others, to give research on computer-aided diagnosis of mammograms a common"
        f" dataset: {CITATION}.",
    ),
    composition=(
        "Digitised film mammograms from the DDSM (1990s, several sites in the USA), with ROI crops"
        " and masks of masses and calcifications, in the official training and test partitions."
        " Published without names; the patient ids are made up.",
        OPEN + "age, ethnicity and scanner, which the case tables do not give.",
    ),
    collection=(
        "Retrospective: chosen by its makers from the DDSM's screening examinations; this workflow"
        " takes what is published.",
        OPEN + "how patients were asked and who approved it: see the dataset's paper.",
    ),
    labels=(
        "Malignant and benign come from the tables' pathology; `BENIGN_WITHOUT_CALLBACK` is counted"
        " as benign, and was not always proven by biopsy. Assessment (BI-RADS), density and"
        " subtlety are a radiologist's, and never an input of the network.",
    ),
    uses=(
        "Film of the 1990s is not today's digital mammography, and lesions that were selected for a"
        " dataset are not those of screening.",
    ),
    distribution=(
        "The Cancer Imaging Archive, CC BY 3.0; a JPEG copy on Kaggle. Not part of this workflow,"
        " which can download it.",
    ),
    maintenance=(
        "The DICOM files by The Cancer Imaging Archive; the JPEG copy by its uploader on Kaggle.",
    ),
)


def datasheet(phantom: Phantom) -> Datasheet:
    """The datasheet of either published format."""
    return DATASHEET
