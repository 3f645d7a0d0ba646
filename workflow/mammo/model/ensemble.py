"""The networks that are exported as one, those of a fold or of all folds: how they perform."""

from typing import Any

import pandas as pd

from mammo.statistics.calibration import calibrate, temperature
from mammo.statistics.estimation import estimate
from mammo.statistics.settings import Evaluation
from mammo.statistics.thresholds import choose
from mammo.tables import PARTITIONS


def of_fold(
    scores: pd.DataFrame, thresholds: pd.DataFrame, fold: int | None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """(scores, thresholds, images) of a fold's networks, from scores.csv and thresholds.csv.

    fold None: of those of all folds, as `across_folds` has them.
    """
    if fold is None:
        return across_folds(scores)
    scores = scores.query("fold == @fold").reset_index(drop=True)
    return scores, thresholds.query("fold == @fold and level == 'image'"), scores


def across_folds(scores: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """(scores, thresholds, images) of the networks of all folds as one, from scores.csv.

    scores: each image in each fold, as its networks see it. The temperature and thresholds are
    those of the validation images of all folds together. What is tested is what each fold's
    networks predict of images that they had not seen: an estimate for such networks, since every
    image was in training for some of those that are averaged.
    images: each once, with the mean probability. Its partition is `training` if any fold trained on
    it.
    """
    validation = scores["partition"] == "validation"
    labels = scores.loc[validation, "label"]
    heat = temperature(labels, scores.loc[validation, "probability"])
    scores = scores.assign(calibrated=calibrate(scores["probability"], heat))
    points = choose(labels, scores.loc[validation, "calibrated"])
    thresholds = pd.DataFrame(
        {"point": point, "threshold": threshold, "reason": reason, "temperature": heat}
        for point, (threshold, reason) in points.items()
    )
    order = {partition: number for number, partition in enumerate(PARTITIONS)}
    images = (
        scores.assign(order=scores["partition"].map(order))
        .sort_values("order", kind="stable")
        .drop_duplicates("image_id")
        .drop(columns="order")
        .sort_index()
    )
    mean = scores.groupby("image_id")["probability"].mean()
    return scores, thresholds, images.assign(probability=images["image_id"].map(mean))


def counted(scores: pd.DataFrame) -> dict[str, dict[str, int]]:
    """How many images, malignant ones and patients each partition holds."""
    parts = scores.drop_duplicates(["image_id", "partition"]).groupby("partition")
    return {
        partition: {
            "images": len(part),
            "malignant": int(part["label"].sum()),
            "patients": part["patient_id"].nunique(),
        }
        for partition, part in parts
    }


def tested(
    scores: pd.DataFrame, thresholds: pd.DataFrame, evaluation: Evaluation
) -> list[dict[str, Any]]:
    """Metrics of the test images, each with its confidence interval; [] without test images.

    Discrimination by the probability, the error of the calibrated one, and what each operating
    point (`point`) makes of it, as in metrics.csv.
    """
    test = scores[scores["partition"] == "test"]
    if test.empty:
        return []
    training = scores.loc[scores["partition"] == "training", "label"]
    majority = int(training.mean() > 0.5)
    test = test.assign(unit=test["image_id"], images=1, majority=majority)
    calibrated = test.assign(probability=test["calibrated"])
    wanted = [("", test, ["auroc", "auprc"]), ("", calibrated, ["brier_score"])]
    for point in thresholds[thresholds["threshold"].notna()].itertuples():
        rows = calibrated.assign(threshold=point.threshold)
        wanted.append((point.point, rows, ["sensitivity", "specificity", "ppv", "npv"]))
    columns = ["metric", "value", "low", "high", "confidence", "n", "reason"]
    found = []
    for name, rows, metrics in wanted:
        values = estimate([rows], "image", evaluation).set_index("metric").loc[metrics]
        values = values.reset_index()[columns].astype(object)
        values = values.where(values.notna(), None)
        found += [{"point": name} | row for row in values.to_dict("records")]
    return found
