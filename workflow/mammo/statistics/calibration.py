"""Temperature scaling: one number, fitted on validation, that makes probabilities less or more extreme and changes no order.

C. Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
"""

import numpy as np
from scipy.special import expit, logit

from mammo.statistics.metrics import CLIP

LIMITS = 0.05, 20  # of a temperature


def temperature(label, probability):
    """The temperature by which dividing the logits makes the mean cross-entropy of `label` (0, 1) least.

    1, which changes nothing, where it would lie at one of the LIMITS: few labels that are told apart without a fault ask for
    endless certainty, and such that the probabilities are of no use for ask for none; neither would hold elsewhere.
    """
    from scipy.optimize import (
        minimize_scalar,
    )  # takes long to import, and who only calibrates has no need of it

    label, score = np.asarray(label, float), _logit(probability)

    def loss(log_temperature):
        scaled = score / np.exp(log_temperature)
        return np.mean(np.logaddexp(0, scaled) - label * scaled)

    # In the inverse of the temperature the loss is convex, so that in its logarithm there is one lowest point.
    low, high = np.log(LIMITS)
    best = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-6}).x
    return float(np.exp(best)) if low + 0.01 < best < high - 0.01 else 1.0


def calibrate(probability, temperature):
    """Probabilities after their logits were divided by `temperature`; 0.5 stays what it is."""
    return expit(_logit(probability) / temperature)


def _logit(probability):
    return logit(np.clip(np.asarray(probability, float), CLIP, 1 - CLIP))
