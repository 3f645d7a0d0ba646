"""The networks that are exported as one: those of a fold, and those of all folds."""

import numpy as np
import pandas as pd

from mammo.model.ensemble import across_folds, counted, of_fold


def folds_scores():
    """scores.csv of two folds of 120 images: each is in training in one of them, or in neither."""
    rng = np.random.default_rng(0)
    first = np.repeat(["test", "validation", "training"], 40)
    second = np.repeat(["training", "test", "validation"], 40)
    label = np.arange(120) % 2
    parts = []
    for fold, partitions in enumerate((first, second)):
        probability = 0.3 + 0.4 * label + rng.normal(0, 0.2, 120)
        part = pd.DataFrame({"image_id": [f"i{n}" for n in range(120)], "label": label})
        part["patient_id"] = part["image_id"]
        part["fold"], part["partition"] = fold, partitions
        part["probability"], part["calibrated"] = np.clip(probability, 0.01, 0.99), 9.0
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def test_the_networks_of_all_folds_are_judged_by_what_each_had_not_seen():
    scores = folds_scores()
    told, thresholds, images = across_folds(scores)
    assert len(images) == 120
    mean = scores.groupby("image_id")["probability"].mean()
    assert np.allclose(images["probability"], mean[images["image_id"]])
    # 40 were in test and validation only: the reference leaves them out.
    assert images["partition"].value_counts().to_dict() == {"training": 80, "validation": 40}
    assert told["calibrated"].between(0, 1).all()
    validation = told[told["partition"] == "validation"]
    youden = thresholds.set_index("point").loc["youden"]
    assert youden["threshold"] in set(validation["calibrated"])
    assert thresholds["temperature"].nunique() == 1


def test_those_of_a_fold_keep_its_scores_and_the_thresholds_of_images():
    thresholds = pd.DataFrame({"fold": [0, 0, 1], "level": ["image", "patient", "image"]})
    scores, points, images = of_fold(folds_scores(), thresholds, 0)
    assert set(scores["fold"]) == {0}
    assert scores is images
    assert points.index.tolist() == [0]
    assert counted(scores)["test"] == {"images": 40, "malignant": 20, "patients": 40}
