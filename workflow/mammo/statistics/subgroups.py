"""Subgroups of the images of a study: what the lesions on them are like, in words, and how well a network does in each."""

from itertools import pairwise

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from mammo.statistics.bootstrap import Draws, draw_metrics, interval, support, whole_metrics
from mammo.statistics.characteristics import (
    CROP_SIZE,
    KNOWN,
    MOST_LEVELS,
    NOT_GIVEN,
    level_order,
    telling_columns,
)

# Of the variables that every edition has, these; the label's own, and what only masses or only calcifications have, are none.
VARIABLES = ["kind", "view", "laterality", "breast_density", "assessment", "subtlety"]
IMAGE_SIZE = "image_size"
SIZES = [CROP_SIZE, IMAGE_SIZE]
ALL = "all"
EVERY_IMAGE = "all test images"
DIFFER = "lesions differ"
WORDS = {
    "breast_density": lambda value: (
        f"density {dict(zip('1234', 'abcd', strict=True)).get(value, value)}"
    ),
    "assessment": lambda value: f"BI-RADS {value}",
    "subtlety": lambda value: f"subtlety {value}",
}


def described(images, lesions, region):
    """{variable: a Series of text by image_id, '' where it is not given}, for the variables that make groups.

    images: those of the region; lesions: with crop_size (mammo.statistics.characteristics.with_crop_size). A dataset's own columns come
    after VARIABLES, and then the size: of the whole image where the region is full, else of the published crop. A whole image
    shows several lesions: where these differ in a variable, its value is DIFFER.
    """
    lesions = lesions.assign(image=_shown_on(lesions, images, region))
    lesions = lesions[lesions["image"] != ""]
    columns = [
        name
        for name in telling_columns(lesions.drop(columns="image"))
        if name in VARIABLES or name not in KNOWN
    ]
    found = {}
    for column in columns:
        text = (
            lesions[column]
            .astype(object)
            .where(lesions[column].notna(), "")
            .astype(str)
            .replace(NOT_GIVEN, "")
        )
        values = text.groupby(lesions["image"])
        found[column] = (
            values.first().mask(values.nunique() > 1, DIFFER).reindex(images["image_id"])
        )
    if region == "full":
        found.pop(CROP_SIZE, None)
        sides = images.set_index("image_id")[["width", "height"]].max(axis="columns")
        found[IMAGE_SIZE] = sides.astype(str)
    return found


def _shown_on(lesions, images, region):
    """The image_id of the image of the region that shows each lesion, '' where there is none."""
    if region != "full":
        return lesions["image_id"].where(lesions["image_id"].isin(images["image_id"]), "")
    by_file = images.set_index("file")
    image = lesions["full_file"].map(by_file["image_id"]).fillna("")
    on_it = ";" + lesions["full_file"].map(by_file["lesion_id"]).fillna("") + ";"
    return image.where(
        [f";{own};" in ids for own, ids in zip(lesions["lesion_id"], on_it, strict=True)], ""
    )


def grouped(variable, values):
    """(names, order, reason): the group in words that each of `values` is in, a Series, and the groups in their order.

    Sizes, and numbers of more than MOST_LEVELS different values, fall into thirds, by the images of all partitions: the
    limits then are the same whatever the split, and no result moves them. More than MOST_LEVELS other values make no groups:
    names is then None, and reason says so. Values that are missing or differ are groups of their own, the last ones.
    """
    told = values[(values != "") & (values != DIFFER)]
    different = sorted(told.unique(), key=level_order)
    numbers = pd.to_numeric(told, errors="coerce")
    if variable in SIZES or (len(different) > MOST_LEVELS and np.isfinite(numbers).all()):
        words, order = _thirds(numbers, " px" if variable in SIZES else "")
    elif len(different) > MOST_LEVELS:
        return None, [], f"no groups: {len(different)} different values that are no numbers"
    else:
        word = WORDS.get(variable, str)
        words, order = told.map(word), [word(value) for value in different]
    rest = values.mask(values == "", NOT_GIVEN)
    return words.reindex(values.index).fillna(rest), [*order, NOT_GIVEN, DIFFER], ""


def _thirds(numbers, unit):
    """Each number's third in words, and the thirds in order; of few different numbers there are fewer than three."""
    limits = np.unique(np.quantile(numbers, [1 / 3, 2 / 3, 1], method="inverted_cdf"))
    words = [f"above {low:g} to {high:g}{unit}" for low, high in pairwise(limits)]
    words = [f"up to {limits[0]:g}{unit}", *words]
    if len(words) > 1:
        words[-1] = f"above {limits[-2]:g}{unit}"
    return pd.Series(np.array(words)[np.searchsorted(limits, numbers)], numbers.index), words


def subgroups(scores, variables, evaluation):
    """A DataFrame with a row per group of the test images: variable, group, metric, value, low, high, confidence, n, patients, malignant, reason.

    scores: image_id, patient_id, partition, label, probability; variables: {name: values by image_id} of `described`. First
    comes ALL. The same patients are drawn for all groups, each with all images that are theirs, as many as there are in test.
    A variable of which all test images are in one group is left out. evaluation: draws, confidence, seed.
    """
    test = scores[scores["partition"] == "test"].assign(majority=0)
    patients, place = np.unique(test["patient_id"].to_numpy(str), return_inverse=True)
    draws = Draws(len(patients), evaluation["draws"], evaluation["seed"])
    table = [_measured(test, place, draws, evaluation["confidence"], ALL, EVERY_IMAGE)]
    for variable, values in variables.items():
        names, order, reason = grouped(variable, values)
        if names is None:
            table.append(_counted(test, variable, "") | {"reason": reason})
            continue
        group = test["image_id"].map(names)
        if group.nunique() < 2:
            continue
        for name in order:
            if (here := (group == name).to_numpy()).any():
                table.append(
                    _measured(
                        test[here], place[here], draws, evaluation["confidence"], variable, name
                    )
                )
    columns = [
        "variable",
        "group",
        "metric",
        "value",
        "low",
        "high",
        "confidence",
        "n",
        "patients",
        "malignant",
        "reason",
    ]
    return pd.DataFrame(table).reindex(columns=columns)


def _counted(rows, variable, group):
    counts = {
        "n": len(rows),
        "patients": rows["patient_id"].nunique(),
        "malignant": int(rows["label"].sum()),
    }
    return {"variable": variable, "group": group, "metric": "auroc", **counts}


def _measured(rows, place, draws, confidence, variable, group):
    row = _counted(rows, variable, group)
    patients, undefined, few = support(rows, "auroc", "image")
    if undefined:
        return row | {"reason": undefined}
    with threadpool_limits(1):  # as in mammo.statistics.bootstrap
        row["value"] = whole_metrics(rows, ["auroc"])["auroc"]
        if few:
            return row | {"reason": few}
        values = draw_metrics(rows, place, draws, ["auroc"])["auroc"]
        low, high, reason = interval(values, confidence, patients, share=row["value"])
    return row | {
        "low": low,
        "high": high,
        "confidence": confidence if low is not None else None,
        "reason": reason,
    }
