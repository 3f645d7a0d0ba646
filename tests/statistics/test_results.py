"""Metrics and figures: right on rows whose values are known, and from their tables alone."""

import matplotlib
import numpy as np
import pandas as pd
import pytest

from mammo.log import InputError
from mammo.report.figures import FIGURES
from mammo.report.style import marked
from mammo.statistics.collection import as_json
from mammo.statistics.evaluation import evaluate, prepared
from mammo.statistics.histories import curve
from mammo.statistics.runs import refuse_strangers
from mammo.tables import run_of


def predictions(partition, labels, probabilities):
    names = [f"{partition}{n}" for n in range(len(labels))]
    return pd.DataFrame(
        {"image_id": names, "patient_id": names, "partition": partition, "label": labels, "probability": probabilities,
         "dataset": "d", "leaks": ""}
    )  # fmt: skip


def evaluated(rows):
    """The metrics of a run at the level of images; each image shows a lesion of its own."""
    images = rows[["image_id"]].assign(lesion_id=rows["image_id"], laterality="")
    evaluation = {"draws": 100, "confidence": 0.95, "seed": 1}
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
    # Pairs of a malignant and a benign image: 0.6 against 0.2 and 0.6 (a tie, half), 0.9 against both, 0.4 against both.
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


def history(epochs, kept, leaks=""):
    number = np.arange(1, epochs + 1)
    columns = {
        "loss": 1 / number,
        "accuracy": 1 - 0.5 / number,
        "val_loss": 1.1 / number,
        "val_accuracy": 1 - 0.6 / number,
    }
    kept = (number == kept).astype(int)
    return pd.DataFrame(
        {"epoch": number, **columns, "kept": kept, "dataset": "0123456789ab", "leaks": leaks}
    )


def test_curves_hold_every_run_and_epoch():
    table = curve({("baseline", 0, 1): history(5, 2), ("baseline", 0, 2): history(7, 4)}, "loss")
    assert len(table) == 2 * (5 + 7)
    row = table.query("seed == 2 and partition == 'validation' and epoch == 4").iloc[0]
    assert (row["value"], row["kept"]) == (pytest.approx(1.1 / 4), 1)
    assert run_of("results/runs/baseline/fold0-seed12/history.csv") == ("baseline", 0, 12)


@pytest.mark.parametrize("measure", ["accuracy", "loss"])
def test_a_figure_shows_its_table(measure):
    table = curve({("baseline", 0, 1): history(5, 2)}, measure)
    axes = FIGURES[measure].draw(table, "phantom").axes[0]
    lines = [line for line in axes.lines if len(line.get_xdata()) == 5]
    for line, partition in zip(lines, ["training", "validation"], strict=True):
        wanted = table.loc[table["partition"] == partition, "value"]
        assert np.array_equal(line.get_ydata(), wanted)
    assert lines[0].get_linestyle() != lines[1].get_linestyle()  # told apart without colour
    # Luminance by the coefficients of ITU-R BT.709: the two also differ in grey.
    grey = [
        np.dot(matplotlib.colors.to_rgb(line.get_color()), [0.2126, 0.7152, 0.0722])
        for line in lines[:2]
    ]
    assert abs(grey[0] - grey[1]) > 0.05
    kept = [line for line in axes.lines if line.get_marker() == "o"]
    assert [line.get_xdata()[0] for line in kept] == [2]


@pytest.mark.parametrize("leaks", ["", "leaks patients (split by image)"])
def test_every_figure_bears_its_dataset_and_one_of_a_leaking_split_says_so(leaks):
    table = curve({("baseline", 0, 1): history(5, 2, leaks)}, "loss")
    figure = marked(FIGURES["loss"].draw(table, "phantom"), table)
    texts = [text.get_text() for text in figure.texts]
    assert "dataset 0123456789ab" in texts
    banner = [
        text
        for text in texts
        if "NOT EVIDENCE OF PERFORMANCE: the split leaks patients (split by image)" in text
    ]
    assert bool(banner) == bool(leaks)


def test_metrics_of_a_leaking_split_say_so_in_every_row():
    values = evaluated(ROWS.assign(leaks="leaks patients (split by image)"))
    assert set(values["leaks"]) == {"leaks patients (split by image)"}
    assert set(values["dataset"]) == {"d"}
