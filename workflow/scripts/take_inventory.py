"""The dataset's inventory: a row per file, a row per lesion in a view, what is left out and why, and a summary to read."""

from collections import Counter
from itertools import groupby

import pandas as pd

from lib.editions.kaggle import read_kaggle
from lib.editions.table import read_own_table
from lib.log import InputError, log_to
from lib.tables import left_in, write_table

# An edition is one function that returns files, lesions and exclusions; nothing downstream asks which it was.
EDITIONS = {
    "phantom": lambda path, table, workers: read_kaggle(path, workers),
    "kaggle": lambda path, table, workers: read_kaggle(path, workers),
    "table": read_own_table,
}


def take_inventory(edition, path, table, workers):
    """(files, lesions, excluded) as DataFrames. Raises InputError where nothing is usable."""
    files, lesions, excluded = EDITIONS[edition](path, table, workers)
    files, lesions = pd.DataFrame(files), pd.DataFrame(lesions)
    excluded = pd.DataFrame(excluded, columns=["image_id", "patient_id", "reason", "detail"])
    if left_in(lesions, excluded).empty:
        reasons = ", ".join(f"{reason} ({n})" for reason, n in Counter(excluded["reason"]).most_common())
        detail = excluded.iloc[0]["detail"]
        raise InputError(
            f"{path}: not one of {len(lesions)} lesions has a usable image: {reasons}; the first: {detail}. Check dataset.path, and the paths in the dataset's tables."
        )
    return files, lesions, excluded


def summarize(edition, files, lesions, excluded):
    """The inventory as Markdown, for a person."""
    ready = left_in(lesions, excluded)
    text = [f"# The {edition} edition: what is in it", ""]
    text += [
        f"{len(files)} files, {len(lesions)} lesions in a view, {len(ready)} of them usable, of {ready['patient_id'].nunique()} patients.",
        "",
    ]
    text += [
        "## Lesions in a view",
        "",
        "Usable ones, by the pathology that the dataset gives and the label that follows.",
        "",
    ]
    groups = ready.fillna("").assign(kind=ready.get("kind", ""), official_partition=ready.get("official_partition", ""))
    counts = groups.groupby(["kind", "official_partition", "pathology", "label"]).agg(
        lesions=("image_id", "size"), patients=("patient_id", "nunique")
    )
    text += _table(
        ["kind", "official partition", "pathology", "label", "lesions", "patients"],
        counts.reset_index().to_numpy().tolist(),
    )
    text += ["## Left out", ""]
    if len(excluded):
        rows = [[reason, n] for reason, n in excluded["reason"].value_counts().items()]
        text += [
            *_table(["reason", "rows"], rows),
            "Row by row: `excluded.csv`. What cannot be decoded shows later, in `tensors/`.",
            "",
        ]
    else:
        text += ["Nothing.", ""]
    text += ["## Files", "", "What each file is, and what told so.", ""]
    roles = (
        files.fillna("")
        .groupby(["role", "role_from", "problem"])
        .agg(n=("file", "size"), size=("bytes", "sum"))
        .reset_index()
    )
    rows = [
        [r.role or "unknown", r.role_from, r.problem, r.n, f"{r.size / 1e6:.1f}"] for r in roles.itertuples(index=False)
    ]
    text += _table(["role", "told by", "problem", "files", "MB"], rows)
    text += ["## Folders", "", "Each level, with its first files.", ""]
    for folder, names in groupby(sorted(files["file"], key=_top), key=_top):
        names = list(names)
        text += [f"- `{folder}`: {len(names)} files, such as " + ", ".join(f"`{_plain(name)}`" for name in names[:3])]
    return "\n".join(text) + "\n"


def _top(file):
    return file.split("/")[0] + "/" if "/" in file else "."


def _plain(value):
    """A value as one line of a Markdown table's cell."""
    return " ".join(str(value).split()).replace("|", "\\|")


def _table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(_plain(cell) for cell in line) + " |" for line in lines] + [""]


def main(edition, path, table, workers, output):
    files, lesions, excluded = take_inventory(edition, path, table, workers)
    for frame, name in [(files, "files"), (lesions, "lesions"), (excluded, "excluded")]:
        write_table(frame, output[name], name)
    with open(output["summary"], "w", encoding="utf-8") as summary:
        summary.write(summarize(edition, files, lesions, excluded))
    print(f"{len(files)} files, {len(lesions)} lesions, {len(excluded)} rows left out")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            snakemake.params.edition, snakemake.params.path, snakemake.params.table, snakemake.threads, snakemake.output
        )
