"""The results folder: which dataset it belongs to.

Imported while the Snakefile is parsed, so it imports nothing slow.
"""

import json
import os
from pathlib import Path

from mammo.dataset.settings import Dataset

RECORD = "results/dataset.json"
Owner = dict[str, str | None]  # edition, path and table


def owner(dataset: Dataset, folder: str | Path) -> Owner:
    """What identifies a dataset. A relative path starts at `folder`, and becomes absolute."""
    path, table = dataset.path, dataset.table
    if path is not None:
        path = os.path.realpath(os.path.join(folder, os.path.expanduser(path)))
    if table is not None:
        table = os.path.normpath(table)
    return {"edition": dataset.edition, "path": path, "table": table}


def claim(mine: Owner) -> str:
    """The text of a record that says which dataset the results beside it belong to."""
    return json.dumps(mine, indent=2) + "\n"


def claim_results(record: str | Path, mine: Owner) -> None:
    """Write the record, a file beside the results. Called when a run starts."""
    Path(record).parent.mkdir(exist_ok=True)
    Path(record).write_text(claim(mine), encoding="utf-8")


def other_owner(record: str | Path, mine: Owner) -> str:
    """A message if the results beside the record are of another dataset than `mine`, else ''.

    A record without results, which a run that failed at once leaves behind, binds nobody.
    """
    record = Path(record).resolve()
    if not record.exists() or not _has_results(record.parent):
        return ""
    return other_than(mine, record.read_text(encoding="utf-8"), record)


def _has_results(results: Path) -> bool:
    folders = [results / name for name in ("inventory", "tensors", "splits", "runs")]
    return any(path.is_file() for folder in folders for path in folder.rglob("*"))


def other_than(
    mine: Owner, text: str, record: str | Path, elsewhere: str = "--directory ELSEWHERE"
) -> str:
    """A message if the text of a record names another dataset than `mine`, else ''.

    `elsewhere` is the option that names another place.
    """
    place = str(record).rpartition("/")[0]
    try:
        theirs = json.loads(text)
        theirs = {key: theirs[key] for key in mine}
    except (ValueError, KeyError, TypeError):
        return (
            f"{record} cannot be read. It should say which dataset these results are from, as JSON"
            f" with {', '.join(mine)}.\n"
            f"If they are from the dataset of this run, write into it: {json.dumps(mine)}\n"
            f"If not, add {elsewhere}, or move the results away."
        )
    if theirs == mine:
        return ""
    return (
        f"{place} was made from another dataset:\n"
        f"  there:  {_describe(theirs)}\n"
        f"  asked:  {_describe(mine)}\n"
        "Nothing was changed. To go on, do one of these:\n"
        "  - to continue that study, give the --configfile and --config that it was made with;\n"
        f"  - to run this dataset beside it, add {elsewhere} (a dataset path is then absolute);\n"
        "  - to start over, delete all that is in that folder but its README.md and downloads/;\n"
        "  - if the dataset has only moved to another place, correct its path in\n"
        f"    {record}; it is then read anew."
    )


def _describe(dataset: Owner) -> str:
    given = [f"{key} {dataset[key]}" for key in ("path", "table") if dataset[key] is not None]
    return ", ".join([f"the {dataset['edition']} edition", *given])
