"""The dataset's inventory: a row per file, a row per lesion in a view, what is left out and why, and a summary to read."""

import hashlib
import json
import os
from collections import Counter
from itertools import groupby
from pathlib import Path

import pandas as pd

from mammo.dataset.editions.dicom import read_dicom
from mammo.dataset.editions.folder import read_folders
from mammo.dataset.editions.kaggle import read_kaggle
from mammo.dataset.editions.table import read_own_table
from mammo.dataset.headers import as_table, printable, read_known, scan
from mammo.log import InputError
from mammo.tables import left_in, write_table

# An edition is one function that returns files, lesions and exclusions; nothing downstream asks which it was.
EDITIONS = {
    "phantom": lambda dataset, look, workers: read_kaggle(dataset["path"], look, workers),
    "kaggle": lambda dataset, look, workers: read_kaggle(dataset["path"], look, workers),
    "dicom": lambda dataset, look, workers: read_dicom(dataset["path"], look, workers),
    "table": lambda dataset, look, workers: read_own_table(dataset["path"], dataset["table"], look),
    "folder": lambda dataset, look, workers: read_folders(
        dataset["path"], dataset["patient"], look
    ),
}


def take_inventory(dataset, workers, known=None):
    """(files, lesions, excluded, headers) as DataFrames. `dataset` is the configuration's section of that name.

    `known` are the headers of an earlier scan, {file: header}; `headers` are those of this one. Raises InputError where
    nothing is usable.
    """
    path = dataset["path"]
    headers = {}

    def look(files):
        found = scan(path, files, workers, known or {})
        headers.update(found)
        return found

    files, lesions, excluded = map(
        pd.DataFrame, EDITIONS[dataset["edition"]](dataset, look, workers)
    )
    excluded = excluded.reindex(columns=["image_id", "patient_id", "region", "reason", "detail"])
    sound = set(files.loc[files["problem"] == "", "file"]) if len(files) else set()
    if (
        left_in(lesions, excluded).empty
        and not lesions.get("full_file", pd.Series(dtype=str)).isin(sound).any()
    ):
        reasons = ", ".join(
            f"{reason} ({n})" for reason, n in Counter(excluded["reason"]).most_common()
        )
        detail = excluded.iloc[0]["detail"]
        raise InputError(
            f"{path}: not one of {len(lesions)} lesions has a usable image: {reasons}; the first: {detail}. Check dataset.path, and the paths in the dataset's tables."
        )
    headers = as_table(
        {file: header for file, header in headers.items() if printable(file) == file}
    )
    return files, lesions, excluded, headers


def summarize(edition, files, lesions, excluded, conflicts, record):
    """The inventory as Markdown, for a person."""
    columns = ["kind", "official_partition", "mask_file", "full_file"]
    usable = lesions.assign(**{name: "" for name in columns if name not in lesions}).fillna("")
    usable["crop"] = lesions["image_id"].isin(left_in(lesions, excluded)["image_id"])
    usable = usable.assign(
        mask=usable["mask_file"].isin(files["file"]), full=usable["full_file"].isin(files["file"])
    )
    usable = usable[~usable["image_id"].isin(excluded.loc[excluded["region"] == "", "image_id"])]
    text = [f"# The {edition} edition: what is in it", ""]
    text += [
        f"{len(files)} files; {len(usable)} lesions in a view of {usable['patient_id'].nunique()} patients, {usable['crop'].sum()} with a usable crop.",
        "",
    ]
    if len(usable):
        examples = "; ".join(
            f"`{_plain(row.image_id)}` is of `{_plain(row.patient_id)}`"
            for row in usable.head(3).itertuples()
        )
        text += [f"Whose an image is, for example: {examples}.", ""]
    text += [
        "## Lesions in a view",
        "",
        "By the pathology that the dataset gives and the label that follows; and how many have a usable crop, a mask, a full image.",
        "",
    ]
    counts = usable.groupby(["kind", "official_partition", "pathology", "label"]).agg(
        lesions=("image_id", "size"),
        patients=("patient_id", "nunique"),
        crops=("crop", "sum"),
        masks=("mask", "sum"),
        fulls=("full", "sum"),
    )
    text += _table(
        [
            "kind",
            "official partition",
            "pathology",
            "label",
            "lesions",
            "patients",
            "crops",
            "masks",
            "full images",
        ],
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
    if len(conflicts):
        text += [
            "## Lesions of both classes",
            "",
            f"{len(conflicts)}; {conflicts['done'].iloc[0]}.",
            "",
        ]
        text += _table(
            ["lesion", "its views"], conflicts[["lesion_id", "views"]].to_numpy().tolist()
        )
    text += [
        "## Files",
        "",
        f"Fingerprint of names, sizes and tables: `{record['fingerprint']}`.",
        "",
    ]
    text += ["What each file is, and what told so.", ""]
    roles = (
        files.fillna("")
        .groupby(["role", "role_from", "problem"])
        .agg(n=("file", "size"), size=("bytes", "sum"))
        .reset_index()
    )
    rows = [
        [r.role or "unknown", r.role_from, r.problem, r.n, f"{r.size / 1e6:.1f}"]
        for r in roles.itertuples(index=False)
    ]
    text += _table(["role", "told by", "problem", "files", "MB"], rows)
    text += ["## Folders", "", "Each level, with its first files.", ""]
    for folder, names in groupby(sorted(files["file"], key=_top), key=_top):
        names = list(names)
        text += [
            f"- `{folder}`: {len(names)} files, such as "
            + ", ".join(f"`{_plain(name)}`" for name in names[:3])
        ]
    return "\n".join(text) + "\n"


def _top(file):
    return file.split("/")[0] + "/" if "/" in file else "."


def _plain(value):
    """A value as one line of a Markdown table's cell."""
    return " ".join(str(value).split()).replace("|", "\\|")


def _table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(_plain(cell) for cell in line) + " |" for line in lines] + [""]


def fingerprint(files, tables):
    """What the dataset is, as a dict: a hash over the names and sizes of its files and the contents of its tables.

    tables: {name: content in bytes}. The first 12 hex digits of the hash stand in every table and figure made from the dataset.
    """
    digest = hashlib.sha256()
    for file, size in sorted(zip(files["file"], files["bytes"], strict=True)):
        digest.update(f"{file}\0{size}\n".encode())
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(tables.items())}
    digest.update(json.dumps(hashes).encode())
    return {
        "fingerprint": digest.hexdigest()[:12],
        "sha256": digest.hexdigest(),
        "files": len(files),
        "bytes": int(files["bytes"].sum()),
        "tables": hashes,
    }


def label_conflicts(lesions):
    """The lesions of which the views bear different labels, a DataFrame; a lesion is not of both classes, but who is to say which."""
    labels = lesions[["lesion_id", "label"]].drop_duplicates()
    lesions = lesions[
        lesions["lesion_id"].isin(labels.loc[labels.duplicated("lesion_id"), "lesion_id"])
    ]
    told = lesions.assign(view=lesions["image_id"] + " " + lesions["pathology"])
    rows = (
        told.groupby("lesion_id")
        .agg(patient_id=("patient_id", "first"), views=("view", "; ".join))
        .reset_index()
    )
    return rows.assign(done="each view keeps the label that the dataset gives it")


def main(dataset, tables, workers, code, output):
    # headers.csv is an output that Snakemake leaves in place, for the next run to begin with.
    known = read_known(output["headers"], code)
    files, lesions, excluded, headers = take_inventory(dataset, workers, known)
    # A table of one's own may lie beside the dataset's folder.
    tables = {
        Path(os.path.relpath(table, dataset["path"])).as_posix(): Path(table).read_bytes()
        for table in tables
    }
    record = fingerprint(files, tables)
    excluded["dataset"] = record["fingerprint"]
    conflicts = label_conflicts(lesions)
    frames = {"files": files, "lesions": lesions, "excluded": excluded, "conflicts": conflicts}
    for name, frame in frames.items():
        write_table(frame, output[name], name)
    write_table(headers.assign(code=code), output["headers"], "headers")
    Path(output["fingerprint"]).write_text(
        json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    text = summarize(dataset["edition"], files, lesions, excluded, conflicts, record)
    Path(output["summary"]).write_text(text, encoding="utf-8")
    print(
        f"{len(files)} files, {len(lesions)} lesions, {len(excluded)} rows left out; dataset {record['fingerprint']}"
    )
