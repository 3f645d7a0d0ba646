"""The thresholds at which a study is judged, chosen on validation alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.metrics import roc_curve

from mammo.statistics.metrics import THRESHOLD
from mammo.statistics.units import undefined_levels, units_of
from mammo.words import LEVELS, OPERATING_POINTS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

SENSITIVITY = 0.90  # that the operating point sensitivity_90 keeps


def choose(label: ArrayLike, probability: ArrayLike) -> dict[str, tuple[float | None, str]]:
    """{operating point: (threshold, reason)}; None, with the reason, where there is none.

    At or above a threshold a unit is predicted malignant. label: 1 is malignant.

    - youden: where sensitivity + specificity is largest (W. J. Youden, Cancer 3 (1950) 32), and of
      equally good ones the most sensitive.
    - sensitivity_90: the most specific with a sensitivity of at least 0.90.
    - half: 0.5, whatever the data.

    The thresholds are probabilities that occur.
    """
    label, probability = np.asarray(label), np.asarray(probability)
    if len(np.unique(label)) < 2:
        reason = f"validation has no {'benign' if label.any() else 'malignant'} one"
        found = dict.fromkeys(OPERATING_POINTS, (None, reason))
        return found | {"half": (THRESHOLD, "")}
    false, true, thresholds = roc_curve(label, probability, drop_intermediate=False)
    # The first threshold predicts nothing malignant.
    false, true, thresholds = false[1:], true[1:], thresholds[1:]
    youden = np.round(true - false, 12)  # equals are equal, however they were computed
    best = np.flatnonzero(youden == youden.max())[-1]
    sensitive = np.flatnonzero(true >= SENSITIVITY - 1e-12)[0]
    return {
        "youden": (float(thresholds[best]), ""),
        "sensitivity_90": (float(thresholds[sensitive]), ""),
        "half": (THRESHOLD, ""),
    }


def choose_thresholds(scores: pd.DataFrame, images: pd.DataFrame, region: str) -> pd.DataFrame:
    """A row per level and operating point, from validation's calibrated probabilities alone.

    scores: prepared rows with `calibrated`; images: all of the region. Columns: level, point,
    threshold, n, reason.
    """
    undefined = undefined_levels(images, region)
    validation = scores[scores["partition"] == "validation"]
    validation = validation.assign(probability=validation["calibrated"])
    found = []
    points: dict[str, tuple[float | None, str]]
    for level in LEVELS:
        if level in undefined:
            points = dict.fromkeys(OPERATING_POINTS, (None, undefined[level]))
            n = None
        else:
            units = units_of(validation, level, region)
            points, n = choose(units["label"], units["probability"]), len(units)
        for point, (threshold, reason) in points.items():
            row = {"level": level, "point": point, "threshold": threshold, "n": n}
            found.append(row | {"reason": reason})
    return pd.DataFrame(found)
