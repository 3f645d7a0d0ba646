"""What a run of the phantom study leaves: complete, and recomputable from its own tables."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from helpers.project import OF_SEVERAL
from mammo.report.figures import FIGURES
from mammo.study.provenance import ASKED_FOR

pytestmark = pytest.mark.slow


RESULTS = [
    "inventory/summary.md",
    "inventory/contact_sheet_benign.png",
    "inventory/contact_sheet_malignant.png",
    "metrics.json",
    "metrics.csv",
    "plots/accuracy.png",
    "plots/loss.png",
    "plots/flow.png",
    "plots/flow.csv",
    "plots/controls.png",
    "plots/controls.csv",
    "plots/gradcam.png",
    "plots/gradcam_energy.svg",
    "plots/characteristics.csv",
    "characteristics.html",
    "report.html",
    "model_card.md",
    "datasheet.md",
    "checklists.csv",
    "resources.csv",
    "resources.yaml",
    "dataset.json",
    "tensors/crop-64/shard-1of1/pixels.npy",
    "splits/official-validation0.2-seed1/manifest.csv",
    "runs/baseline/fold0-seed1/model.keras",
]


@pytest.mark.parametrize("name", RESULTS)
def test_a_run_leaves_what_it_promises(study, name):
    assert (study / "results" / name).stat().st_size > 0


def test_metrics_are_recomputable_from_the_predictions(study):
    """Each value of metrics.csv, by scikit-learn or by counting, from predictions.csv and the regions' images.csv alone."""
    rows = pd.read_csv(study / "results/runs/baseline/fold0-seed1/predictions.csv")
    rows = rows.merge(
        pd.read_csv(study / "results/regions/crop/images.csv")[
            ["image_id", "lesion_id", "laterality"]
        ]
    )
    lesions = rows.groupby(["partition", "patient_id", "laterality", "lesion_id"], as_index=False)
    lesions = lesions.agg({"label": "max", "probability": "mean"})
    highest = {"label": "max", "probability": "max"}
    units = {
        "image": rows,
        "lesion": lesions,
        "breast": lesions.groupby(["partition", "patient_id", "laterality"], as_index=False).agg(
            highest
        ),
        "patient": lesions.groupby(["partition", "patient_id"], as_index=False).agg(highest),
    }
    found = pd.read_csv(study / "results/metrics.csv")
    assert set(zip(found["partition"], found["level"], strict=True)) == {
        (partition, level) for partition in ("training", "validation", "test") for level in units
    }
    for (partition, level), values in found.groupby(["partition", "level"]):
        part = units[level].query("partition == @partition")
        training_is_malignant = units[level].query("partition == 'training'")["label"].mean() > 0.5
        label, probability = part["label"], part["probability"]
        called = probability >= 0.5
        counts = {
            "images": (rows["partition"] == partition).sum(),
            "patients": part["patient_id"].nunique(),
            "benign": (label == 0).sum(),
            "malignant": (label == 1).sum(),
        }
        wanted = {
            "log_loss": metrics.log_loss(label, probability.clip(1e-7, 1 - 1e-7)),
            "brier_score": ((label - probability) ** 2).mean(),
            "accuracy": (called == label).mean(),
            "majority_class_accuracy": (label == training_is_malignant).mean(),
            "balanced_accuracy": metrics.balanced_accuracy_score(label, called),
            "auroc": metrics.roc_auc_score(label, probability),
            "auprc": metrics.average_precision_score(label, probability),
            "sensitivity": called[label == 1].mean(),
            "specificity": (~called[label == 0]).mean(),
            "ppv": label[called].mean() if called.any() else np.nan,
            "npv": 1 - label[~called].mean() if (~called).any() else np.nan,
            "f1": metrics.f1_score(label, called),
        }
        told = values.set_index("metric")["value"].to_dict()
        assert set(told) - set(wanted) - set(counts) == {
            "expected_calibration_error",
            "calibration_slope",
            "calibration_intercept",
        }
        assert {name: told[name] for name in wanted | counts} == pytest.approx(
            wanted | counts, nan_ok=True
        )
        assert set(values["n"]) == {len(part)}


def test_metrics_as_json_are_those_of_the_csv(study):
    table = pd.read_csv(study / "results/metrics.csv").astype(object)
    table = table.where(table.notna(), None).fillna({"leaks": "", "reason": ""})
    document = json.loads((study / "results/metrics.json").read_text())
    assert document["values"] == table.to_dict("records")
    assert (document["positive"], document["threshold"]) == ("malignant", 0.5)


def test_controls_are_scored_on_the_networks_test_images_and_recomputable(study):
    results = study / "results/runs/baseline"
    scores, controls = (pd.read_csv(results / f"{name}.csv") for name in ("scores", "controls"))
    tested = scores.query("partition == 'test'").set_index("image_id")
    values = pd.read_csv(study / "results/plots/controls.csv").set_index(["control", "metric"])
    network = metrics.roc_auc_score(tested["label"], tested["probability"])
    assert values["value"]["network", "auroc"] == pytest.approx(network)
    assert set(controls["control"]) | {"network"} == {control for control, _ in values.index}
    for control, rows in controls.groupby("control"):
        rows = rows.set_index("image_id")
        assert set(rows.index) == set(tested.index)
        if control == "shuffled_labels":
            assert (rows.groupby("patient_id")["label"].nunique() == 1).all()
        else:
            assert (rows["label"] == tested["label"][rows.index]).all()
        auroc = metrics.roc_auc_score(rows["label"], rows["probability"])
        assert values["value"][control, "auroc"] == pytest.approx(auroc)
        assert values["difference"][control, "auroc"] == pytest.approx(network - auroc)
        assert (
            values["value"][control, "accuracy"]
            == ((rows["probability"] >= 0.5) == rows["label"]).mean()
        )


def test_predictions_cover_the_manifest_but_for_what_did_not_decode(study):
    results = study / "results"
    manifest = pd.read_csv(results / "splits/official-validation0.2-seed1/manifest.csv")
    undecoded = pd.read_csv(results / "tensors/crop-64/excluded.csv")
    predictions = pd.read_csv(results / "runs/baseline/fold0-seed1/predictions.csv")
    assert len(undecoded) == 1  # the phantom plants one truncated JPEG
    assert sorted(predictions["image_id"]) == sorted(
        set(manifest["image_id"]) - set(undecoded["image_id"])
    )
    joined = predictions.merge(manifest, on="image_id")
    assert (joined["partition_x"] == joined["partition_y"]).all()
    assert (joined["label_x"] == (joined["label_y"] == "malignant")).all()


def test_tensors_are_mapped_bytes_one_for_each_usable_lesion(study):
    results = study / "results"
    pixels = np.load(results / "tensors/crop-64/shard-1of1/pixels.npy", mmap_mode="r")
    lesions, excluded = (
        pd.read_csv(results / f"inventory/{name}.csv") for name in ("lesions", "excluded")
    )
    assert (pixels.dtype, pixels.shape) == (np.uint8, (len(lesions) - len(excluded), 64, 64))


def test_figures_show_the_history(study):
    history = pd.read_csv(study / "results/runs/baseline/fold0-seed1/history.csv")
    for measure in ("accuracy", "loss"):
        points = pd.read_csv(study / f"results/plots/{measure}.csv").pivot(
            index="epoch", columns="partition", values="value"
        )
        assert points["training"].tolist() == history[measure].tolist()
        assert points["validation"].tolist() == history[f"val_{measure}"].tolist()


def test_the_log_tells_the_epochs_and_no_patient(study):
    log = (study / "results/logs/train_network/baseline-fold0-seed1.log").read_text()
    assert "Epoch 2/2" in log
    assert "val_loss" in log
    for path in (study / "results/logs").rglob("*.log"):
        assert not re.search(r"P_\d{5}", path.read_text()), path


def test_each_step_has_its_log_and_benchmark(study):
    rules = (
        {path.stem for path in (study / "workflow/scripts").glob("*.py")} - ASKED_FOR - OF_SEVERAL
    )
    assert {path.name for path in (study / "results/logs").iterdir()} == rules
    assert {path.name for path in (study / "results/benchmarks").iterdir()} == rules


def test_every_figure_that_can_be_drawn_is_drawn(study):
    drawn = {path.stem for path in (study / "results/plots").glob("*.png")}
    assert drawn == {name for name, figure in FIGURES.items() if figure.plotted} - {"comparisons", "leakage"} | {"gradcam"}
