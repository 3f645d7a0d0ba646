"""The metrics of a classifier, of many weightings of the same rows at once: a bootstrap's draw weighs rows by how often it drew them."""

import numpy as np
from scipy.special import expit, logit

THRESHOLD = 0.5  # at this probability and above the call is malignant, unless told otherwise
BINS = 10  # of the expected calibration error: of equal width, each with its lower edge, the last with 1 too
CLIP = 1e-7  # as Keras does, so that certainty that is wrong has a finite loss, the one that training would report

# Each metric, and of what there must be one at least, or it is not defined.
NEEDS = {
    "auroc": ["malignant", "benign"],
    "auprc": ["malignant", "benign"],
    "accuracy": [],
    "majority_class_accuracy": [],
    "balanced_accuracy": ["malignant", "benign"],
    "sensitivity": ["malignant"],
    "specificity": ["benign"],
    "ppv": ["called malignant"],
    "npv": ["called benign"],
    "f1": ["malignant"],
    "brier_score": [],
    "log_loss": [],
    "expected_calibration_error": [],
    "calibration_slope": ["malignant", "benign"],
    "calibration_intercept": ["malignant", "benign"],
}


def measure(label, probability, majority, threshold=THRESHOLD, wanted=tuple(NEEDS)):
    """A function of weights: {metric: its value under each weighting, NaN where it is not defined}, for those that are `wanted`.

    label, probability, majority: a value per row; the label is 1 where malignant, the majority the label that training holds
    most of. weights: weightings × rows, at least 0. A weight of 2 is the row standing there twice. threshold: a probability, or
    one per row, at which and above which the call is malignant. wanted: keys of NEEDS; recalibration takes most of the time, and
    ranking most of the rest, so that neither is done for nothing.

    auprc is average precision: precision summed over the steps of recall, without interpolation. Equal probabilities are one
    step, and in auroc each pair of them counts a half. The expected calibration error (Naeini et al., AAAI 2015) is the mean
    over BINS, weighed by their rows, of how far the mean probability lies from the share of malignant rows. Logistic
    recalibration (Cox, Biometrika 1958; Van Calster et al., BMC Medicine 2019) regresses the label on logit(probability):
    calibration_slope is its coefficient, 1 at best; calibration_intercept is the intercept where that coefficient is held
    at 1 (calibration in the large), 0 at best, above it where probabilities are too low.
    """
    label, probability = np.asarray(label, float), np.asarray(probability, float)
    clipped = np.clip(probability, CLIP, 1 - CLIP)
    called = probability >= threshold
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    columns = [
        label,
        1 - label,
        called * label,
        called * (1 - label),
        majority == label,
        (probability - label) ** 2,
        -np.log(np.where(label == 1, clipped, 1 - clipped)),
        *((label - probability) * (bins == number) for number in range(BINS)),
    ]
    columns = np.array(columns)
    # What does not depend on the weights is computed once: of a million rows, each draw is a call.
    order = np.argsort(-probability, kind="stable")
    starts = np.flatnonzero(
        np.r_[True, np.diff(probability[order]) != 0]
    )  # of rows of equal probability
    ranked = label[order]
    ranking, recalibration = (
        {"auroc", "auprc"} & {*wanted},
        {"calibration_slope", "calibration_intercept"} & {*wanted},
    )
    recalibrate = _recalibration(label, logit(clipped)) if recalibration else None

    def under(weights):
        positive, negative, true_positive, false_positive, guessed, squared, lost, *gaps = (
            columns @ weights.T
        )
        total = positive + negative
        values = of_counts(
            true_positive, false_positive, positive - true_positive, negative - false_positive
        )
        auroc = auprc = slope = intercept = None
        with np.errstate(invalid="ignore"):  # 0 / 0 is NaN: not defined
            if ranking:
                auroc, auprc = _ranking(ranked, starts, weights[:, order])
            if recalibration:
                slope, intercept = recalibrate(weights)
            values |= {
                "auroc": auroc,
                "auprc": auprc,
                "majority_class_accuracy": guessed / total,
                "brier_score": squared / total,
                "log_loss": lost / total,
                "expected_calibration_error": np.abs(gaps).sum(0) / total,
                "calibration_slope": slope,
                "calibration_intercept": intercept,
            }
        return {metric: values[metric] for metric in wanted}

    return under


def of_counts(true_positive, false_positive, false_negative, true_negative):
    """{metric: its value}, of 2×2 tables, arrays of counts; NaN where it is not defined."""
    positive, negative = true_positive + false_negative, true_negative + false_positive
    with np.errstate(invalid="ignore", divide="ignore"):
        sensitivity, specificity = true_positive / positive, true_negative / negative
        return {
            "accuracy": (true_positive + true_negative) / (positive + negative),
            "balanced_accuracy": (sensitivity + specificity) / 2,
            "sensitivity": sensitivity,
            "specificity": specificity,
            "ppv": true_positive / (true_positive + false_positive),
            "npv": true_negative / (true_negative + false_negative),
            "f1": np.where(
                positive > 0,
                2 * true_positive / (true_positive + false_positive + positive),
                np.nan,
            ),
        }


def _ranking(label, starts, weights):
    """AUROC and average precision under each weighting, of rows from the most probable down; `starts`: of those that are equally so."""
    positive = np.add.reduceat(weights * label, starts, axis=1)
    negative = np.add.reduceat(weights * (1 - label), starts, axis=1)
    found, false = positive.cumsum(1), negative.cumsum(1)
    pairs = found[:, -1] * false[:, -1]
    auroc = (negative * (found - positive / 2)).sum(1) / pairs
    precision = found / np.maximum(found + false, np.finfo(float).tiny)
    return auroc, np.where(pairs > 0, (positive * precision).sum(1) / found[:, -1], np.nan)


def _recalibration(label, score):
    """A function of weights: slope and intercept of logistic recalibration under each; `score` is the logit of the probability.

    Where one class is absent neither exists; where the classes do not overlap, the slope is infinite or anything: NaN.
    """
    one = np.ones_like(score)
    both_columns = np.column_stack([one, score])
    # All start where the unweighted rows end, which is near.
    starts = [
        _newton(*fit, label, np.ones((1, len(label))), np.zeros((1, fit[0].shape[1])))
        for fit in ((both_columns, 0), (one[:, None], score))
    ]
    classes = [label == 1, label == 0]

    def recalibrate(weights):
        edges = []
        for rows in classes:
            there = weights[:, rows] > 0
            lowest = np.where(there, score[rows], np.inf).min(1, initial=np.inf)
            edges.append((lowest, np.where(there, score[rows], -np.inf).max(1, initial=-np.inf)))
        positive, negative = edges
        both = np.isfinite(positive[0]) & np.isfinite(negative[0])
        overlap = (positive[0] < negative[1]) & (negative[0] < positive[1])
        slope, intercept = np.full((2, len(weights)), np.nan)
        if overlap.any():
            slope[overlap] = _newton(both_columns, 0, label, weights[overlap], starts[0])[:, 1]
        if both.any():
            intercept[both] = _newton(one[:, None], score, label, weights[both], starts[1])[:, 0]
        return slope, intercept

    return recalibrate


def _newton(design, offset, label, weights, start):
    """Newton's method for each weighting until its step is below 1e-6, after which the error is about the square of that.

    A step that changes a row's logit by at most r is shortened by log(1 + r) / r, with which it never fails to climb (the
    logistic loss is self-concordant in a general sense; Sun & Tran-Dinh, Math. Program. 2019). NaN where it does not settle.
    """
    columns = design.shape[1]
    products = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    # What is linear in the last column, beside a constant one, is largest where that column is lowest or highest.
    ends = design[[design[:, -1].argmin(), design[:, -1].argmax()]]
    found = np.full((len(weights), columns), np.nan)
    todo, at = np.arange(len(weights)), start
    for _ in range(60):
        chance = expit(at @ design.T + offset)
        gradient = (weights[todo] * (label - chance)) @ design
        curvature = ((weights[todo] * (chance * (1 - chance))) @ products).reshape(
            -1, columns, columns
        )
        # A trace on the diagonal moves no solution, and lets a step be taken where all chances are 0 or 1.
        step = np.linalg.solve(curvature + 1e-12 * np.eye(columns), gradient[..., None])[..., 0]
        reach = np.maximum(np.abs(step @ ends.T).max(1, keepdims=True), 1e-12)
        step *= np.log1p(reach) / reach
        at = at + step
        settled = np.abs(step).max(1) < 1e-6 * (1 + np.abs(at).max(1))
        found[todo[settled]] = at[settled]
        todo, at = todo[~settled], at[~settled]
        if not len(todo):
            break
    return found
