"""Images of one's own that a CSV names."""

from pathlib import Path

from mammo.dataset.edition import Edition, Found, Look
from mammo.dataset.own_images import PICTURES, SHOWN, datasheet
from mammo.dataset.settings import Dataset


def read(dataset: Dataset, look: Look, workers: int) -> Found:
    from mammo.dataset.readers.own_table import read_own_table

    return read_own_table(dataset.required("path"), dataset.required("table"), look)


def watched(path: str, table: str | None) -> list[str]:
    where = Path(path, table or "")
    return [str(where)] if where.is_file() else []


EDITION = Edition(
    name="table",
    description="Images of your own, named in a CSV with the columns file, label and patient.",
    origin="own",
    read=read,
    watched=watched,
    datasheet=datasheet,
    needs=("path", "table"),
    given="--config 'dataset={path: DIR, table: FILE.csv}'",
    overlay="config/table.yaml",
    pictures=PICTURES,
    shown=SHOWN,
)
