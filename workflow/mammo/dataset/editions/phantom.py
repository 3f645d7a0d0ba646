"""A synthetic dataset in the layout of Kaggle's CBIS-DDSM, made by the workflow itself."""

from mammo.dataset.edition import Datasheet, Edition, Found, Look
from mammo.dataset.layout import CASE_TABLES, DICOM_INFO, META
from mammo.dataset.settings import Dataset, Phantom


def read(dataset: Dataset, look: Look, workers: int) -> Found:
    from mammo.dataset.readers.kaggle import read_kaggle

    return read_kaggle(dataset.required("path"), look, workers)


def watched(path: str, table: str | None) -> list[str]:
    # All of them, there or not: they are made when they are asked for.
    return [f"{path}/csv/{name}" for name in [*CASE_TABLES.values(), DICOM_INFO, META]]


def datasheet(phantom: Phantom) -> Datasheet:
    return Datasheet(
        motivation=(
            "Synthetic: made by the workflow itself, so that it can be tried and tested without a"
            " download. It stands for no patients.",
        ),
        composition=(
            f"{phantom.patients} synthetic patients, seed {phantom.seed}: breasts with smooth or"
            " spiculated masses and coarse or fine calcifications."
            f" {100 * phantom.lookalikes:g} % of the lesions are drawn like the other class (label"
            " noise). Traps, such as a truncated file or patients in both partitions, are planted"
            " and listed in `phantom/planted.csv`.",
            "There is nobody to be identified.",
        ),
        collection=("A program: no devices, no patients, no consent to ask for.",),
        labels=(
            "The label is the one that a lesion was made for: the truth, although the label noise"
            " does not show it.",
        ),
        uses=("For nothing else: a network that does well here says nothing about mammograms.",),
        distribution=("With the workflow, MIT licence. Never as mammograms.",),
        maintenance=("With the workflow: the same seed and version give the same images.",),
    )


def warning(phantom: Phantom) -> str:
    return (
        "The images, and the assessments that come with them, are synthetic: the result shows that"
        " the workflow works, and says nothing about mammograms."
        f" {100 * phantom.lookalikes:g} % of the lesions are drawn like the other class (label"
        f" noise), so the Bayes-optimal AUROC is {1 - phantom.lookalikes:.2f}; on a test partition"
        " of this size it varies by some hundredths."
    )


EDITION = Edition(
    name="phantom",
    description="A synthetic dataset, made on the spot, to try the workflow without a download.",
    origin="synthetic",
    read=read,
    watched=watched,
    datasheet=datasheet,
    needs=(),
    subject="synthetic images",
    warning=warning,
    limitation="The images are synthetic. No number here says anything about mammograms or about"
    " patients.",
)
