"""Simulated predictions whose images share chance within a patient."""

import numpy as np
import pandas as pd
from scipy.special import expit


def simulated(rng, patients, difference=1.0):
    """Predictions of `patients` with one to five images each, a lesion each, which share much of their chance."""
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
    return pd.DataFrame({
        "image_id": names, "lesion_id": names, "laterality": "left", "patient_id": [f"P{n:04d}" for n in place],
        "label": label.astype(int), "probability": expit(score), "partition": "test", "dataset": "d", "leaks": "",
    })  # fmt: skip


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
