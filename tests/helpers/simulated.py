"""Simulated predictions whose images share chance within a patient."""

import numpy as np
import pandas as pd
from scipy.special import expit


def simulated(rng, patients, difference=1.0):
    """Predictions of `patients` with one to five images each, which share much of their chance."""
    place = np.repeat(np.arange(patients), rng.integers(1, 6, patients))
    label = np.where(
        rng.random(len(place)) < 0.8,
        (rng.random(patients) < 0.5)[place],
        rng.random(len(place)) < 0.5,
    )
    score = (
        difference * (label - 0.5)
        + 0.7 * rng.normal(size=patients)[place]
        + 0.7 * rng.normal(size=len(place))
    )
    names = [f"i{n}" for n in range(len(place))]
    return pd.DataFrame(
        {
            "image_id": names,
            "lesion_id": names,
            "laterality": "left",
            "patient_id": [f"P{n:04d}" for n in place],
            "label": label.astype(int),
            "probability": expit(score),
            "partition": "test",
            "dataset": "d",
            "leaks": "",
        }
    )


def history(epochs, kept, leaks=""):
    number = np.arange(1, epochs + 1)
    columns = {
        "loss": 1 / number,
        "accuracy": 1 - 0.5 / number,
        "val_loss": 1.1 / number,
        "val_accuracy": 1 - 0.6 / number,
    }
    kept = (number == kept).astype(int)
    return pd.DataFrame(
        {"epoch": number, **columns, "kept": kept, "dataset": "0123456789ab", "leaks": leaks}
    )


def pair(rng, patients, gain=0.0):
    """Units of two experiments on the same images, one to four a patient, that share chance."""
    place = np.repeat(np.arange(patients), rng.integers(1, 5, patients))
    label = np.where(
        rng.random(len(place)) < 0.8,
        (rng.random(patients) < 0.5)[place],
        rng.random(len(place)) < 0.5,
    )
    common = 0.6 * rng.normal(size=patients)[place] + 0.6 * rng.normal(size=len(place))
    units = pd.DataFrame(
        {"unit": [f"i{n}" for n in range(len(place))], "patient_id": [f"P{n:04}" for n in place]}
    )
    units["label"] = label.astype(int)
    sides = []
    for strength in (1.0, 1.0 + gain):
        own = 0.4 * rng.normal(size=patients)[place] + 0.4 * rng.normal(size=len(place))
        sides.append(units.assign(probability=expit(strength * (label - 0.5) + common + own)))
    return sides


def scores_of(units, fold=0):
    named = units.rename(columns={"unit": "image_id"}).assign(
        lesion_id=units["unit"], laterality="left", fold=fold
    )
    return named.assign(partition="test", calibrated=named["probability"], dataset="d", leaks="")
