"""The flow of a study: what the dataset holds, what each step excludes and why, what remains.

Everything is counted from one row per lesion in a view. Such a row is excluded once at most: where
it is lost first.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mammo.exclusions import REASONS, reason_in_words
from mammo.log import InputError, some
from mammo.tables import read_table
from mammo.words import CLASSES, PARTITIONS

# What remains after a step, in words.
STEPS = {
    "dataset": "In the dataset",
    "inventory": "Usable",
    "whole_images": "Grouped by whole image",
    "split": "Assigned to a partition",
    "decoding": "Decoded and used",
}
REGIONS = {  # after the step region
    "crop": "With an ROI crop",
    "context": "With an ROI in context",
    "full": "With a whole image",
}

# Patients, breasts, lesions, images and entries: a number of each; None where it is not known.
Counts = dict[str, Any]


class Account(NamedTuple):
    """The tables from which the flow of a study is counted.

    The inventory's lesions and what it excluded; the images of the region and what that excluded;
    what could not be decoded; the manifest of the split and what that excluded.
    """

    lesions: pd.DataFrame
    excluded: pd.DataFrame
    images: pd.DataFrame
    region_excluded: pd.DataFrame
    undecoded: pd.DataFrame
    manifest: pd.DataFrame
    split_excluded: pd.DataFrame


def read_account(paths: Mapping[str, str]) -> Account:
    """Read the tables of an account from their paths, by the names of its fields."""
    exclusions = ("excluded", "region_excluded", "undecoded", "split_excluded")
    schemas = {name: "excluded" if name in exclusions else name for name in Account._fields}
    return Account(**{name: read_table(paths[name], schema) for name, schema in schemas.items()})


def count_flow(account: Account, region: str) -> pd.DataFrame:
    """Count what there is, what each step excludes, and what each partition ends up with.

    Columns: fold, step, reason, partition, label, description (the row in words), patients,
    breasts, lesions, images, entries.

    - Step dataset: what there is. An entry is a lesion in a view that the dataset lists, or what
      stands for none: a row that repeats another, a file in its folders that is no image.
    - With a reason: what the step excludes for it. images and entries are lost there, an image with
      the last of its lesions. patients, breasts and lesions have lost something there, and may have
      other images that stay.
    - Without: what remains after the step. In images and entries that is what was there before
      minus what was excluded.
    - Step partitions: what runs use, by partition, and by the label of the image: a patient with
      images of both classes counts in both.

    A breast is a patient's side. breasts is missing where the side of a row is not known.
    """
    table = []
    for fold, fate in follow(account, region):
        count = counter(account.lesions, fate["image"])
        rows = [*_rows_of_steps(account, fate, count, region), *_rows_of_partitions(fate, count)]
        table += [{"fold": fold} | row for row in rows]
    return pd.DataFrame(table).astype({"breasts": "Int64"})


def _rows_of_steps(
    account: Account, fate: pd.DataFrame, count: Callable[..., Counts], region: str
) -> Iterator[dict]:
    """Rows of the flow of a fold, from the dataset to the images that are used."""
    words = STEPS | {"region": REGIONS[region]}
    without_lesion = account.excluded.loc[account.excluded["image_id"] == "", "reason"]
    repeats = without_lesion.value_counts()
    left = np.ones(len(account.lesions), bool)
    remaining = count(left)
    entries = len(account.lesions) + len(without_lesion)
    yield _row("dataset", words["dataset"], remaining | {"entries": entries})
    for reason in sorted(repeats.index, key=_order):
        counts = dict.fromkeys(remaining, 0) | {"entries": int(repeats[reason])}
        yield _row("inventory", reason_in_words(reason), counts, reason=reason)

    for step in ("inventory", "region", "split", "decoding"):
        lost_here = fate["step"] == step
        for reason in sorted(fate.loc[lost_here, "reason"].unique(), key=_order):
            lost = (lost_here & (fate["reason"] == reason)).to_numpy()
            left &= ~lost
            before, remaining = remaining, count(left)
            counts = count(lost) | {"images": before["images"] - remaining["images"]}
            yield _row(step, reason_in_words(reason), counts, reason=reason)
        yield _row(step, words[step], remaining)
        if step == "region" and region == "full":
            yield _row("whole_images", words["whole_images"], remaining)


def _rows_of_partitions(fate: pd.DataFrame, count: Callable[..., Counts]) -> Iterator[dict]:
    """Rows of the flow of a fold: what each partition holds, altogether and by class."""
    for partition in PARTITIONS:
        here = fate["partition"] == partition
        name = partition.capitalize()
        yield _row("partitions", name, count(here), partition=partition)
        for label in CLASSES:
            counts = count(here & (fate["label"] == label))
            yield _row("partitions", f"{name}, {label}", counts, partition=partition, label=label)


def _row(
    step: str,
    description: str,
    counts: Counts,
    *,
    reason: str = "",
    partition: str = "",
    label: str = "",
) -> dict:
    place = {"step": step, "reason": reason, "partition": partition, "label": label}
    return place | {"description": description} | counts


def _order(reason: str) -> tuple[int, str]:
    """The reasons of a step are listed as in REASONS, then others by their code."""
    return list(REASONS).index(reason) if reason in REASONS else len(REASONS), reason


def follow(account: Account, region: str) -> Iterator[tuple[int, pd.DataFrame]]:
    """Yield (fold, fate) of each fold of the manifest: what became of each lesion in a view.

    region is crop, context or full. A fate has the index of the lesions, and the columns

    - image, the image that shows the lesion, by name, or by file if whole; '' if none does;
    - step and reason, where and why it was excluded first; '' if it is used;
    - partition and label of the image; '' if it is excluded.

    Raises InputError where the tables contradict one another: a manifest holds images that a table
    lists as excluded before.
    """
    lesions, images = account.lesions, account.images
    name, known_as = ("full_file", "file") if region == "full" else ("image_id", "image_id")
    ids = pd.Series(images["image_id"].to_numpy(), images[known_as])
    image_id = lesions[name].map(ids).fillna("")
    lost = account.excluded[account.excluded["region"].isin(["", region])]
    fate = pd.DataFrame({"image": lesions[name], "step": "", "reason": ""}, index=lesions.index)
    fate = _exclude(fate, "inventory", lesions["image_id"], lost)
    no_image = image_id == ""
    fate = _exclude(fate, "region", lesions["image_id"], account.region_excluded, no_image)
    for fold, rows in account.manifest.groupby("fold"):
        rows = rows.set_index("image_id")
        folds = account.split_excluded["fold"]
        excluded = account.split_excluded[folds.isna() | (folds == fold)]
        here = _exclude(fate, "split", image_id, excluded, ~image_id.isin(rows.index))
        here = _exclude(here, "decoding", image_id, account.undecoded)
        used = here["step"] == ""
        possible = {*account.undecoded["image_id"], *image_id[used]}
        if wrong := sorted({*rows.index} - possible):
            raise InputError(
                f"The split's manifest.csv, fold {fold}, holds {len(wrong)} image(s) that the "
                f"inventory does not know or that were excluded: {some(wrong)}. Make both again, "
                "with --forcerun take_inventory."
            )
        for column in ("partition", "label"):
            here[column] = image_id.map(rows[column]).where(used, "")
        yield int(fold), here


def _exclude(
    fate: pd.DataFrame,
    step: str,
    ids: pd.Series,
    excluded: pd.DataFrame,
    missing: pd.Series | None = None,
) -> pd.DataFrame:
    """`fate` with `step` and a reason in the rows that are lost there, unless they were before.

    Lost are those listed in `excluded` by their `ids`, and those `missing`, if unlisted. What is
    listed twice is lost for the reason that comes first in REASONS.
    """
    excluded = excluded[excluded["image_id"] != ""]
    reasons = sorted(excluded["reason"].unique(), key=_order)
    ranks = {reason: rank for rank, reason in enumerate(reasons)}
    excluded = excluded.sort_values("reason", key=lambda codes: codes.map(ranks))
    reason = ids.map(excluded.drop_duplicates("image_id").set_index("image_id")["reason"])
    if missing is not None:
        reason = reason.mask(reason.isna() & missing, "unlisted")
    lost = reason.notna() & (fate["step"] == "")
    return fate.assign(step=fate["step"].mask(lost, step), reason=fate["reason"].mask(lost, reason))


def counter(lesions: pd.DataFrame, image: pd.Series) -> Callable[..., Counts]:
    """A function from a mask over `lesions` to the number of different things that it holds.

    The function returns {patients, breasts, lesions, images, entries}. `image` names the image that
    shows each row, '' for none. breasts is None where the mask holds a row of unknown side.
    """
    sides = pd.MultiIndex.from_frame(lesions[["patient_id", "laterality"]])
    names = {
        "patients": lesions["patient_id"],
        "breasts": sides,
        "lesions": lesions["lesion_id"],
        "images": image,
    }
    codes = {unit: pd.factorize(values)[0] for unit, values in names.items()}
    codes["images"] = np.where(image == "", -1, codes["images"])
    unknown = (lesions["laterality"] == "").to_numpy()

    def count(mask: np.ndarray | pd.Series) -> Counts:
        mask = np.asarray(mask)
        numbers: Counts = {
            unit: int(np.count_nonzero(np.bincount(code[mask & (code >= 0)])))
            for unit, code in codes.items()
        }
        numbers["breasts"] = None if unknown[mask].any() else numbers["breasts"]
        return numbers | {"entries": int(mask.sum())}

    return count
