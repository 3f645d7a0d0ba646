"""The thresholds at which a study is judged, chosen on validation alone."""

import numpy as np
from sklearn.metrics import roc_curve

SENSITIVITY = 0.90
POINTS = ["youden", "sensitivity_90", "half"]


def choose(label, probability):
    """{point: (threshold, reason)}; at the threshold and above the call is malignant. None, with the reason, where there is none.

    youden: where sensitivity + specificity is largest (Youden, Cancer 1950), and of equals the most sensitive.
    sensitivity_90: the most specific with a sensitivity of at least 0.90. half: 0.5, whatever the data. The thresholds are
    probabilities that occur. label: 1 is malignant.
    """
    label, probability = np.asarray(label), np.asarray(probability)
    if len(np.unique(label)) < 2:
        reason = f"validation has no {'benign' if label.any() else 'malignant'} one"
        return {"youden": (None, reason), "sensitivity_90": (None, reason), "half": (0.5, "")}
    false, true, thresholds = roc_curve(label, probability, drop_intermediate=False)
    false, true, thresholds = (
        false[1:],
        true[1:],
        thresholds[1:],
    )  # the first calls nothing malignant
    distance = np.round(true - false, 12)  # equals are equal, however they were computed
    best = np.flatnonzero(distance == distance.max())[-1]
    sensitive = np.flatnonzero(true >= SENSITIVITY - 1e-12)[0]
    return {
        "youden": (float(thresholds[best]), ""),
        "sensitivity_90": (float(thresholds[sensitive]), ""),
        "half": (0.5, ""),
    }
