"""How well a model does in each subgroup of the test images, and how these are grouped."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mammo.estimates import Estimate
from mammo.statistics.bootstrap import ClusterBootstrap
from mammo.statistics.characteristics import (
    MOST_LEVELS,
    as_text,
    informative_columns,
    level_order,
)
from mammo.statistics.estimation import interval_of
from mammo.statistics.metrics import METRICS, metrics_of
from mammo.statistics.support import support_of
from mammo.statistics.variables import (
    CROP_SIZE,
    IMAGE_SIZE,
    NOT_GIVEN,
    level_in_words,
    variable,
)

if TYPE_CHECKING:
    from mammo.statistics.settings import Evaluation

METRIC = "auroc"  # that is given of each group
ALL = "all"
EVERY_IMAGE = "all test images"
DIFFER = "lesions differ"


def described(images: pd.DataFrame, lesions: pd.DataFrame, region: str) -> dict[str, pd.Series]:
    """{variable: text by image_id, '' where it is not given} of the variables that make groups.

    images: those of the region; lesions: with crop_size, as `with_crop_size` adds it. A dataset's
    own columns come after the known ones, and then the size: of the whole image where the region is
    full, else of the published crop. A whole image shows several lesions: where these differ in a
    variable, its value is DIFFER.
    """
    lesions = lesions.assign(image=_shown_on(lesions, images, region))
    lesions = lesions[lesions["image"] != ""]
    found = {}
    for name in informative_columns(lesions.drop(columns="image")):
        if variable(name).subgroups:
            values = as_text(lesions[name]).replace(NOT_GIVEN, "").groupby(lesions["image"])
            one = values.first().mask(values.nunique() > 1, DIFFER)
            found[name] = one.reindex(images["image_id"])
    if region == "full":
        found.pop(CROP_SIZE, None)
        sides = images.set_index("image_id")[["width", "height"]].max(axis="columns")
        found[IMAGE_SIZE] = sides.astype(str)
    return found


def _shown_on(lesions: pd.DataFrame, images: pd.DataFrame, region: str) -> pd.Series:
    """The image_id of the region's image that shows each lesion, '' where there is none."""
    if region != "full":
        return lesions["image_id"].where(lesions["image_id"].isin(images["image_id"]), "")
    by_file = images.set_index("file")
    image = lesions["full_file"].map(by_file["image_id"]).fillna("")
    on_it = ";" + lesions["full_file"].map(by_file["lesion_id"]).fillna("") + ";"
    listed = [f";{own};" in ids for own, ids in zip(lesions["lesion_id"], on_it, strict=True)]
    return image.where(listed, "")


def grouped(name: str, values: pd.Series) -> tuple[pd.Series | None, list[str], str]:
    """(names, order, reason): the group in words of each value, and the groups in their order.

    Sizes, and numbers of more than MOST_LEVELS different values, fall into thirds, by the images of
    all partitions: the limits then are the same whatever the split, and no result moves them. More
    than MOST_LEVELS other values make no groups: names is then None, and reason says so. Values
    that are missing or differ are groups of their own, the last ones.
    """
    given = values[(values != "") & (values != DIFFER)]
    different = sorted(given.unique(), key=level_order)
    numbers = pd.to_numeric(given, errors="coerce")
    size = variable(name).size
    if size or (len(different) > MOST_LEVELS and np.isfinite(numbers).all()):
        words, order = _thirds(numbers, " px" if size else "")
    elif len(different) > MOST_LEVELS:
        return None, [], f"no groups: {len(different)} different values that are no numbers"
    else:
        order = [level_in_words(name, value) for value in different]
        words = given.map(dict(zip(different, order, strict=True)))
    rest = values.mask(values == "", NOT_GIVEN)
    return words.reindex(values.index).fillna(rest), [*order, NOT_GIVEN, DIFFER], ""


def _thirds(numbers: pd.Series, unit: str) -> tuple[pd.Series, list[str]]:
    """Each number's third in words, and the thirds in order; few different numbers make fewer."""
    limits = np.unique(np.quantile(numbers, [1 / 3, 2 / 3, 1], method="inverted_cdf"))
    words = [f"above {low:g} to {high:g}{unit}" for low, high in pairwise(limits)]
    words = [f"up to {limits[0]:g}{unit}", *words]
    if len(words) > 1:
        words[-1] = f"above {limits[-2]:g}{unit}"
    return pd.Series(np.array(words)[np.searchsorted(limits, numbers)], numbers.index), words


def subgroups(
    scores: pd.DataFrame, variables: dict[str, pd.Series], evaluation: Evaluation
) -> pd.DataFrame:
    """A row per group of the test images, from ALL of them on.

    scores: image_id, patient_id, partition, label, probability; variables: {name: values by
    image_id} of `described`. Columns: variable, group, metric, value, low, high, confidence, n,
    patients, malignant, reason. A variable of which all test images are in one group is left aside.

    A replicate resamples the patients of the whole test set, the same for all groups.
    """
    test = scores[scores["partition"] == "test"].assign(majority=0)
    bootstrap = ClusterBootstrap.of(test, evaluation)
    table = [_row(test, ALL, EVERY_IMAGE, _estimate(test, bootstrap))]
    for name, values in variables.items():
        names, order, reason = grouped(name, values)
        if names is None:
            table.append(_row(test, name, "", Estimate(None, reason=reason)))
            continue
        group = test["image_id"].map(names)
        if group.nunique() < 2:
            continue
        for each in order:
            if len(rows := test[group == each]):
                table.append(_row(rows, name, each, _estimate(rows, bootstrap)))
    estimated = ["value", "low", "high", "confidence"]
    counted = ["n", "patients", "malignant"]
    columns = ["variable", "group", "metric", *estimated, *counted, "reason"]
    return pd.DataFrame(table).reindex(columns=columns)


def _row(rows: pd.DataFrame, name: str, group: str, found: Estimate) -> dict[str, object]:
    counts = {
        "n": len(rows),
        "patients": rows["patient_id"].nunique(),
        "malignant": int(rows["label"].sum()),
    }
    return {"variable": name, "group": group, "metric": METRIC, **counts, **found.columns()}


def _estimate(rows: pd.DataFrame, bootstrap: ClusterBootstrap) -> Estimate:
    """The metric of a group; `bootstrap` is that of the whole test set."""
    support = support_of(rows, "image")
    if reason := support.why_undefined(METRICS[METRIC].needs):
        return Estimate(None, reason=reason)
    value = metrics_of(rows, [METRIC])[METRIC]
    if reason := support.why_no_interval(METRICS[METRIC].needs):
        return Estimate(value, reason=reason)  # without resampling, which takes the time
    replicates = bootstrap.metrics(rows, [METRIC])[METRIC]
    return interval_of(METRIC, value, replicates, support, bootstrap.confidence)
