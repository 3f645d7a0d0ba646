"""Temperature scaling: one number, fitted on validation, makes probabilities more or less extreme.

Their order stays. C. Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit

from mammo.statistics.metrics import CLIP

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

LIMITS = 0.05, 20  # of a temperature


def temperature(label: ArrayLike, probability: ArrayLike) -> float:
    """The temperature that gives the least mean cross-entropy of `label` (0, 1).

    Logits are divided by it. It is 1, which changes nothing, where it would lie at one of the
    LIMITS: a few labels that are separated without an error ask for endless certainty, and
    uninformative probabilities ask for none; neither would hold elsewhere.
    """
    from scipy.optimize import minimize_scalar  # slow to import, and calibrate() has no need of it

    label, score = np.asarray(label, float), _logit(probability)

    def loss(log_temperature: float) -> float:
        scaled = score / np.exp(log_temperature)
        return np.mean(np.logaddexp(0, scaled) - label * scaled)

    # The loss is convex in the inverse of the temperature: in its logarithm it has one minimum.
    low, high = np.log(LIMITS)
    best = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-6}).x
    return float(np.exp(best)) if low + 0.01 < best < high - 0.01 else 1.0


def calibrate(probability: ArrayLike, temperature: float) -> np.ndarray:
    """Probabilities after their logits were divided by `temperature`; 0.5 stays what it is."""
    return expit(_logit(probability) / temperature)


def _logit(probability: ArrayLike) -> np.ndarray:
    return logit(np.clip(np.asarray(probability, float), CLIP, 1 - CLIP))
