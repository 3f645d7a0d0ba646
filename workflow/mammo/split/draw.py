"""The split manifest: training, validation and test by patient, stratified by label and kind."""

import hashlib
import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from mammo.log import InputError, some
from mammo.split.groups import leaks
from mammo.tables import PARTITIONS

UNITS = {"patient": "patient_id", "lesion": "lesion_id", "image": "image_id"}


def split_patients(images, groups, split):
    """(manifest, excluded), both DataFrames, for the images of a region, their duplicates and the settings of a split.

    `official`: rows of the official test partition are test; a patient who is in both official partitions leaves training,
    and is listed. `fractions`: test is drawn. `folds`: as many folds as asked, each image is test in one. `hash`: each patient's
    name alone decides, so that new patients move none. Validation is drawn from what is not test. `by` lesion or image, these
    take the place of the patient throughout: such a split leaks. `groups` (mammo.split.groups) are images that show the same; what
    duplicates an image of validation or test is dropped from training, and of test from validation, and is listed.
    Depends on the rows, not on their order. Raises InputError where the images cannot make such a split.
    """
    images = images.sort_values("image_id", ignore_index=True)
    if len(classes := sorted(images["label"].unique())) < 2:
        raise InputError(
            f"All {len(images)} usable images are {classes[0] if classes else 'gone'}: benign against malignant needs both. "
            "See results/inventory/summary.md for what was read, and excluded.csv beside it for what was left out."
        )
    columns = ["image_id", "lesion_id", "patient_id", "label", "kind", "dataset"]
    folds, left_out = [], []
    for fold, (test, validation) in enumerate(draw_folds(images, split)):
        rows = images[columns].assign(
            fold=fold, partition=np.select([test, validation], ["test", "validation"], "training")
        )
        unit = split["by"]
        straddles = (rows["partition"] != "test") & images[UNITS[unit]].isin(
            images.loc[test, UNITS[unit]]
        )
        detail = f"an official training row of a {unit} that is in the official test partition too"
        left_out.append(exclusions(rows[straddles], f"{unit}_in_test", detail))
        rows = rows[~straddles]
        if split["duplicates"] == "drop_from_training" and split["by"] == "patient":
            repeats = repeated_elsewhere(rows, groups[~groups["crowd"]])
            detail = "shows the same as " + repeats["other"] + " in " + repeats["there"]
            left_out.append(exclusions(repeats, "duplicate_of_" + repeats["there"], detail))
            rows = rows[~rows["image_id"].isin(repeats["image_id"])]
        refuse_missing_class(rows, split, sum(map(len, left_out)))
        folds.append(rows)
    excluded = pd.concat(left_out)
    if len(folds) == 1:
        excluded["fold"] = None
    return pd.concat(folds, ignore_index=True).assign(leaks=leaks(split)), excluded


def draw_folds(images, split):
    """Yield (test, validation) of each fold, boolean arrays over `images`."""
    units = images[UNITS[split["by"]]]
    if split["method"] == "hash":
        place = units.map({unit: hashed(unit, split["seed"]) for unit in units.unique()}).to_numpy(
            float
        )
        test = place < split["test"]
        yield test, ~test & (place < split["test"] + split["validation"] * (1 - split["test"]))
        return
    if split["method"] == "official":
        if len(without := images.loc[images["official_partition"] == "", "image_id"]):
            raise InputError(
                f"split.method: official, but {len(without)} of {len(images)} images have no official partition: {some(without, 3)}. "
                "Give each one, or use fractions, as config/table.yaml does."
            )
        tests = [(images["official_partition"] == "test").to_numpy()]
    elif split["method"] == "folds":
        holders = units.groupby(
            images["label"]
        ).nunique()  # a fold without one of a class could not be judged
        if holders.min() < split["folds"]:
            unit = split["by"]
            raise InputError(
                f"split.folds: {split['folds']}, but only {holders.min()} {unit}s have {holders.idxmin()} images, and each fold is to "
                f"test one or more: ask for {holders.min()} folds or fewer, or add {unit}s."
            )
        tests = in_folds(images, units, split["folds"], split["seed"], "the folds")
    else:
        tests = [draw(images, units, split["test"], split["seed"], "test")]
    for test in tests:
        # Whoever is in test besides is not drawn for validation.
        rest = ~units.isin(units[test]).to_numpy()
        validation = np.zeros(len(images), bool)
        validation[rest] = draw(
            images[rest], units[rest], split["validation"], split["seed"], "validation"
        )
        yield test, validation


def hashed(unit, salt):
    """A number in [0, 1) that depends on the name of the unit and the salt alone."""
    return int.from_bytes(hashlib.sha256(f"{salt}:{unit}".encode()).digest()[:8], "big") / 2**64


def draw(images, units, share, seed, what):
    """A boolean array: the images of about `share` of the units, with labels and kinds in proportion.

    The share is taken as p of q folds, within 0.01 of it with as few folds as will do: large folds have room to hold each
    label and kind in proportion.
    """
    share = next(
        near
        for q in range(2, 101)
        if abs((near := Fraction(round(share * q), q)) - share) <= 0.01 and near > 0
    )
    folds = in_folds(images, units, share.denominator, seed, what)
    return np.logical_or.reduce(
        [fold for _, fold in zip(range(share.numerator), folds, strict=False)]
    )


def in_folds(images, units, number, seed, what):
    """Yield the folds, boolean arrays: each unit is in one, whole, and each fold holds labels and kinds in proportion.

    `what` is what they are for, in an error's words.
    """
    strata = images["label"] + " " + images["kind"]
    most = strata.value_counts().max() if len(strata) else 0
    if min(units.nunique(), most) < number:
        unit = units.name.removesuffix("_id")
        left = "not in test already" if what == "validation" else "usable"
        raise InputError(
            f"{what[0].upper() + what[1:]} cannot be drawn: {len(images)} images of {units.nunique()} {unit}s are {left}, the commonest label and "
            f"kind has {most} of them, and there must be {number} or more of each for split.{what.removeprefix('the ')}. "
            f"Add {unit}s, choose larger shares or fewer folds, or correct the patients' names."
        )
    folds = StratifiedGroupKFold(number, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A rare stratum cannot be in every fold; the audit looks at the outcome.
        warnings.simplefilter("ignore", UserWarning)
        for _, chosen in folds.split(images, strata, units):
            fold = np.zeros(len(images), bool)
            fold[chosen] = True
            yield fold


def repeated_elsewhere(rows, groups):
    """The `rows` of which a duplicate is in a partition nearer to test, with `there`, which, and `other`, one that is there."""
    grouped = groups.merge(rows[["image_id", "partition"]], on="image_id")
    grouped["rank"] = grouped["partition"].map(PARTITIONS.index)
    grouped = grouped.sort_values(["rank", "image_id"])
    last = grouped.groupby("group").last()[["rank", "partition", "image_id"]]
    found = grouped.join(last.set_axis(["highest", "there", "other"], axis=1), on="group")
    found = (
        found[found["rank"] < found["highest"]]
        .sort_values("highest")
        .drop_duplicates("image_id", keep="last")
    )
    return rows.merge(found[["image_id", "there", "other"]], on="image_id")


def exclusions(rows, reason, detail):
    return rows[["image_id", "patient_id", "fold", "dataset"]].assign(reason=reason, detail=detail)


def refuse_missing_class(manifest, split, lost):
    """Raise InputError unless each partition holds both classes; a test partition that the dataset gives need only hold one."""
    counts = manifest.groupby(["partition", "label"])["patient_id"].nunique()
    counts = counts.reindex(
        pd.MultiIndex.from_product([PARTITIONS, ["benign", "malignant"]]), fill_value=0
    )
    missing = counts == 0
    if split["method"] == "official":
        missing["test"] = missing["test"].all()
    if missing.any():
        told = ", ".join(f"{partition} {label} {n}" for (partition, label), n in counts.items())
        needed = (
            "Training and validation need both classes"
            if split["method"] == "official"
            else "Each partition needs both classes"
        )
        raise InputError(
            f"Too few patients for these partitions (split.method {split['method']}): {told}; {lost} images were left out because "
            f"their patient or a duplicate is in another partition. {needed}: "
            "add patients, choose larger split.validation or split.test, or another split.seed."
        )
