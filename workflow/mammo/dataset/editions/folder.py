"""Images of one's own, sorted into the folders benign/ and malignant/."""

from mammo.dataset.edition import Edition, Found, Look
from mammo.dataset.own_images import PICTURES, SHOWN, datasheet
from mammo.dataset.settings import Dataset


def read(dataset: Dataset, look: Look, workers: int) -> Found:
    from mammo.dataset.readers.folders import read_folders

    return read_folders(dataset.required("path"), dataset.required("patient"), look)


def watched(path: str, table: str | None) -> list[str]:
    return []  # names of files say everything, and the inventory is asked for these


EDITION = Edition(
    name="folder",
    description="Images of your own, sorted into the folders `benign/` and `malignant/`.",
    origin="own",
    read=read,
    watched=watched,
    datasheet=datasheet,
    needs=("path", "patient"),
    given="--config \"dataset={path: DIR, patient: '([^/_]+)_'}\"",
    overlay="config/folder.yaml",
    pictures=PICTURES,
    shown=SHOWN,
)
