"""How much of Grad-CAM's energy falls inside the lesions' masks, against chance, with intervals from drawing patients."""

import numpy as np
import pandas as pd

from mammo.statistics.bootstrap import FEWEST_PATIENTS, Draws, draw_sums, interval

# Which images are looked at together, by what they are called; and what is measured of each.
GROUPS = {
    "all": ["true_positive", "false_negative", "false_positive", "true_negative"],
    "right": ["true_positive", "true_negative"],
    "wrong": ["false_negative", "false_positive"],
    "true_positive": ["true_positive"],
    "false_negative": ["false_negative"],
    "false_positive": ["false_positive"],
    "true_negative": ["true_negative"],
}
MEASURES = {
    "energy_inside": lambda rows: rows["energy_inside"],
    "chance": lambda rows: rows["chance"],
    "energy_in_others": lambda rows: rows["energy_in_others"],
    "above_chance": lambda rows: rows["energy_inside"] - rows["chance"],
    "above_others": lambda rows: rows["energy_inside"] - rows["energy_in_others"],
    "share_above_chance": lambda rows: (rows["energy_inside"] > rows["chance"]).astype(float),
}


def measure_energy(rows, evaluation):
    """A DataFrame with a row per group and measure: the mean over images, its interval, n, patients, and the reason of what is missing.

    rows: those of gradcam.csv. evaluation: draws, confidence, seed. The images of a patient are drawn together.
    """
    known = rows[rows["energy_inside"].notna()]
    found = []
    for group, outcomes in GROUPS.items():
        part = known[known["outcome"].isin(outcomes)]
        named = {"group": group, "n": len(part), "patients": part["patient_id"].nunique()}
        for measure, of in MEASURES.items():
            found.append(
                named
                | {"measure": measure}
                | _mean(of(part).to_numpy(float), part["patient_id"], evaluation)
            )
        if part.empty:
            there = rows[rows["outcome"].isin(outcomes)]
            reasons = there["reason"].value_counts()
            why = (
                f"no image has both a map and a mask: {reasons.index[0]}"
                if len(reasons)
                else "there is no such image"
            )
            found[-len(MEASURES) :] = [row | {"reason": why} for row in found[-len(MEASURES) :]]
    columns = ["group", "measure", "value", "low", "high", "confidence", "n", "patients", "reason"]
    return pd.DataFrame(found, columns=columns)


def _mean(values, patients, evaluation):
    """The mean of `values` over images with the interval that drawing patients gives it."""
    names, place = np.unique(patients.to_numpy(str), return_inverse=True)
    row = {"value": values.mean() if len(values) and np.isfinite(values).all() else None}
    if row["value"] is None:
        return row | {"reason": "no other patient's image has a mask"}
    if len(names) < FEWEST_PATIENTS:
        return row | {
            "reason": f"no interval: {len(names)} patients, and it takes {FEWEST_PATIENTS}"
        }
    draws = Draws(len(names), evaluation["draws"], evaluation["seed"])
    sums, counts = draw_sums(np.column_stack([values, np.ones_like(values)]), place, draws).T
    low, high, reason = interval(sums / counts, evaluation["confidence"], len(names))
    confidence = evaluation["confidence"] if low is not None else None
    return row | {"low": low, "high": high, "confidence": confidence, "reason": reason}
