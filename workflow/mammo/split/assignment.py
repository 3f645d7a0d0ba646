"""Assign images to training, validation and test, by patient, stratified by label and kind."""

import hashlib
import warnings
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import islice
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from mammo.log import InputError, some
from mammo.split.settings import Split
from mammo.words import CLASSES, PARTITIONS

# The column that names what `split.by` keeps together: the unit of the assignment.
UNIT_COLUMNS = {"patient": "patient_id", "lesion": "lesion_id", "image": "image_id"}


class Assignment(NamedTuple):
    """A split: the tables manifest and excluded, without the columns that are empty."""

    manifest: pd.DataFrame
    excluded: pd.DataFrame


def split_patients(images: pd.DataFrame, groups: pd.DataFrame, split: Split) -> Assignment:
    """Assign each image to a partition, in each fold.

    Test depends on `split.method`:

    - `official`: the rows of the official test partition. A patient in both official partitions
      leaves training, and is listed as excluded. Validation is what the dataset gives as such, if
      it gives any.
    - `fractions`: drawn at random.
    - `folds`: cross-validation; each image is test in one fold.
    - `hash`: the patient's name alone decides, so that new patients move none.

    Else validation is drawn from what is not test. With `split.by` lesion or image, these take the
    place of the patient throughout: such a split leaks.

    `groups` are the duplicates, from mammo.split.groups. A duplicate of an image in test leaves
    training and validation, one of an image in validation leaves training; they are listed.

    The assignment depends on the rows, not on their order. Raises InputError where the images
    cannot be split so.
    """
    images = images.sort_values("image_id", ignore_index=True)
    _refuse_one_class(images)
    columns = ["image_id", "lesion_id", "patient_id", "label", "kind", "dataset"]
    unit = images[UNIT_COLUMNS[split.by]]
    folds, excluded = [], []
    for fold, (test, validation) in enumerate(assigned(images, unit, split)):
        partition = np.select([test, validation], ["test", "validation"], "training")
        rows = images[columns].assign(fold=fold, partition=partition)

        in_test_too = ~test & unit.isin(unit[test])
        validation = validation & ~in_test_too
        in_validation_too = ~test & ~validation & ~in_test_too & unit.isin(unit[validation])
        excluded.append(in_several_official_partitions(rows[in_test_too], split, "test"))
        excluded.append(
            in_several_official_partitions(rows[in_validation_too], split, "validation")
        )
        rows = rows[~in_test_too & ~in_validation_too]

        if split.duplicates == "drop_from_training" and not split.leaks:
            excluded.append(duplicates_to_drop(rows, groups[~groups["uninformative"]]))
            rows = rows[~rows["image_id"].isin(excluded[-1]["image_id"])]

        _refuse_missing_class(rows, split, sum(map(len, excluded)))
        folds.append(rows)
    manifest = pd.concat(folds, ignore_index=True).assign(leaks=split.leaks)
    all_excluded = pd.concat(excluded)
    if len(folds) == 1:
        all_excluded["fold"] = None
    return Assignment(manifest, all_excluded)


def assigned(
    images: pd.DataFrame, unit: pd.Series, split: Split
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (test, validation) of each fold, boolean arrays over `images`.

    `unit` names what is kept together, such as the patient of each image.
    """
    if split.method == "hash":
        yield by_hash(unit, split)
        return
    if split.method == "official" and gives_validation(images):
        _refuse_missing_official(images)
        official = images["official_partition"].to_numpy()
        yield official == "test", official == "validation"
        return
    for test in tests_of(images, unit, split):
        # A unit that is also in test is not drawn for validation.
        rest = ~unit.isin(unit[test]).to_numpy()
        validation = np.zeros(len(images), bool)
        validation[rest] = draw(
            images[rest], unit[rest], split.validation, split.seed, "validation"
        )
        yield test, validation


def gives_validation(images: pd.DataFrame) -> bool:
    """Whether the dataset itself says which images are validation."""
    return bool((images["official_partition"] == "validation").any())


def by_hash(unit: pd.Series, split: Split) -> tuple[np.ndarray, np.ndarray]:
    """(test, validation), boolean arrays, from the hash of each unit's name."""
    numbers = {name: hashed(name, split.seed) for name in unit.unique()}
    number = unit.map(numbers).to_numpy(float)
    test = number < split.test
    validation = ~test & (number < split.test + split.validation * (1 - split.test))
    return test, validation


def hashed(unit: str, salt: int) -> float:
    """A number in [0, 1) that depends on the name of the unit and the salt alone."""
    return int.from_bytes(hashlib.sha256(f"{salt}:{unit}".encode()).digest()[:8], "big") / 2**64


def tests_of(images: pd.DataFrame, unit: pd.Series, split: Split) -> Iterable[np.ndarray]:
    """The test partition of each fold, a boolean array over `images`."""
    if split.method == "official":
        _refuse_missing_official(images)
        return [(images["official_partition"] == "test").to_numpy()]
    if split.method == "folds":
        _refuse_too_many_folds(images, unit, split)
        return stratified_folds(images, unit, split.folds, split.seed, "the folds")
    return [draw(images, unit, split.test, split.seed, "test")]


def draw(
    images: pd.DataFrame, unit: pd.Series, fraction: float, seed: int, purpose: str
) -> np.ndarray:
    """A boolean array: the images of about `fraction` of the units, stratified by label and kind.

    The fraction is taken as p of q folds, within 0.01 of it with as few folds as will do: large
    folds have room to hold each label and kind in proportion.
    """
    nearby = (Fraction(round(fraction * q), q) for q in range(2, 101))
    ratio = next(near for near in nearby if near > 0 and abs(near - fraction) <= 0.01)
    folds = stratified_folds(images, unit, ratio.denominator, seed, purpose)
    return np.logical_or.reduce([*islice(folds, ratio.numerator)])


def stratified_folds(
    images: pd.DataFrame, unit: pd.Series, number: int, seed: int, purpose: str
) -> Iterator[np.ndarray]:
    """Yield so many folds, boolean arrays: each unit is in one, labels and kinds in proportion.

    `purpose` is what they are for, in an error's words: test, validation or the folds.
    """
    strata = images["label"] + " " + images["kind"]
    _refuse_too_few_units(strata, unit, number, purpose)
    folds = StratifiedGroupKFold(number, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A rare stratum cannot be in every fold; the audit looks at the outcome.
        warnings.simplefilter("ignore", UserWarning)
        for _, chosen in folds.split(images, strata, unit):
            fold = np.zeros(len(images), bool)
            fold[chosen] = True
            yield fold


def in_several_official_partitions(
    rows: pd.DataFrame, split: Split, partition: str
) -> pd.DataFrame:
    """The table of exclusions for rows of a unit that is in an official `partition` nearer to test.

    Only the official partitions hold such: all other partitions are drawn by unit.
    """
    detail = (
        f"an official training row of a {split.by} that is in the official {partition} partition"
        " too"
    )
    detail = pd.Series(detail, rows.index, str).mask(
        rows["partition"] == "validation", detail.replace("training", "validation")
    )
    return exclusions(rows, f"{split.by}_in_{partition}", detail)


def duplicates_to_drop(rows: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """The table of exclusions for images of a fold with a duplicate in a partition nearer to test.

    An image in several groups is listed once, for the duplicate that is nearest to test.
    """
    grouped = groups.merge(rows[["image_id", "partition"]], on="image_id")
    grouped["rank"] = grouped["partition"].map(PARTITIONS.index)
    grouped = grouped.sort_values(["rank", "image_id"])
    nearest = grouped.groupby("group").last()[["rank", "partition", "image_id"]]
    nearest.columns = ["nearest_rank", "nearest_partition", "duplicate"]
    found = grouped.join(nearest, on="group")
    found = found[found["rank"] < found["nearest_rank"]].sort_values("nearest_rank")
    found = found.drop_duplicates("image_id", keep="last")
    dropped = rows.merge(found[["image_id", "nearest_partition", "duplicate"]], on="image_id")
    reason = "duplicate_of_" + dropped["nearest_partition"]
    detail = "duplicate of " + dropped["duplicate"] + " in " + dropped["nearest_partition"]
    return exclusions(dropped, reason, detail)


def exclusions(
    rows: pd.DataFrame, reason: str | pd.Series, detail: str | pd.Series
) -> pd.DataFrame:
    """Rows of the table of exclusions for these rows of a fold."""
    return rows[["image_id", "patient_id", "fold", "dataset"]].assign(reason=reason, detail=detail)


def _refuse_one_class(images: pd.DataFrame) -> None:
    classes = images["label"].unique()
    if len(classes) < 2:
        only = classes[0] if len(classes) else "gone"
        raise InputError(
            f"All {len(images)} usable images are {only}: benign against malignant needs both. "
            "See results/inventory/summary.md for what was read, and excluded.csv beside it for "
            "what was excluded."
        )


def _refuse_missing_official(images: pd.DataFrame) -> None:
    without = images.loc[images["official_partition"] == "", "image_id"]
    if len(without):
        raise InputError(
            f"split.method: official, but {len(without)} of {len(images)} images have no official "
            f"partition: {some(without, 3)}. Give each one, or use fractions, as config/table.yaml "
            "does."
        )


def _refuse_too_many_folds(images: pd.DataFrame, unit: pd.Series, split: Split) -> None:
    """A fold without a unit of one class could not be evaluated."""
    units_of_class = unit.groupby(images["label"]).nunique()
    fewest, label = units_of_class.min(), units_of_class.idxmin()
    if fewest < split.folds:
        raise InputError(
            f"split.folds: {split.folds}, but only {fewest} {split.by}s have {label} images, and "
            f"each fold is to test one or more: ask for {fewest} folds or fewer, or add "
            f"{split.by}s."
        )


def _refuse_too_few_units(strata: pd.Series, unit: pd.Series, number: int, purpose: str) -> None:
    largest = strata.value_counts().max() if len(strata) else 0
    if min(unit.nunique(), largest) < number:
        name = str(unit.name).removesuffix("_id")
        available = "not in test already" if purpose == "validation" else "usable"
        raise InputError(
            f"{purpose[0].upper() + purpose[1:]} cannot be drawn: {len(strata)} images of "
            f"{unit.nunique()} {name}s are {available}, the most frequent label and kind has "
            f"{largest} of them, and there must be {number} or more of each for "
            f"split.{purpose.removeprefix('the ')}. Add {name}s, choose larger fractions or fewer "
            "folds, or correct the patients' names."
        )


def _refuse_missing_class(rows: pd.DataFrame, split: Split, n_excluded: int) -> None:
    """Each partition needs both classes; a test partition that the dataset gives need hold one."""
    counts = rows.groupby(["partition", "label"])["patient_id"].nunique()
    counts = counts.reindex(pd.MultiIndex.from_product([PARTITIONS, CLASSES]), fill_value=0)
    missing = counts == 0
    needed = "Each partition needs both classes"
    if split.method == "official":
        missing["test"] = missing["test"].all()
        needed = "Training and validation need both classes"
    if missing.any():
        listed = ", ".join(f"{partition} {label} {n}" for (partition, label), n in counts.items())
        raise InputError(
            f"Too few patients for these partitions (split.method {split.method}): {listed}; "
            f"{n_excluded} images were excluded because their patient or a duplicate is in "
            f"another partition. {needed}: add patients, choose larger split.validation or "
            "split.test, or another split.seed."
        )
