"""What a file says of itself: a figure, in its metadata, of which dataset it is and which table it shows."""

import re
from pathlib import Path

from PIL import Image

from mammo.hashing import sha256


def save_figure(figure, paths, table, dataset):
    """Save a matplotlib Figure at each of `paths` (PNG, SVG), stamped with the hash of the `table` (a path) and the dataset."""
    source = f"{Path(table).name} sha256:{sha256(table)}"
    for path in paths:
        if (
            Path(path).suffix == ".svg"
        ):  # of Dublin Core's names; no date, so that the same table gives the same bytes
            stamps = {"Date": None, "Identifier": f"dataset {dataset}", "Source": source}
        else:
            stamps = {"Dataset": dataset, "Source": source}
        figure.savefig(path, metadata=stamps)


def table_shown(path):
    """(name, hash) of the table that a PNG or SVG says it shows; None where it says nothing of the kind."""
    source = ""
    if path.suffix == ".svg":
        text = path.read_text(encoding="utf-8", errors="replace")
        source = (re.findall(r"<dc:source>([^<]*)</dc:source>", text) or [""])[0]
    elif path.suffix == ".png":
        with Image.open(path) as image:
            source = image.info.get("Source", "")
    name, _, digest = source.partition(" sha256:")
    return (name, digest) if digest else None
