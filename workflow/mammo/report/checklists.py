"""Reporting checklists: which items a study's own files answer, and which are left to a person.

The items are in checklists.yaml beside this file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import pandas as pd
import yaml

from mammo.dataset.edition import Edition
from mammo.paths import WORKFLOW

READS = ["mammo/report/checklists.yaml"]
CHECKLISTS = yaml.safe_load((WORKFLOW / READS[0]).read_text(encoding="utf-8"))


def answered(
    there: Collection[str],
    edition: Edition,
    checklists: Sequence[Mapping[str, Any]] = CHECKLISTS,
) -> pd.DataFrame:
    """A row per item: checklist, item, asks, status, where, note (schema `checklists`).

    there: the files under results/, relative to it, and the places of the page
    (`report.html#flow`), that this study has.
    An item is filled if each of its `by`, a path or a pattern of paths, is there, and the dataset's
    origin is one of its `only`; of another origin its note would be untrue.
    """
    rows = []
    for checklist in checklists:
        for number, item in checklist["items"].items():
            found = [_first(pattern, there) for pattern in item.get("by", [])]
            applies = edition.origin in item.get("only", [edition.origin])
            filled = bool(found) and all(found) and applies
            rows.append(
                {
                    "checklist": checklist["name"],
                    "item": str(number),
                    "asks": item["asks"],
                    "status": "filled" if filled else "open",
                    "where": "; ".join(found) if filled else "",
                    "note": item.get("note", "") if applies else "",
                }
            )
    return pd.DataFrame(rows)


def _first(pattern: str, there: Collection[str]) -> str:
    return next((path for path in sorted(there) if fnmatchcase(path, pattern)), "")


def grouped(items: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The checklists as the page's template shows them."""
    sources = {checklist["name"]: checklist["source"] for checklist in CHECKLISTS}
    for name, rows in items.groupby("checklist", sort=False):
        records = rows.to_dict("records")
        for row in records:
            row["links"] = row["where"].split("; ") if row["where"] else []
        filled = int((rows["status"] == "filled").sum())
        yield {"name": name, "source": sources[name], "filled": filled, "rows": records}
