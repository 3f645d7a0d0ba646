"""How much of Grad-CAM's energy falls inside the lesions' masks, against chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mammo.estimates import Estimate
from mammo.statistics.bootstrap import ClusterBootstrap
from mammo.statistics.intervals import expanded_percentile
from mammo.statistics.support import support_of
from mammo.words import OUTCOMES

if TYPE_CHECKING:
    from mammo.statistics.settings import Evaluation

# Which images are looked at together, by the outcome of their prediction.
GROUPS = {
    "all": ["true_positive", "false_negative", "false_positive", "true_negative"],
    "right": ["true_positive", "true_negative"],
    "wrong": ["false_negative", "false_positive"],
    "true_positive": ["true_positive"],
    "false_negative": ["false_negative"],
    "false_positive": ["false_positive"],
    "true_negative": ["true_negative"],
}
assert {*GROUPS["all"]} == {*OUTCOMES}
# What is measured of each image.
MEASURES = {
    "energy_inside": lambda rows: rows["energy_inside"],
    "chance": lambda rows: rows["chance"],
    "energy_in_others": lambda rows: rows["energy_in_others"],
    "above_chance": lambda rows: rows["energy_inside"] - rows["chance"],
    "above_others": lambda rows: rows["energy_inside"] - rows["energy_in_others"],
    "share_above_chance": lambda rows: (rows["energy_inside"] > rows["chance"]).astype(float),
}


def measure_energy(rows: pd.DataFrame, evaluation: Evaluation) -> pd.DataFrame:
    """The mean over images of each measure in each group, with its confidence interval.

    rows: those of gradcam.csv. Columns: group, measure, value, low, high, confidence, n, patients
    and the reason of what is missing.
    """
    known = rows[rows["energy_inside"].notna()]
    found: list[dict[str, object]] = []
    for group, outcomes in GROUPS.items():
        part = known[known["outcome"].isin(outcomes)]
        named = {"group": group, "n": len(part), "patients": part["patient_id"].nunique()}
        for measure, of in MEASURES.items():
            if part.empty:
                mean = Estimate(None, reason=_why_empty(rows[rows["outcome"].isin(outcomes)]))
            else:
                mean = _mean(of(part).to_numpy(float), part, evaluation)
            found.append(named | {"measure": measure} | mean.columns())
    columns = ["group", "measure", "value", "low", "high", "confidence", "n", "patients", "reason"]
    return pd.DataFrame(found, columns=columns)


def _mean(values: np.ndarray, rows: pd.DataFrame, evaluation: Evaluation) -> Estimate:
    """The mean of `values` over the images of `rows`."""
    if not np.isfinite(values).all():
        return Estimate(None, reason="no other patient's image has a mask")
    support = support_of(rows, "image")
    if reason := support.why_no_interval():
        return Estimate(values.mean(), reason=reason)
    bootstrap = ClusterBootstrap.of(rows, evaluation)
    sums, counts = bootstrap.sums(rows, np.column_stack([values, np.ones_like(values)])).T
    return expanded_percentile(values.mean(), sums / counts, bootstrap.confidence, support.fewest())


def _why_empty(rows: pd.DataFrame) -> str:
    """Why none of these images has both a map and a mask."""
    reasons = rows["reason"].value_counts()
    if len(reasons):
        return f"no image has both a map and a mask: {reasons.index[0]}"
    return "there is no such image"
