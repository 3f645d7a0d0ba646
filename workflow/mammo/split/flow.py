"""The flow of a study: what the dataset holds, what is left out at which step and why, and what each partition ends up with.

Everything is counted from one row per lesion in a view, and each such row is left out once at most: where it is first lost.
"""

import numpy as np
import pandas as pd

from mammo.exclusions import REASONS, reason_in_words
from mammo.log import InputError, some
from mammo.tables import PARTITIONS, read_table

LABELS = ["benign", "malignant"]

# What remains after a step, in words.
STEPS = {
    "dataset": "In the dataset",
    "inventory": "Usable",
    "region": {
        "crop": "With a crop of the lesion",
        "context": "With a cut-out around the lesion",
        "full": "With a full image",
    },
    "whole_images": "Gathered into whole images",
    "split": "Assigned to a partition",
    "decoding": "Decoded and used",
}

# The tables that a study's account is made of, by the names of a rule's inputs, and the schema of each.
ACCOUNT = {
    "lesions": "lesions",
    "excluded": "excluded",
    "images": "images",
    "region_excluded": "excluded",
    "undecoded": "excluded",
    "manifest": "manifest",
    "split_excluded": "excluded",
}


def read_account(inputs):
    """{name: DataFrame} of ACCOUNT from a rule's inputs, as count_flow and follow take them."""
    return {name: read_table(inputs[name], schema) for name, schema in ACCOUNT.items()}


def count_flow(
    lesions, excluded, images, region_excluded, undecoded, manifest, split_excluded, region
):
    """A DataFrame with a row for each step of each fold; `follow` tells what is given.

    Columns: fold, step, reason, partition, label, description (the row in words), patients, breasts, lesions, images, entries.
    - step dataset: what there is. An entry is a lesion in a view that the dataset lists, or what stands for none: a row that
      repeats another, a file in its folders that is no image.
    - reason set: what the step leaves out for it. images and entries are lost there, an image with the last of its lesions;
      patients, breasts and lesions have lost something there, and may have other images that stay.
    - reason empty: what remains after the step. In images and entries that is what was there before less what was left out.
    - step partitions: what runs use, by partition, and by the label of the image: who has images of both counts in both.
    A breast is a patient's side: breasts is missing where the side of a row is not known.
    """
    of_none = excluded.loc[excluded["image_id"] == "", "reason"].value_counts()
    tables = (lesions, excluded, images, region_excluded, undecoded, manifest, split_excluded)
    table = []

    def add(fold, step, counts, description, reason="", partition="", label=""):
        place = {
            "fold": fold,
            "step": step,
            "reason": reason,
            "partition": partition,
            "label": label,
        }
        table.append(place | {"description": description} | counts)

    for fold, fate in follow(*tables, region):
        count = counter(lesions, fate["image"])
        left = np.ones(len(lesions), bool)
        remaining = count(left)
        add(
            fold,
            "dataset",
            remaining | {"entries": len(lesions) + int(of_none.sum())},
            STEPS["dataset"],
        )
        for reason, number in sorted(of_none.items(), key=lambda item: _order(item[0])):
            nothing = dict.fromkeys(remaining, 0)
            add(
                fold,
                "inventory",
                nothing | {"entries": int(number)},
                reason_in_words(reason),
                reason,
            )
        for step in ("inventory", "region", "split", "decoding"):
            here = (fate["step"] == step).to_numpy()
            for reason in sorted(fate.loc[here, "reason"].unique(), key=_order):
                struck = here & (fate["reason"] == reason).to_numpy()
                left &= ~struck
                before, remaining = remaining, count(left)
                lost = count(struck) | {"images": before["images"] - remaining["images"]}
                add(fold, step, lost, reason_in_words(reason), reason)
            add(fold, step, remaining, STEPS[step][region] if step == "region" else STEPS[step])
            if step == "region" and region == "full":
                add(fold, "whole_images", remaining, STEPS["whole_images"])
        for partition in PARTITIONS:
            there = (fate["partition"] == partition).to_numpy()
            add(fold, "partitions", count(there), partition.capitalize(), partition=partition)
            for label in LABELS:
                counts = count(there & (fate["label"] == label).to_numpy())
                add(
                    fold,
                    "partitions",
                    counts,
                    f"{partition.capitalize()}, {label}",
                    partition=partition,
                    label=label,
                )
    return pd.DataFrame(table).astype({"breasts": "Int64"})


def _order(reason):
    return list(REASONS).index(reason) if reason in REASONS else len(REASONS), reason


def follow(lesions, excluded, images, region_excluded, undecoded, manifest, split_excluded, region):
    """Yield (fold, fate) for each fold of the manifest: what became of each lesion in a view, by the index of `lesions`.

    The tables are those of mammo.tables: the inventory's lesions and what it left out, the images of a region (crop, context or
    full) and what that left out, what did not decode, the split and what it left out. Columns of a fate: image, the name of
    the image that shows it, of a whole image its file, '' if there is none; step and reason, where it was first left out, ''
    if it is used; partition and label of the image, '' if it is left out. Raises InputError where the tables contradict one
    another: a manifest holds images that a list says were left out before.
    """
    name, known_as = ("full_file", "file") if region == "full" else ("image_id", "image_id")
    image_id = (
        lesions[name].map(pd.Series(images["image_id"].to_numpy(), images[known_as])).fillna("")
    )
    fate = pd.DataFrame({"image": lesions[name], "step": "", "reason": ""}, index=lesions.index)
    lost = excluded[excluded["region"].isin(["", region])]
    fate = _strike(fate, "inventory", lesions["image_id"], lost)
    fate = _strike(fate, "region", lesions["image_id"], region_excluded, missing=image_id == "")
    for fold, rows in manifest.groupby("fold"):
        rows = rows.set_index("image_id")
        left_out = split_excluded[split_excluded["fold"].isna() | (split_excluded["fold"] == fold)]
        here = _strike(fate, "split", image_id, left_out, missing=~image_id.isin(rows.index))
        here = _strike(here, "decoding", image_id, undecoded)
        used = here["step"] == ""
        if wrong := sorted(set(rows.index) - set(undecoded["image_id"]) - set(image_id[used])):
            raise InputError(
                f"The split's manifest.csv, fold {fold}, holds {len(wrong)} image(s) that the inventory does not know or that were left out: "
                f"{some(wrong)}. Make both again, with --forcerun take_inventory."
            )
        for column in ("partition", "label"):
            here[column] = image_id.map(rows[column]).where(used, "")
        yield int(fold), here


def _strike(fate, step, ids, left_out, missing=False):
    """`fate` with the rows marked that are lost at `step`, unless they were before: those listed, and those missing unlisted.

    What is listed twice is lost for the reason that comes first in REASONS.
    """
    ranks = {
        code: rank for rank, code in enumerate(sorted(left_out["reason"].unique(), key=_order))
    }
    left_out = left_out[left_out["image_id"] != ""].sort_values(
        "reason", key=lambda codes: codes.map(ranks)
    )
    reason = ids.map(left_out.drop_duplicates("image_id").set_index("image_id")["reason"])
    reason = reason.mask(reason.isna() & missing, "unlisted")
    lost = reason.notna() & (fate["step"] == "")
    return fate.assign(step=fate["step"].mask(lost, step), reason=fate["reason"].mask(lost, reason))


def counter(lesions, image):
    """A function from a mask over `lesions` to {patients, breasts, lesions, images, entries}: how many different ones it holds.

    `image` names the image that shows each row, '' for none. breasts is None where the mask holds a row of unknown side.
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

    def count(mask):
        mask = np.asarray(mask)
        numbers = {
            unit: np.count_nonzero(np.bincount(code[mask & (code >= 0)]))
            for unit, code in codes.items()
        }
        numbers["breasts"] = None if unknown[mask].any() else numbers["breasts"]
        return numbers | {"entries": int(mask.sum())}

    return count
