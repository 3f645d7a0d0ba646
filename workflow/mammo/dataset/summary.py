"""The inventory as Markdown, for a person."""

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import pandas as pd

from mammo.dataset.patients import count_patients
from mammo.tables import left_in

MOST_LISTED = 1000  # spellings of patients' names
LONGEST = 120  # characters of a name that are shown
KINDS_OF_LESIONS = ["kind", "official_partition", "pathology", "label"]


def summarize(
    edition: str,
    files: pd.DataFrame,
    lesions: pd.DataFrame,
    excluded: pd.DataFrame,
    conflicts: pd.DataFrame,
    record: dict,
    spellings: pd.DataFrame,
) -> str:
    """The text of summary.md from the inventory's tables and its fingerprint `record`.

    `spellings` are the names of patients that were replaced, as in_one_spelling returns them.
    """
    usable = usable_lesions(files, lesions, excluded)
    lines = [
        f"# Inventory of the dataset, {edition} edition",
        "",
        f"{len(files)} files; {len(usable)} lesions in a view of {usable['patient_id'].nunique()}"
        f" patients, {usable['crop'].sum()} with a usable ROI crop.",
        "",
        *_patients(usable),
        *_spellings(spellings),
        *_lesions(usable),
        *_excluded(excluded),
        *_conflicts(conflicts),
        *_files(files, record["fingerprint"]),
        *_folders(files),
    ]
    return "\n".join(lines) + "\n"


def usable_lesions(
    files: pd.DataFrame, lesions: pd.DataFrame, excluded: pd.DataFrame
) -> pd.DataFrame:
    """The lesions that are not excluded from all regions; crop, mask, full: whether it has them."""
    columns = ["kind", "official_partition", "mask_file", "full_file"]
    missing = {name: "" for name in columns if name not in lesions}
    usable = lesions.assign(**missing).fillna("")
    usable = usable.assign(
        crop=lesions["image_id"].isin(left_in(lesions, excluded)["image_id"]),
        mask=usable["mask_file"].isin(files["file"]),
        full=usable["full_file"].isin(files["file"]),
    )
    return usable[~usable["image_id"].isin(excluded.loc[excluded["region"] == "", "image_id"])]


def _patients(usable: pd.DataFrame) -> Iterator[str]:
    if len(usable):
        examples = [
            f"{_code(row.image_id)} is of {_code(row.patient_id)}"
            for row in usable.head(3).itertuples()
        ]
        yield f"Patients of images, for example: {'; '.join(examples)}."
        yield ""
        yield from _counted(usable)


def _counted(usable: pd.DataFrame) -> Iterator[str]:
    """How the images are spread over patients, and what is to be doubted about their names."""
    crops = usable["crop_file"].fillna("")
    patients = count_patients(usable.assign(file=crops.mask(crops == "", usable["image_id"])))
    head = ["patients", "of both classes", "with one image", "most images of a patient", "images"]
    counts = [patients.number, patients.both_classes, patients.single]
    yield from _table(head, [[*counts, patients.images_of_largest, patients.images]])
    if patients.one_per_image:
        yield (
            "**Every image is a patient of its own.** If patients have several images, the names"
            " are those of images, and a patient can be on both sides of a split."
        )
        yield ""
    if patients.mostly_one:
        yield (
            f"**{_code(patients.largest)} has {patients.images_of_largest} of {patients.images}"
            " images.** The name is probably not a patient's, but common to many."
        )
        yield ""
    if patients.mostly_of_both_classes:
        yield (
            f"**{patients.both_classes} of {patients.number} patients have images of both"
            " classes.** If patients are numbered anew in each class, two people share a name: give"
            " them different ones."
        )
        yield ""
    several = usable[(crops != "") & crops.duplicated(keep=False)]
    if len(several):
        yield (
            f"{several['crop_file'].nunique()} images are named in several rows, a row for each"
            f" finding: {len(several)} rows. Such a row is called file#finding."
        )
        yield ""


def _spellings(spellings: pd.DataFrame) -> Iterator[str]:
    if len(spellings):
        yield "## Patients under several spellings"
        yield ""
        yield (
            f"{len(spellings)} spellings are of the same number, or differ only in spaces, dashes"
            " or forms of a character. Each is the patient of the first spelling."
        )
        yield ""
        rows = spellings.head(MOST_LISTED).to_numpy().tolist()
        rows = [[_visible(kept), _visible(written), number] for kept, written, number in rows]
        yield from _table(["patient", "written as", "lesions in a view"], rows)
        if len(spellings) > MOST_LISTED:
            yield f"And {len(spellings) - MOST_LISTED} more."
            yield ""


def _lesions(usable: pd.DataFrame) -> Iterator[str]:
    yield "## Lesions in a view"
    yield ""
    yield (
        "By the pathology that the dataset gives and the label that follows from it; and how many"
        " have a usable ROI crop, a mask, a whole image."
    )
    yield ""
    counts = usable.groupby(KINDS_OF_LESIONS).agg(
        lesions=("image_id", "size"),
        patients=("patient_id", "nunique"),
        crops=("crop", "sum"),
        masks=("mask", "sum"),
        fulls=("full", "sum"),
    )
    kinds = [name.replace("_", " ") for name in KINDS_OF_LESIONS]
    head = [*kinds, "lesions", "patients", "crops", "masks", "whole images"]
    yield from _table(head, counts.reset_index().to_numpy().tolist())


def _excluded(excluded: pd.DataFrame) -> Iterator[str]:
    yield "## Excluded"
    yield ""
    if excluded.empty:
        yield "Nothing."
    else:
        yield from _table(["reason", "rows"], excluded["reason"].value_counts().items())
        yield "Row by row: `excluded.csv`. What cannot be decoded is listed later, in `tensors/`."
    yield ""


def _conflicts(conflicts: pd.DataFrame) -> Iterator[str]:
    if len(conflicts):
        yield "## Lesions of both classes"
        yield ""
        yield f"{len(conflicts)}; {conflicts['done'].iloc[0]}."
        yield ""
        rows = conflicts[["lesion_id", "views"]].to_numpy().tolist()
        yield from _table(["lesion", "its views"], rows)


def _files(files: pd.DataFrame, fingerprint: str) -> Iterator[str]:
    yield "## Files"
    yield ""
    yield f"Fingerprint of names, sizes and tables: `{fingerprint}`."
    yield ""
    yield "The role of each file, and where it is known from."
    yield ""
    groups = files.fillna("").groupby(["role", "role_from", "problem"])
    counts = groups.agg(number=("file", "size"), size=("bytes", "sum")).reset_index()
    rows = [
        [row.role or "unknown", row.role_from, row.problem, row.number, f"{row.size / 1e6:.1f}"]
        for row in counts.itertuples(index=False)
    ]
    yield from _table(["role", "known from", "problem", "files", "MB"], rows)


def _folders(files: pd.DataFrame) -> Iterator[str]:
    yield "## Folders"
    yield ""
    yield "Each level, with its first files."
    yield ""
    for folder, members in groupby(sorted(files["file"], key=_top), key=_top):
        names = list(members)
        examples = ", ".join(map(_code, names[:3]))
        yield f"- {_code(folder)}: {len(names)} files, such as {examples}"


def _top(file: str) -> str:
    return file.split("/")[0] + "/" if "/" in file else "."


def _plain(value: object) -> str:
    """A value as text in one line of Markdown: nothing in it is markup."""
    text = " ".join(str(value).split())
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    return re.sub(r"([\\`*\[\]|])", r"\\\1", html.escape(text, quote=False))


def _code(value: object) -> str:
    """A value as code, unless that could be mistaken for markup."""
    text = " ".join(str(value).split())
    return f"`{text}`" if _plain(value) == text else _plain(value)


def _visible(name: str) -> str:
    """A name between quotes, with what one does not see in it."""
    return re.sub(" {2,}", lambda spaces: "␣" * len(spaces[0]), repr(name))


def _table(head: list[str], rows: Iterable[Sequence]) -> Iterator[str]:
    for cells in [head, ["---"] * len(head), *rows]:
        yield "| " + " | ".join(_plain(cell) for cell in cells) + " |"
    yield ""
