"""reference.csv of an exported network: the training images that new images are compared with.

It holds each image's id, kind and label, its statistics, and its features f0, f1 and so on.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mammo.log import InputError, some
from mammo.model.ood import (
    ALL,
    FEATURES,
    STATISTICS,
    Reference,
    compare,
    feature_spread,
    image_statistics,
    limit,
    spread,
    statistic_names,
    usual_range,
)
from mammo.tables import PARTITIONS, further_columns

# The table is read whole whenever someone predicts.
MOST_IMAGES, MOST_VALUES = 5_000, 2_000_000
DIGITS = 6  # significant ones of its values


def chosen(scores: pd.DataFrame, features: int) -> pd.DataFrame:
    """The images of `scores` that are compared: all, or a fixed sample of each partition.

    features: how many an image has, as neither the table nor the distances may become too large.
    """
    most = max(100, min(MOST_IMAGES, MOST_VALUES // features))
    parts = []
    for partition in PARTITIONS:
        part = scores[scores["partition"] == partition]
        if len(part) > most:
            part = part.sample(most, random_state=0).sort_index()
        parts.append(part)
    return pd.concat(parts)


def make_reference(
    images: pd.DataFrame, features: np.ndarray, statistics: np.ndarray, names: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, Any], Reference]:
    """(reference.csv, what model.json says of it, both as a Reference) of training images.

    images: rows with image_id, patient_id, label (1: malignant) and kind. features (m, …) and
    statistics (m, len(names)) are theirs. What is kept is rounded, and limits are of what is kept.
    """
    features, statistics = rounded(features), rounded(statistics)
    scale = {
        FEATURES: feature_spread(features),
        STATISTICS: spread(statistics, [ALL[name].least for name in names]),
    }
    low, high = usual_range(statistics)
    patients = images["patient_id"]
    limits = {
        FEATURES: limit(features, scale[FEATURES], patients),
        STATISTICS: limit(statistics, scale[STATISTICS], patients),
    }
    table = pd.DataFrame(
        {"image_id": images["image_id"].to_numpy(), "kind": images["kind"].to_numpy()}
    )
    table["label"] = np.where(images["label"] == 1, "malignant", "benign")
    columns = pd.DataFrame(features, columns=feature_names(features.shape[1]))
    table = pd.concat([table, pd.DataFrame(statistics, columns=names), columns], axis=1)
    told = {
        "images": len(table),
        "scale": {
            FEATURES: scale[FEATURES].tolist(),
            STATISTICS: _named(names, scale[STATISTICS]),
        },
        "limit": limits,
        "low": _named(names, low),
        "high": _named(names, high),
    }
    values = {FEATURES: features, STATISTICS: statistics}
    return table, told, Reference(values, scale, limits, low, high, names)


def describe_reference(
    images: pd.DataFrame, features: np.ndarray, pixels: np.ndarray, region: str
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """(reference.csv, what model.json says of it) of images of all partitions.

    images: rows as of `make_reference` with partition, and width and height of the files. features
    (n, …) and pixels, uint8 (n, size, size), are theirs. The reference holds those of training. Of
    each other partition, `flagged` is the fraction that is out of distribution.
    """
    names = statistic_names(region)
    statistics = image_statistics(pixels, images["width"], images["height"], names)
    partitions = images["partition"]
    training = (partitions == "training").to_numpy()
    table, told, reference = make_reference(
        images[training], features[training], statistics[training], names
    )
    warnings = compare(features, statistics, reference).warnings
    warned = pd.Series([bool(texts) for texts in warnings], images.index)
    flagged = {
        partition: float(warned[partitions == partition].mean())
        for partition in partitions.unique()
        if partition != "training"
    }
    fractions = ", ".join(f"{value:.1%} of {partition}" for partition, value in flagged.items())
    print(f"reference: {len(table)} training images; out of distribution: {fractions}")
    return table, told | {"flagged": flagged}


def as_reference(table: pd.DataFrame, told: dict[str, Any], region: str, folder: Path) -> Reference:
    """The Reference of reference.csv and of what model.json says of it.

    region: of the images. folder: where both files are, for messages.
    Raises InputError where they do not belong together, or a number is missing.
    """
    again = "Copy the folder again, or export the network anew."
    names = statistic_names(region)
    columns = feature_names(len(told["scale"][FEATURES]))
    found = [name for name in further_columns(table, "reference") if name not in names]
    if found != columns or len(table) != told["images"]:
        raise InputError(
            f"{folder / 'reference.csv'} has {len(found)} features of {len(table)} images, and"
            f" model.json says {len(columns)} of {told['images']}. {again}"
        )
    for key in ("low", "high"):
        both = told[key].keys() & told["scale"][STATISTICS].keys()
        if missing := [name for name in names if name not in both]:
            raise InputError(
                f"{folder / 'model.json'}: reference.{key}, reference.scale: no {some(missing)}."
                f" {again}"
            )
    try:
        values = {
            FEATURES: table[columns].astype(float).to_numpy(),
            STATISTICS: table[names].to_numpy(float),
        }
    except ValueError as error:
        raise InputError(f"{folder / 'reference.csv'}: {error}. {again}") from None
    if not all(np.isfinite(part).all() for part in values.values()):
        raise InputError(
            f"{folder / 'reference.csv'}: a feature or statistic is missing or no number. {again}"
        )
    scale = {
        FEATURES: np.array(told["scale"][FEATURES]),
        STATISTICS: _in_order(told["scale"][STATISTICS], names),
    }
    low, high = _in_order(told["low"], names), _in_order(told["high"], names)
    return Reference(values, scale, told["limit"], low, high, names)


def feature_names(count: int) -> list[str]:
    """The columns of the features: f0, f1 and so on."""
    return [f"f{number}" for number in range(count)]


def rounded(values: np.ndarray) -> np.ndarray:
    """Values with DIGITS significant digits."""
    size = np.floor(np.log10(np.abs(values), where=values != 0, out=np.zeros_like(values)))
    factor = 10.0 ** (DIGITS - 1 - size)
    return np.rint(values * factor) / factor


def _named(names: Sequence[str], values: np.ndarray) -> dict[str, float]:
    return dict(zip(names, map(float, values), strict=True))


def _in_order(named: dict[str, float], names: Sequence[str]) -> np.ndarray:
    """The values of a dict in the order of `names`."""
    return np.array([named[name] for name in names], float)
