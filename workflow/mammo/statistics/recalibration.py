"""Logistic recalibration: the calibration slope and intercept, under many weightings at once.

D. R. Cox, Biometrika 45 (1958) 562; B. Van Calster et al., BMC Medicine 17 (2019) 230.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

STEPS = 60  # of Newton's method, which settles in fewer than ten nearly always
TOLERANCE = 1e-6


class Recalibration:
    """The regression of the label on the logit of the probability, of the same rows each time.

    label: 0 or 1, (n,); score: the logit of the probability, (n,).
    """

    def __init__(self, label: np.ndarray, score: np.ndarray) -> None:
        self.label, self.score = label, score
        self.constant = np.ones_like(score)[:, None]
        self.both = np.column_stack([np.ones_like(score), score])
        # All weightings start where the unweighted rows end, which is near.
        unweighted = np.ones((1, len(label)))
        self.slope_start = _newton(self.both, 0, label, unweighted, np.zeros((1, 2)))
        self.intercept_start = _newton(self.constant, score, label, unweighted, np.zeros((1, 1)))

    def under(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Slope and intercept under each weighting; `weights` is weightings × rows.

        Where one class is absent neither exists; where the classes do not overlap the slope is
        infinite or anything. Both are NaN then.
        """
        malignant, benign = (self._range(weights, self.label == label) for label in (1, 0))
        present = np.isfinite(malignant[0]) & np.isfinite(benign[0])
        overlap = (malignant[0] < benign[1]) & (benign[0] < malignant[1])
        slope, intercept = np.full((2, len(weights)), np.nan)
        if overlap.any():
            chosen = weights[overlap]
            slope[overlap] = _newton(self.both, 0, self.label, chosen, self.slope_start)[:, 1]
        if present.any():
            chosen, start = weights[present], self.intercept_start
            fitted = _newton(self.constant, self.score, self.label, chosen, start)
            intercept[present] = fitted[:, 0]
        return slope, intercept

    def _range(self, weights: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The lowest and the highest score of `rows` under each weighting, infinite without any."""
        present = weights[:, rows] > 0
        lowest = np.where(present, self.score[rows], np.inf).min(1, initial=np.inf)
        highest = np.where(present, self.score[rows], -np.inf).max(1, initial=-np.inf)
        return lowest, highest


def _newton(
    design: np.ndarray,
    offset: np.ndarray | float,
    label: np.ndarray,
    weights: np.ndarray,
    start: np.ndarray,
) -> np.ndarray:
    """Newton's method for each weighting, until its step is below TOLERANCE; NaN if it never is.

    The error is then about the square of the step. A step that changes a row's logit by at most r
    is shortened by log(1 + r) / r, with which it never fails to climb (the logistic loss is
    self-concordant in a general sense; Sun & Tran-Dinh, Math. Program. 178 (2019) 145).
    """
    columns = design.shape[1]
    products = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    # What is linear in the last column, beside a constant one, is largest at that column's ends.
    ends = design[[design[:, -1].argmin(), design[:, -1].argmax()]]
    found = np.full((len(weights), columns), np.nan)
    todo, at = np.arange(len(weights)), start
    for _ in range(STEPS):
        fitted = expit(at @ design.T + offset)
        gradient = (weights[todo] * (label - fitted)) @ design
        curvature = (weights[todo] * (fitted * (1 - fitted))) @ products
        curvature = curvature.reshape(-1, columns, columns)
        # A trace on the diagonal moves no solution, and allows a step where all fits are 0 or 1.
        step = np.linalg.solve(curvature + 1e-12 * np.eye(columns), gradient[..., None])[..., 0]
        reach = np.maximum(np.abs(step @ ends.T).max(1, keepdims=True), 1e-12)
        step *= np.log1p(reach) / reach
        at = at + step
        settled = np.abs(step).max(1) < TOLERANCE * (1 + np.abs(at).max(1))
        found[todo[settled]] = at[settled]
        todo, at = todo[~settled], at[~settled]
        if not len(todo):
            break
    return found
