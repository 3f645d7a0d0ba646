"""Reporting checklists (checklists.yaml beside this file): which items this study's own files answer, and which are left to a person."""

from fnmatch import fnmatchcase

import pandas as pd
import yaml

from mammo.paths import WORKFLOW

READS = ["mammo/report/checklists.yaml"]
CHECKLISTS = yaml.safe_load((WORKFLOW / READS[0]).read_text(encoding="utf-8"))


def answered(there, edition, checklists=CHECKLISTS):
    """A DataFrame with a row per item: checklist, item, asks, status, where, note, as the schema `checklists` says.

    there: the files under results/, relative to it, and the places of the page (`report.html#flow`), that this study has. An item is
    filled if each of its `by`, a path or a pattern of paths, is there, and the edition is one of its `only`; in another its note
    would be untrue.
    """
    rows = []
    for checklist in checklists:
        for number, item in checklist["items"].items():
            found = [_first(pattern, there) for pattern in item.get("by", [])]
            filled = bool(found) and all(found) and edition in item.get("only", [edition])
            rows.append(
                {
                    "checklist": checklist["name"],
                    "item": str(number),
                    "asks": item["asks"],
                    "status": "filled" if filled else "open",
                    "where": "; ".join(found) if filled else "",
                    "note": item.get("note", "") if edition in item.get("only", [edition]) else "",
                }
            )
    return pd.DataFrame(rows)


def _first(pattern, there):
    return next((path for path in sorted(there) if fnmatchcase(path, pattern)), None)
