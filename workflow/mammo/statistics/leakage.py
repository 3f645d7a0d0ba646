"""Inflation by data leakage: of a split that leaks, and of a threshold picked on the test set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mammo.estimates import Estimate
from mammo.statistics.bootstrap import ClusterBootstrap
from mammo.statistics.comparison import compare
from mammo.statistics.intervals import mirrored_percentile
from mammo.statistics.metrics import METRICS
from mammo.statistics.support import support_of
from mammo.statistics.units import units_of

if TYPE_CHECKING:
    from mammo.statistics.settings import Evaluation

MEASURED = ("auroc", "accuracy")  # by which a split is judged
PICKED = "balanced_accuracy"  # by which a threshold is


def leaking_split(
    honest: pd.DataFrame, leaking: pd.DataFrame, evaluation: Evaluation
) -> pd.DataFrame:
    """How much higher each metric is of the `leaking` scores than of the `honest`, on test images.

    With folds both test every image, so that the same images and patients are compared.
    """
    tests = [scores[scores["partition"] == "test"] for scores in (honest, leaking)]
    a, b = (units_of(test, "image", None) for test in tests)
    found = compare(a, b, "image", evaluation, MEASURED)
    found = found.rename(columns={"value_a": "honest", "value_b": "leaking"})
    return found.drop(columns=["p", "no_p", "detectable"])


def threshold_picked_on_test(
    scores: pd.DataFrame, thresholds: pd.DataFrame, evaluation: Evaluation
) -> dict[str, object]:
    """The same of the balanced accuracy at a threshold that is picked on the test images: a row.

    `honest` is at each fold's Youden threshold, chosen on validation; `leaking` at the thresholds
    that make it largest on the test images themselves.

    Each replicate picks anew, as someone with other patients would. What is largest by chance is so
    in the study and once more in each replicate: replicates lie too high by that, and are moved
    back by the distance of their mean from the estimate. The interval so says how far such an
    inflation would vary between test partitions of this size, with the model and the honest
    threshold as they are. It cannot be below 0.
    """
    chosen = (thresholds["level"] == "image") & (thresholds["point"] == "youden")
    youden = thresholds[chosen].set_index("fold")
    test = scores[scores["partition"] == "test"]
    row: dict[str, object] = {"metric": PICKED, "n": test["image_id"].nunique()}
    if (without := youden["threshold"].isna()).any():
        reason = youden.loc[without, "reason"].iloc[0]
        return row | {"reason": f"no threshold from validation: {reason}"}
    threshold = test["fold"].map(youden["threshold"]).astype(float)
    test = test.assign(probability=test["calibrated"], threshold=threshold)
    needs, support = METRICS[PICKED].needs, support_of(test, "image")
    if reason := support.why_undefined(needs):
        return row | {"reason": reason}
    bootstrap = ClusterBootstrap.of(test, evaluation)
    place = bootstrap.place(test)
    once = np.ones((1, len(bootstrap.patients)))
    honest, leaking = (values[0] for values in _balanced_accuracies(test, place, once))
    row |= {"honest": honest, "leaking": leaking}
    difference = leaking - honest
    if reason := support.why_no_interval(needs):
        return row | Estimate(difference, reason=reason).columns(value="difference")
    blocks = [
        _balanced_accuracies(test, place, drawn) for drawn in bootstrap.replicates.blocks(len(test))
    ]
    honest, leaking = np.concatenate(blocks, axis=1)
    replicates = leaking - honest
    centred = replicates - np.nanmean(replicates) + difference
    found = mirrored_percentile(difference, centred, bootstrap.confidence, support.fewest(needs))
    return row | found.columns(value="difference")


def _balanced_accuracies(
    test: pd.DataFrame, place: np.ndarray, drawn: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """In each replicate the balanced accuracy at the rows' own threshold, and at the best ones.

    Each fold has a best threshold of its own. drawn: replicates × patients; place: each row's.
    """
    columns = (test[name].to_numpy(float) for name in ("label", "probability", "threshold"))
    label, probability, threshold = columns
    patients = drawn.shape[1]
    malignant = drawn @ np.bincount(place, label, patients)
    benign = drawn @ np.bincount(place, 1 - label, patients)
    with np.errstate(invalid="ignore"):  # a replicate of one class has none
        each = np.where(label == 1, 1 / malignant[:, None], -1 / benign[:, None])
        gain = each * drawn[:, place]
    honest = (gain * (probability >= threshold)).sum(1)
    best = np.zeros(len(drawn))
    for fold in test["fold"].unique():
        here = np.flatnonzero(test["fold"] == fold)
        order = here[np.argsort(-probability[here], kind="stable")]
        # Where each run of equal probabilities ends.
        last = np.flatnonzero(np.r_[np.diff(probability[order]) != 0, True])
        # The most that predicting the likeliest rows malignant, or none, adds to Youden's index.
        best = best + np.maximum(gain[:, order].cumsum(1)[:, last].max(1), 0)
    return (1 + honest) / 2, (1 + best) / 2
