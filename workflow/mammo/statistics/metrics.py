"""The metrics of a classifier. Each is one entry of METRICS, which says all there is to say of it.

A bootstrap weights the same rows again and again, by how often it drew them. So a metric is a
function of rows under many weightings at once, and what several metrics need is summed once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import logit
from threadpoolctl import threadpool_limits

from mammo.statistics.intervals import (
    IntervalMethod,
    expanded_percentile,
    logit_t,
    mirrored_percentile,
)
from mammo.statistics.recalibration import Recalibration

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

THRESHOLD = 0.5  # at or above it a unit is predicted malignant, unless another one is given
BINS = (
    10  # of the expected calibration error, of equal width; each holds its lower edge, the last 1
)
CLIP = 1e-7  # of probabilities in the log loss, as Keras does: certainty that is wrong costs much


class ConfusionMatrix(NamedTuple):
    """The 2×2 table of predictions: its four counts, a number per weighting each."""

    true_positive: np.ndarray
    false_positive: np.ndarray
    false_negative: np.ndarray
    true_negative: np.ndarray

    @property
    def positive(self) -> np.ndarray:
        """The number of malignant units."""
        return self.true_positive + self.false_negative

    @property
    def negative(self) -> np.ndarray:
        """The number of benign units."""
        return self.true_negative + self.false_positive


class Rows:
    """Labels and probabilities of units, and what of them does not depend on the weights.

    label: 1 is malignant, 0 benign. majority: the majority class of the training set, 0 or 1.
    threshold: the probability at or above which a unit is predicted malignant. Each is an array
    (n,); majority and threshold may be one number for all.
    """

    def __init__(
        self,
        label: ArrayLike,
        probability: ArrayLike,
        majority: ArrayLike = 0,
        threshold: ArrayLike = THRESHOLD,
    ) -> None:
        self.label = np.asarray(label, float)
        self.probability = np.asarray(probability, float)
        self.majority, self.threshold = np.asarray(majority), np.asarray(threshold)

    @classmethod
    def of(cls, units: pd.DataFrame) -> Rows:
        """Those of a table with label, probability, majority and, where it is not 0.5, threshold.

        Without the column majority it is the class 0.
        """
        majority = units["majority"].to_numpy() if "majority" in units else 0
        threshold = units["threshold"].to_numpy(float) if "threshold" in units else THRESHOLD
        return cls(units["label"].to_numpy(), units["probability"].to_numpy(), majority, threshold)

    def under(self, weights: np.ndarray) -> WeightedRows:
        """The rows under each weighting; a weight of 2 is the row standing there twice.

        weights: weightings × rows, at least 0.
        """
        return WeightedRows(self, weights)

    @cached_property
    def clipped(self) -> np.ndarray:
        """The probabilities without the certain ones."""
        return np.clip(self.probability, CLIP, 1 - CLIP)

    @cached_property
    def columns(self) -> np.ndarray:
        """What is summed of each row: SUMMED, and the residuals of each calibration bin."""
        label, probability = self.label, self.probability
        predicted = probability >= self.threshold
        bins = np.minimum((probability * BINS).astype(int), BINS - 1)
        columns = [
            label,
            1 - label,
            predicted * label,
            predicted * (1 - label),
            self.majority == label,
            (probability - label) ** 2,
            -np.log(np.where(label == 1, self.clipped, 1 - self.clipped)),
            *((label - probability) * (bins == number) for number in range(BINS)),
        ]
        return np.array(columns)

    @cached_property
    def order(self) -> np.ndarray:
        """The rows from the highest probability down."""
        return np.argsort(-self.probability, kind="stable")

    @cached_property
    def starts(self) -> np.ndarray:
        """Where in that order each run of equal probabilities begins."""
        return np.flatnonzero(np.r_[True, np.diff(self.probability[self.order]) != 0])

    @cached_property
    def recalibration(self) -> Recalibration:
        """The logistic recalibration of these rows."""
        return Recalibration(self.label, logit(self.clipped))


class Sums(NamedTuple):
    """Sums over the rows under each weighting, (weightings,); `residuals` (BINS, weightings)."""

    positive: np.ndarray
    negative: np.ndarray
    true_positive: np.ndarray
    false_positive: np.ndarray
    majority: np.ndarray  # rows of the majority class of the training set
    squared_error: np.ndarray
    cross_entropy: np.ndarray
    residuals: np.ndarray  # label less probability, by calibration bin


class WeightedRows:
    """Rows under many weightings: what metrics are made of, computed when first needed."""

    def __init__(self, rows: Rows, weights: np.ndarray) -> None:
        self.rows, self.weights = rows, weights

    @cached_property
    def sums(self) -> Sums:
        """All sums at once, by one product of matrices: of a million rows each one is a pass."""
        sums = self.rows.columns @ self.weights.T
        return Sums._make([*sums[:-BINS], sums[-BINS:]])

    @cached_property
    def total(self) -> np.ndarray:
        """The number of rows under each weighting."""
        return self.sums.positive + self.sums.negative

    @cached_property
    def counts(self) -> ConfusionMatrix:
        """The 2×2 table under each weighting."""
        positive, negative, true_positive, false_positive = self.sums[:4]
        return ConfusionMatrix(
            true_positive, false_positive, positive - true_positive, negative - false_positive
        )

    @cached_property
    def ranking(self) -> tuple[np.ndarray, np.ndarray]:
        """AUROC and average precision, which share the cumulated counts."""
        rows = self.rows
        weights, label = self.weights[:, rows.order], rows.label[rows.order]
        positive = np.add.reduceat(weights * label, rows.starts, axis=1)
        negative = np.add.reduceat(weights * (1 - label), rows.starts, axis=1)
        found, false = positive.cumsum(1), negative.cumsum(1)
        pairs = found[:, -1] * false[:, -1]
        auroc = (negative * (found - positive / 2)).sum(1) / pairs
        precision = found / np.maximum(found + false, np.finfo(float).tiny)
        average = (positive * precision).sum(1) / found[:, -1]
        return auroc, np.where(pairs > 0, average, np.nan)

    @cached_property
    def recalibration(self) -> tuple[np.ndarray, np.ndarray]:
        """Calibration slope and intercept."""
        return self.rows.recalibration.under(self.weights)


def auroc(rows: WeightedRows) -> np.ndarray:
    """The area under the ROC curve; each pair of equal probabilities counts a half."""
    return rows.ranking[0]


def average_precision(rows: WeightedRows) -> np.ndarray:
    """Precision summed over the steps of recall, not interpolated; ties are one step."""
    return rows.ranking[1]


def accuracy(counts: ConfusionMatrix) -> np.ndarray:
    """The fraction of units that are predicted rightly."""
    right = counts.true_positive + counts.true_negative
    return right / (counts.positive + counts.negative)


def majority_class_accuracy(rows: WeightedRows) -> np.ndarray:
    """The accuracy of always predicting the majority class of the training set."""
    return rows.sums.majority / rows.total


def balanced_accuracy(counts: ConfusionMatrix) -> np.ndarray:
    """The mean of sensitivity and specificity."""
    return (sensitivity(counts) + specificity(counts)) / 2


def sensitivity(counts: ConfusionMatrix) -> np.ndarray:
    """The fraction of malignant units that are predicted malignant."""
    return counts.true_positive / counts.positive


def specificity(counts: ConfusionMatrix) -> np.ndarray:
    """The fraction of benign units that are predicted benign."""
    return counts.true_negative / counts.negative


def positive_predictive_value(counts: ConfusionMatrix) -> np.ndarray:
    """The fraction malignant of the units that are predicted malignant."""
    return counts.true_positive / (counts.true_positive + counts.false_positive)


def negative_predictive_value(counts: ConfusionMatrix) -> np.ndarray:
    """The fraction benign of the units that are predicted benign."""
    return counts.true_negative / (counts.true_negative + counts.false_negative)


def f1_score(counts: ConfusionMatrix) -> np.ndarray:
    """The harmonic mean of sensitivity and positive predictive value."""
    predicted = counts.true_positive + counts.false_positive
    f1 = 2 * counts.true_positive / (predicted + counts.positive)
    return np.where(counts.positive > 0, f1, np.nan)


def brier_score(rows: WeightedRows) -> np.ndarray:
    """The mean squared difference of probability and label."""
    return rows.sums.squared_error / rows.total


def log_loss(rows: WeightedRows) -> np.ndarray:
    """The mean cross-entropy, in nats; probabilities are clipped as Keras clips them."""
    return rows.sums.cross_entropy / rows.total


def expected_calibration_error(rows: WeightedRows) -> np.ndarray:
    """The mean distance of the mean probability from the fraction malignant, over BINS bins.

    Bins are weighted by their units. M. P. Naeini et al., AAAI 2015.
    """
    return np.abs(rows.sums.residuals).sum(0) / rows.total


def calibration_slope(rows: WeightedRows) -> np.ndarray:
    """The coefficient of logit(probability) in logistic recalibration; 1 at best."""
    return rows.recalibration[0]


def calibration_intercept(rows: WeightedRows) -> np.ndarray:
    """The intercept of logistic recalibration with a slope of 1: calibration in the large.

    0 at best, above it where probabilities are too low.
    """
    return rows.recalibration[1]


@dataclass(frozen=True)
class Metric:
    """A metric: its name in words, how it is computed, and what else depends on which it is.

    compute: its value under each weighting, NaN where it is not defined: a function of
    WeightedRows, or with `of_counts` of the ConfusionMatrix alone. needs: the kinds of unit
    without which it is not defined (malignant, benign, predicted malignant, predicted benign).
    higher_is_better is None where neither is.

    A metric is called like scikit-learn's:

    >>> METRICS["auroc"]([0, 1, 0, 1], [0.2, 0.9, 0.4, 0.3])
    0.75
    """

    label: str
    compute: Callable[..., np.ndarray]
    of_counts: bool = False
    needs: tuple[str, ...] = ()
    interval: IntervalMethod = expanded_percentile
    higher_is_better: bool | None = True

    def under(self, rows: WeightedRows) -> np.ndarray:
        """Its value under each weighting."""
        with np.errstate(invalid="ignore", divide="ignore"):  # 0 / 0 is NaN: not defined
            return self.compute(rows.counts if self.of_counts else rows)

    def __call__(
        self,
        y_true: ArrayLike,
        y_score: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        threshold: float = THRESHOLD,
        majority: int = 0,
    ) -> float:
        """Its value, NaN if not defined. y_true: 1 is malignant; y_score: probabilities."""
        rows = Rows(y_true, y_score, majority, threshold)
        weights = np.ones(len(rows.label)) if sample_weight is None else sample_weight
        return float(self.under(rows.under(np.asarray(weights, float)[None]))[0])


CLASSES_NEEDED = ("malignant", "benign")
METRICS = {
    "auroc": Metric("AUROC", auroc, needs=CLASSES_NEEDED, interval=logit_t),
    "auprc": Metric(
        "Average precision (AUPRC)", average_precision, needs=CLASSES_NEEDED, interval=logit_t
    ),
    "accuracy": Metric("Accuracy", accuracy, of_counts=True, interval=logit_t),
    "majority_class_accuracy": Metric(
        "Majority-class accuracy", majority_class_accuracy, interval=logit_t, higher_is_better=None
    ),
    "balanced_accuracy": Metric(
        "Balanced accuracy",
        balanced_accuracy,
        of_counts=True,
        needs=CLASSES_NEEDED,
        interval=logit_t,
    ),
    "sensitivity": Metric(
        "Sensitivity", sensitivity, of_counts=True, needs=("malignant",), interval=logit_t
    ),
    "specificity": Metric(
        "Specificity", specificity, of_counts=True, needs=("benign",), interval=logit_t
    ),
    "ppv": Metric(
        "Positive predictive value",
        positive_predictive_value,
        of_counts=True,
        needs=("predicted malignant",),
        interval=logit_t,
    ),
    "npv": Metric(
        "Negative predictive value",
        negative_predictive_value,
        of_counts=True,
        needs=("predicted benign",),
        interval=logit_t,
    ),
    "f1": Metric("F1 score", f1_score, of_counts=True, needs=("malignant",), interval=logit_t),
    "brier_score": Metric("Brier score", brier_score, higher_is_better=False),
    "log_loss": Metric("Log loss", log_loss, higher_is_better=False),
    "expected_calibration_error": Metric(
        "Expected calibration error",
        expected_calibration_error,
        interval=mirrored_percentile,
        higher_is_better=False,
    ),
    "calibration_slope": Metric(
        "Calibration slope", calibration_slope, needs=CLASSES_NEEDED, higher_is_better=None
    ),
    "calibration_intercept": Metric(
        "Calibration intercept", calibration_intercept, needs=CLASSES_NEEDED, higher_is_better=None
    ),
}
# Those that follow from the 2×2 table alone.
COUNT_METRICS = tuple(name for name, metric in METRICS.items() if metric.of_counts)


def under(rows: WeightedRows, wanted: Iterable[str] = tuple(METRICS)) -> dict[str, np.ndarray]:
    """{metric: its value under each weighting} of those `wanted`."""
    return {name: METRICS[name].under(rows) for name in wanted}


def of_counts(counts: ConfusionMatrix) -> dict[str, np.ndarray]:
    """{metric: its value} of the COUNT_METRICS, from 2×2 tables."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return {name: METRICS[name].compute(counts) for name in COUNT_METRICS}


def metrics_of(units: pd.DataFrame, wanted: Iterable[str] = tuple(METRICS)) -> dict[str, float]:
    """{metric: its value} of units with label, probability, majority and perhaps threshold."""
    with threadpool_limits(1):  # as of the replicates: the same sums whatever the machine's cores
        found = under(Rows.of(units).under(np.ones((1, len(units)))), wanted)
    return {metric: values[0] for metric, values in found.items()}
