"""What a study left, as the page reads it."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mammo.dataset.edition import Edition
from mammo.report.blocks import Files, Picture, Pictures
from mammo.report.figures import FIGURES
from mammo.report.templates import from_rst
from mammo.tables import read_table

if TYPE_CHECKING:
    import pandas as pd

    from mammo.study.settings import Study

BASELINE = "baseline"
SVG_BYTES = 600_000  # above it a figure is embedded as pixels
PNG_BYTES = 600_000  # above it these are compressed, with a loss that nobody sees
WIDEST = 2400  # pixels of such an image


@dataclass(frozen=True)
class Results:
    """The files of a study, and its settings.

    artifacts: {path relative to results/: path}. audit: audit.json of the baseline's split.
    study: the baseline's settings; settings and default: the same and the default study's as
    dicts, without what is no study's. overlays: {experiment: what it changes}. described: of how
    many experiments there are curves, controls and subgroups. made: packages and machine, as
    mammo.study.provenance.made_with returns them.
    """

    artifacts: Mapping[str, Path]
    audit: Path
    edition: Edition
    study: Study
    settings: Mapping[str, Any]
    default: Mapping[str, Any]
    overlays: Mapping[str, Any]
    described: int
    made: Mapping[str, Any]

    def table(self, path: str, schema: str) -> pd.DataFrame:
        """A table under results/."""
        return read_table(self.artifacts[path], schema)

    def optional(self, path: str, schema: str) -> pd.DataFrame | None:
        """A table under results/, None if this study has none."""
        return self.table(path, schema) if path in self.artifacts else None

    def json(self, path: str) -> Any:
        """A JSON file under results/."""
        return json.loads(self.artifacts[path].read_text(encoding="utf-8"))

    def checks(self) -> list[dict[str, Any]]:
        """The checks of the audit."""
        return json.loads(self.audit.read_text(encoding="utf-8"))["checks"]

    def files(self, start: str = "", end: str = "") -> list[str]:
        """The paths under results/ that begin and end so."""
        return sorted(p for p in self.artifacts if p.startswith(start) and p.endswith(end))

    def links(self, *paths: str) -> Files:
        """Links to those of the files that this study has."""
        return Files([path for path in paths if path in self.artifacts])

    def pictures(self, section: str, layout: str = "") -> list[Pictures]:
        """The figures of a section, if it has any."""
        records = [figure for figure in FIGURES.values() if figure.section == section]
        found = []
        for record in sorted(records, key=lambda figure: figure.order):
            files = {ending: f"plots/{record.name}.{ending}" for ending in ("csv", "svg", "png")}
            if not set(files.values()) <= self.artifacts.keys():
                continue
            text = record.alternative_text(self.table(files["csv"], record.schema))
            links = {"Table": files["csv"], "SVG": files["svg"], "PNG": files["png"]}
            svg, png = self.artifacts[files["svg"]], self.artifacts[files["png"]]
            source = data_uri(svg if svg.stat().st_size <= SVG_BYTES else png)
            alt = f"{record.title}. {text}"
            caption = from_rst(record.caption)
            shown = Picture(record.name, record.title, alt, text, caption, source, links)
            found.append(shown)
        return [Pictures(found, layout)] if found else []


def data_uri(path: Path) -> str:
    """An image file as the text of a link that holds it.

    In an <img>, an SVG runs no script and loads nothing.
    """
    data, kind = path.read_bytes(), {".svg": "svg+xml", ".png": "png"}[path.suffix]
    if kind == "png" and len(data) > PNG_BYTES:
        data, kind = _compressed(data), "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _compressed(data: bytes) -> bytes:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as opened:
        image = opened.convert("RGB")
        image.thumbnail((WIDEST, 4 * WIDEST))
        compressed = io.BytesIO()
        image.save(compressed, "JPEG", quality=85, optimize=True)
    return compressed.getvalue()
