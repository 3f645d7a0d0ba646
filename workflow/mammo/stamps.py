"""What a figure says of itself in its metadata: its dataset, and the table that it shows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mammo.hashing import sha256

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save_figure(figure: Figure, paths: Iterable[str], table: str, dataset: str) -> None:
    """Save a figure at each of `paths` (PNG, SVG), stamped with its dataset.

    The other stamp is the name and hash of the CSV at `table`, which it shows.
    """
    source = f"{Path(table).name} sha256:{sha256(table)}"
    stamps: dict[str, dict[str, Any]] = {
        ".png": {"Dataset": dataset, "Source": source},
        # Dublin Core's names; no date, so that the same table gives the same bytes.
        ".svg": {"Date": None, "Identifier": f"dataset {dataset}", "Source": source},
    }
    for path in paths:
        figure.savefig(path, metadata=stamps[Path(path).suffix])


def table_shown(path: Path) -> tuple[str, str] | None:
    """(name, hash) of the table that a PNG or SVG says it shows; None if it says nothing."""
    source = ""
    if path.suffix == ".svg":
        text = path.read_text(encoding="utf-8", errors="replace")
        source = (re.findall(r"<dc:source>([^<]*)</dc:source>", text) or [""])[0]
    elif path.suffix == ".png":
        from PIL import Image

        with Image.open(path) as image:
            source = image.info.get("Source", "")
    name, _, digest = source.partition(" sha256:")
    return (name, digest) if digest else None
