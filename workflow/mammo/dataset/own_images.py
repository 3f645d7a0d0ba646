"""What can be said of images of one's own, in whatever format they come: little."""

from mammo.dataset.edition import OPEN, REGIONS_SHOWN, Datasheet
from mammo.dataset.settings import Phantom

SHOWN = REGIONS_SHOWN | {
    "crop": "an image as the table or folder names it, taken as the ROI crop of a lesion"
}
PICTURES = "Images"
DATASHEET = Datasheet(
    motivation=(
        OPEN + "only you can tell; the workflow knows no more than the table and the files.",
    ),
    composition=(
        OPEN + "who the patients are, how they were chosen, what was de-identified and how.",
    ),
    collection=(
        OPEN + "where, when and with which devices the images were taken, with whose consent and"
        " approval.",
    ),
    labels=(
        "Labels are taken as they were given.",
        OPEN + "how benign and malignant were established, and by whom.",
    ),
    uses=(OPEN + "what it should not be used for.",),
    distribution=(OPEN + "who may have it, and under which licence.",),
    maintenance=(OPEN + "who maintains it.",),
)


def datasheet(phantom: Phantom) -> Datasheet:
    """The datasheet of either format for images of one's own."""
    return DATASHEET
