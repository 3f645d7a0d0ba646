"""What a section of the page is made of. templates/page.html.jinja has a macro for each kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple


class Text(NamedTuple):
    """A paragraph."""

    text: str
    kind: str = "text"


class Heading(NamedTuple):
    """A heading below the section's, to which checklists and links can lead."""

    id: str
    title: str
    kind: str = "heading"


class Lines(NamedTuple):
    """A list with a bullet for each line; `code` is marked by backticks."""

    lines: Sequence[str]
    kind: str = "lines"


class Code(NamedTuple):
    """Text as it stands, in a fixed-width font."""

    text: str
    kind: str = "code"


class Files(NamedTuple):
    """Links to files under results/."""

    paths: Sequence[str]
    kind: str = "files"


class Table(NamedTuple):
    """A table of text.

    columns: their heads. rows: lists of cells; the first is the row's head. words: the columns
    that hold text rather than numbers. tall: it scrolls within the page.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: Sequence[int] = (0,)
    notes: Sequence[str] = ()
    tall: bool = False
    kind: str = "table"


class Picture(NamedTuple):
    """A figure. source: a data URI. text: what it shows, beside the title. links: {word: path}."""

    id: str
    title: str
    alt: str
    text: str
    caption: str
    source: str
    links: Mapping[str, str]


class Pictures(NamedTuple):
    """Figures. layout: '', 'beside' one another or 'full' width."""

    pictures: Sequence[Picture]
    layout: str = ""
    kind: str = "pictures"


class Special(NamedTuple):
    """What only one section has; `kind` names its macro."""

    kind: str
    content: Any


Block = Text | Heading | Lines | Code | Files | Table | Pictures | Special


class Section(NamedTuple):
    """A section of the page. style: a class of the style sheet."""

    id: str
    title: str
    blocks: Sequence[Block]
    style: str = ""


def places(sections: Iterable[Section]) -> list[str]:
    """The ids that a link can lead to, in their order."""
    found = []
    for section in sections:
        found.append(section.id)
        found += [block.id for block in section.blocks if isinstance(block, Heading)]
    return found
