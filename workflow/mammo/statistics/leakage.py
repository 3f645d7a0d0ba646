"""The leakage meter: what a split that leaks adds to a result, and a threshold that is picked on the images that it is judged by."""

import numpy as np

from mammo.statistics.bootstrap import Draws, interval, support
from mammo.statistics.comparison import compare
from mammo.statistics.levels import units_of

METRICS = ["auroc", "accuracy"]  # that a split is measured by


def leaking_split(honest, leaking, evaluation):
    """A DataFrame with a row per metric: how much higher it is of the `leaking` scores than of the `honest`, of test images.

    With folds both test every image, so that the same images and patients are compared.
    """
    sides = [
        units_of(scores[scores["partition"] == "test"], "image", None)
        for scores in (honest, leaking)
    ]
    found = compare(*sides, "image", evaluation, METRICS)
    return found.rename(columns={"value_a": "honest", "value_b": "leaking"}).drop(
        columns=["p", "no_p", "detectable"]
    )


def threshold_picked_on_test(scores, thresholds, evaluation):
    """The same, a dict, for the balanced accuracy of test images: at each fold's Youden threshold, chosen on validation, and at those
    thresholds that make it largest on the test images themselves.

    Each draw of patients picks anew, as who picks on test would with other patients. What is largest by chance is so in the
    study and once more in each draw: the draws lie too high by that, and are taken back by the distance of their mean from
    the estimate. The interval so tells how far such an inflation would vary between test partitions of this size, with the
    network and the honest threshold as they are. It cannot be below 0.
    """
    youden = thresholds.query("level == 'image' and point == 'youden'").set_index("fold")
    test = scores[scores["partition"] == "test"].assign(probability=lambda rows: rows["calibrated"])
    row = {"metric": "balanced_accuracy", "n": test["image_id"].nunique()}
    if (without := youden["threshold"].isna()).any():
        return row | {
            "reason": f"no threshold from validation: {youden.loc[without, 'reason'].iloc[0]}"
        }
    test = test.assign(threshold=test["fold"].map(youden["threshold"]).astype(float))
    fewest, undefined, few = support(test, row["metric"], "image")
    if undefined:
        return row | {"reason": undefined}
    patients, place = np.unique(test["patient_id"].to_numpy(str), return_inverse=True)
    honest, leaking = _balanced_accuracies(test, place, np.ones((1, len(patients))))
    row |= {"honest": honest[0], "leaking": leaking[0], "difference": leaking[0] - honest[0]}
    if few:
        return row | {"reason": few}
    blocks = Draws(len(patients), evaluation["draws"], evaluation["seed"]).blocks(len(test))
    honest, leaking = np.concatenate(
        [_balanced_accuracies(test, place, drawn) for drawn in blocks], axis=1
    )
    draws = leaking - honest
    centred = draws - np.nanmean(draws) + row["difference"]
    low, high, reason = interval(
        centred, evaluation["confidence"], fewest, mirror=row["difference"]
    )
    return row | {
        "low": low,
        "high": high,
        "confidence": evaluation["confidence"] if low is not None else None,
        "reason": reason,
    }


def _balanced_accuracies(test, place, drawn):
    """Under each draw, the balanced accuracy at the rows' own threshold, and at the best one for each fold."""
    label, probability, threshold = (
        test[name].to_numpy(float) for name in ("label", "probability", "threshold")
    )
    malignant, benign = (
        drawn @ _summed(place, label, drawn),
        drawn @ _summed(place, 1 - label, drawn),
    )
    with np.errstate(invalid="ignore"):  # a draw of one class has none
        shares = (
            np.where(label == 1, 1 / malignant[:, None], -1 / benign[:, None]) * drawn[:, place]
        )
    honest = (shares * (probability >= threshold)).sum(1)
    best = 0
    for fold in test["fold"].unique():
        here = np.flatnonzero(test["fold"] == fold)
        order = here[np.argsort(-probability[here], kind="stable")]
        last = np.flatnonzero(
            np.r_[np.diff(probability[order]) != 0, True]
        )  # of rows of equal probability
        # The most that calling the likeliest rows malignant, or none, adds to sensitivity - (1 - specificity).
        best = best + np.maximum(shares[:, order].cumsum(1)[:, last].max(1), 0)
    return (1 + honest) / 2, (1 + best) / 2


def _summed(place, values, drawn):
    return np.bincount(place, values, drawn.shape[1])
