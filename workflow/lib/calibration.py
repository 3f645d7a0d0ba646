"""Temperature scaling: one number, fitted on validation, that makes probabilities less or more extreme and changes no order.

C. Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
"""

import numpy as np
from scipy.special import expit, logit

from lib.metrics import CLIP

LIMITS = 0.05, 20  # of a temperature; it lies at one of them where the labels ask for none or for endless certainty


def temperature(label, probability):
    """The temperature, within LIMITS, by which dividing the logits makes the mean cross-entropy of `label` (0, 1) least."""
    from scipy.optimize import minimize_scalar  # takes long to import, and who only calibrates has no need of it

    label, score = np.asarray(label, float), _logit(probability)

    def loss(log_temperature):
        scaled = score / np.exp(log_temperature)
        return np.mean(np.logaddexp(0, scaled) - label * scaled)

    # In the inverse of the temperature the loss is convex, so that in its logarithm there is one lowest point.
    low, high = np.log(LIMITS)
    return float(np.exp(minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-6}).x))


def calibrate(probability, temperature):
    """Probabilities after their logits were divided by `temperature`; 0.5 stays what it is."""
    return expit(_logit(probability) / temperature)


def _logit(probability):
    return logit(np.clip(np.asarray(probability, float), CLIP, 1 - CLIP))
