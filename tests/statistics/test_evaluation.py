"""Metrics of one run and of several: right on rows whose values are known."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from helpers.simulated import simulated
from mammo.log import InputError
from mammo.statistics.evaluation import (
    as_json,
    ensemble,
    evaluate,
    prepared,
    refuse_strangers,
    together,
)
from mammo.statistics.settings import Evaluation

EVALUATION = Evaluation.default(draws=200)


def predictions(partition, labels, probabilities):
    names = [f"{partition}{n}" for n in range(len(labels))]
    return pd.DataFrame(
        {
            "image_id": names,
            "patient_id": names,
            "partition": partition,
            "label": labels,
            "probability": probabilities,
            "dataset": "d",
            "leaks": "",
        }
    )


def evaluated(rows):
    """The metrics of a run at the level of images; each image shows a lesion of its own."""
    images = rows[["image_id"]].assign(lesion_id=rows["image_id"], laterality="")
    evaluation = Evaluation.default(draws=100)
    values = evaluate([prepared(rows, images, "crop")], images, "crop", evaluation)
    return values[values["level"] == "image"]


ROWS = pd.concat(
    [
        predictions("training", [0, 0, 0, 1], [0.1, 0.2, 0.3, 0.4]),
        predictions("validation", [0, 1], [0.5, 0.5]),
        predictions("test", [0, 0, 1, 1, 1], [0.2, 0.6, 0.6, 0.9, 0.4]),
    ],
    ignore_index=True,
)


def test_metrics_are_those_worked_out_by_hand():
    values = evaluated(ROWS).set_index(["partition", "metric"])["value"]
    test = values["test"]
    assert (test["images"], test["benign"], test["malignant"]) == (5, 2, 3)
    assert test["accuracy"] == pytest.approx(3 / 5)
    assert test["sensitivity"] == pytest.approx(2 / 3)
    assert test["specificity"] == pytest.approx(1 / 2)
    # Pairs: 0.6 against 0.2 and 0.6 (a tie, half), 0.9 against both, 0.4 against both.
    assert test["auroc"] == pytest.approx((1 + 0.5 + 1 + 1 + 1 + 0) / 6)
    assert test["log_loss"] == pytest.approx(-np.log([0.8, 0.4, 0.6, 0.9, 0.4]).mean())
    # Training is mostly benign; the same call in test is right for 2 of 5.
    assert test["majority_class_accuracy"] == pytest.approx(2 / 5)
    assert values["training"]["majority_class_accuracy"] == pytest.approx(3 / 4)
    assert values["validation"]["sensitivity"] == 1  # at 0.5 and above the call is malignant


def test_certainty_that_is_wrong_has_a_finite_loss():
    values = evaluated(predictions("test", [0, 1], [1.0, 1.0])).set_index("metric")["value"]
    assert values["log_loss"] == pytest.approx(-np.log(1e-7) / 2, rel=1e-3)


def test_what_one_class_alone_leaves_undefined_is_null():
    values = evaluated(predictions("test", [1, 1], [0.2, 0.8])).set_index("metric")["value"]
    assert values[["auroc", "specificity"]].isna().all()
    assert values["sensitivity"] == 0.5
    document = as_json(evaluated(predictions("test", [1, 1], [0.2, 0.8])), {})
    assert next(row for row in document["values"] if row["metric"] == "auroc")["value"] is None


def test_predictions_that_are_not_the_manifests_are_refused():
    images = ROWS.assign(label=ROWS["label"].map({0: "benign", 1: "malignant"}))
    refuse_strangers(ROWS, images, "predictions.csv")
    refuse_strangers(ROWS.sample(frac=1, random_state=0), images, "predictions.csv")
    spoilt = [
        images.assign(partition="test"),
        images.assign(label="benign"),
        images.assign(patient_id="zz"),
        images.iloc[1:],
    ]
    for other in spoilt:
        with pytest.raises(InputError, match=r"predictions.csv: missing, or not the manifest's"):
            refuse_strangers(ROWS, other, "predictions.csv")
    with pytest.raises(InputError, match="training0"):
        refuse_strangers(ROWS.iloc[1:], images, "predictions.csv")


def test_metrics_of_a_leaking_split_say_so_in_every_row():
    values = evaluated(ROWS.assign(leaks="leaks patients (split by image)"))
    assert set(values["leaks"]) == {"leaks patients (split by image)"}
    assert set(values["dataset"]) == {"d"}


def study_of(folds, seeds):
    """({(fold, seed): predictions}, images): each patient is test in one fold."""
    rng = np.random.default_rng(2)
    rows = simulated(rng, 60)
    runs = {}
    for fold in range(folds):
        test = rows["patient_id"].str[1:].astype(int) % max(folds, 2) == fold
        for seed in range(seeds):
            noise = rng.normal(0, 0.1, len(rows))
            run = rows.assign(
                partition=np.where(test, "test", "training"),
                probability=(rows["probability"] + noise).clip(0, 1),
            )
            runs[fold, seed] = run.drop(columns=["lesion_id", "laterality"])
    return runs, rows[["image_id", "lesion_id", "laterality"]]


def test_of_several_seeds_there_are_a_mean_and_an_ensemble():
    runs, images = study_of(1, 3)
    mean, joint = together(runs, images, "crop", EVALUATION)
    assert (set(mean["of"]), set(joint["of"]), set(joint["fold"]), set(joint["runs"])) == (
        {"mean"},
        {"ensemble"},
        {0},
        {3},
    )
    tests = [run[run["partition"] == "test"].set_index("image_id") for run in runs.values()]
    single = [metrics.roc_auc_score(run["label"], run["probability"]) for run in tests]
    key = "partition == 'test' and level == 'image' and metric == 'auroc'"
    row = mean.query(key).iloc[0]
    assert (row["value"], row["sd"]) == (
        pytest.approx(np.mean(single)),
        pytest.approx(np.std(single, ddof=1)),
    )
    assert row["low"] < row["value"] < row["high"]
    averaged = sum(run["probability"] for run in tests) / 3
    assert joint.query(key)["value"].iloc[0] == pytest.approx(
        metrics.roc_auc_score(tests[0]["label"], averaged)
    )
    assert together(dict(list(runs.items())[:1]), images, "crop", EVALUATION) == []


def test_the_folds_of_a_cross_validation_are_pooled_in_test_alone():
    runs, images = study_of(3, 2)
    mean, *ensembles, pooled = together(runs, images, "crop", EVALUATION)
    assert [set(values["fold"]) for values in ensembles] == [{0}, {1}, {2}]
    assert set(pooled["partition"]) == {"test"}
    assert set(mean["runs"]) == set(pooled["runs"]) == {6}
    tested = [
        ensemble([run for (of, _), run in runs.items() if of == fold]).query("partition == 'test'")
        for fold in range(3)
    ]
    tested = pd.concat(tested)
    assert sorted(tested["image_id"]) == sorted(images["image_id"])
    row = pooled.query("level == 'image' and metric == 'auroc'").iloc[0]
    assert row["value"] == pytest.approx(
        metrics.roc_auc_score(tested["label"], tested["probability"])
    )
    assert row["n"] == len(images)


def test_pooled_images_are_compared_with_the_majority_class_of_their_own_fold():
    runs, images = study_of(2, 1)
    for fold, label in [(0, 0), (1, 1)]:
        training = runs[fold, 0]["partition"] == "training"
        runs[fold, 0].loc[training, "label"] = label
    pooled = together(runs, images, "crop", EVALUATION)[-1]
    tests = [runs[fold, 0].query("partition == 'test'")["label"] == fold for fold in (0, 1)]
    found = pooled.query("level == 'image' and metric == 'majority_class_accuracy'")["value"].iloc[
        0
    ]
    assert found == pytest.approx(pd.concat(tests).mean())
