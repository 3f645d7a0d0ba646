"""The workflow as a person runs it: real rules on small data, in scratch folders."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from helpers.datasets import TinyKaggle
from helpers.project import (
    ROOT,
    SMALL,
    copy_workflow,
    edited,
    model_weights,
    rules_to_run,
    snakemake,
)
from mammo.report.figures import registry as figures
from mammo.study.closure import closure_files
from mammo.study.provenance import ASKED_FOR

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


def test_a_second_run_has_nothing_to_do(study):
    assert rules_to_run(snakemake(study, "-n", *SMALL)) == set()


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
    assert drawn == set(figures.FIGURES) - {"comparisons", "leakage"} | {"gradcam"}


SCRIPTS = sorted(path.stem for path in (ROOT / "workflow/scripts").glob("*.py"))
# Modules that a script imports when it is called rather than when it is read: what is slow.
LATER = {
    "train_network": {"mammo.model.callbacks", "mammo.model.checkpoint", "mammo.model.fine_tuning"}
}


@pytest.fixture(scope="session")
def imported():
    """{script: the modules that come with importing it}, asked of Python itself."""
    found = {}
    for script in SCRIPTS:
        code = f"import sys; import scripts.{script}; print(*sys.modules)"
        environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=environment
        )
        assert done.returncode == 0, (script, done.stderr)
        found[script] = set(done.stdout.split())
    return found


def test_no_script_imports_tensorflow_before_it_needs_it_and_few_need_it(imported):
    assert not [script for script, modules in imported.items() if modules & {"tensorflow", "keras"}]
    importers = {
        path.stem
        for path in (ROOT / "workflow").rglob("*.py")
        if re.search(r"^\s*(import|from) (keras|tensorflow)", path.read_text(), re.MULTILINE)
    }
    assert importers == {
        "augmentation",
        "batches",
        "callbacks",
        "checkpoint",
        "devices",
        "explanation",
        "export",
        "fine_tuning",
        "gradcam",
        "networks",
        "optimizers",
        "training",
    }


def test_a_scripts_hash_is_over_all_modules_that_it_imports(imported):
    packages = {
        ".".join(["mammo", *path.parent.relative_to(ROOT / "workflow/mammo").parts])
        for path in (ROOT / "workflow/mammo").rglob("__init__.py")
    }
    for script, modules in imported.items():
        files = closure_files(ROOT / f"workflow/scripts/{script}.py")
        hashed = {
            path.relative_to(ROOT / "workflow")
            for path in files
            if path.is_relative_to(ROOT / "workflow/mammo")
        }
        hashed = {".".join(path.with_suffix("").parts) for path in hashed}
        wanted = {name for name in modules if name.startswith("mammo")} - packages | LATER.get(
            script, set()
        )
        assert hashed == wanted, script


# Run where there are several experiments, or a network that begins with published weights; this study has one, and none.
OF_SEVERAL = {"compare_experiments", "measure_leakage", "fetch_weights"}
# What follows from a rule, so that the table below can name a first rule and mean all of them.
FIGURES = {"tabulate_curves", "draw_figure"}
FLOW = {"count_flow", "tabulate_characteristics", "draw_figure"}
METRICS = {"evaluate_run", "collect_metrics"}
GATHERED = {"gather_tables", "draw_figure"}
SUBGROUPS = {"evaluate_subgroups"} | GATHERED
CURVES = {"tabulate_scores"} | GATHERED
CONTROLS = {"score_controls"} | CURVES
ENERGY = {"measure_energy", "draw_gallery"} | GATHERED
EXPLAIN = {"explain_run"} | ENERGY
DESCRIBED = {"describe_network"}  # an exported network
JUDGED = (
    CONTROLS | SUBGROUPS | DESCRIBED
)  # what follows from an experiment's scores and the intervals' settings
EXPORT = {"export_network"} | DESCRIBED
LAST = {
    "write_report",
    "record_provenance",
}  # follow from everything, and note settings that nothing else uses
MEASURED = {"suggest_resources"}  # follows from every step that runs before those
TRAIN = (
    {"train_network", "train_shuffled", "score_images"}
    | METRICS
    | JUDGED
    | EXPORT
    | EXPLAIN
    | FIGURES
)
GATE = {"gate_split"} | TRAIN | FLOW
SPLIT = {"split_patients", "audit_split"} | GATE
TENSORS = {"decode_images", "gather_tensors"} | TRAIN | FLOW
REGION = {"list_images", "measure_images"} | TENSORS | SPLIT
INVENTORY = {"take_inventory", "draw_contact_sheet", "find_duplicates"} | REGION
AFTER = {
    "make_phantom": {"make_phantom"} | INVENTORY,
    "take_inventory": INVENTORY,
    "draw_contact_sheet": {"draw_contact_sheet"},
    "find_duplicates": {"find_duplicates"} | SPLIT,
    "list_images": REGION,
    "measure_images": {"measure_images"} | CONTROLS,
    "decode_images": TENSORS,
    "gather_tensors": TENSORS - {"decode_images"},
    "split_patients": SPLIT,
    "audit_split": {"audit_split"} | GATE,
    "gate_split": GATE,
    "train_network": TRAIN,
    "evaluate_run": METRICS,
    "collect_metrics": {"collect_metrics"},
    "score_images": {"score_images"} | JUDGED | EXPORT,
    "tabulate_scores": CURVES,
    "score_controls": CONTROLS,
    "evaluate_subgroups": SUBGROUPS,
    "export_network": EXPORT,
    "describe_network": DESCRIBED,
    "gather_tables": GATHERED,
    "explain_run": EXPLAIN,
    "measure_energy": ENERGY,
    "draw_gallery": {"draw_gallery"},
    "tabulate_curves": FIGURES,
    "count_flow": {"count_flow", "draw_figure"},
    "tabulate_characteristics": {"tabulate_characteristics"},
    "draw_figure": {"draw_figure"},
    "suggest_resources": {"suggest_resources"},
    "write_report": set(),
    "record_provenance": set(),
}
EVERYTHING = AFTER["make_phantom"]
KEYS = {
    "phantom.patients=40": EVERYTHING,
    "phantom.seed=2": EVERYTHING,
    "phantom.lookalikes=0.2": EVERYTHING,
    "image.region=full": REGION,
    "image.margin=50": set(),  # crops have none
    "image.margin_unit=mm": set(),
    "image.mixed=leave_out": set(),
    "image.fit=pad": TENSORS,
    "image.size=32": TENSORS,
    "image.shards=2": TENSORS,
    "split.method=fractions": SPLIT,
    "split.by=lesion": SPLIT,
    "split.test=0.3": set(),  # the official split does not use it
    "split.folds=3": set(),
    "split.duplicates=fail": SPLIT,
    "split.validation=0.25": SPLIT,
    "split.seed=2": SPLIT,
    "network.name=gap_cnn": TRAIN,
    "training.epochs=3": TRAIN,
    "training.batch_size=32": TRAIN,
    "training.learning_rate=0.01": TRAIN,
    "training.schedule=cosine": TRAIN,
    "training.patience=2": TRAIN,
    "training.loss=focal": TRAIN,
    "training.label_smoothing=0.1": TRAIN,
    "training.class_weights=balanced": TRAIN,
    "training.frozen_epochs=2": set(),  # without weights there is one phase
    "training.fine_tuning_rate=0.1": set(),
    "training.precision=mixed_bfloat16": TRAIN,
    "training.threads=1": TRAIN,
    "training.gpus=1": TRAIN,
    "augmentation.rotation=10": TRAIN,
    "augmentation.shift=0.1": TRAIN,
    "augmentation.shear=0": TRAIN,
    "augmentation.zoom=0.1": TRAIN,
    "augmentation.horizontal_flip=false": TRAIN,
    "augmentation.test_views=2": TRAIN,
    "seeds=[1, 2]": TRAIN - {"train_shuffled"} - EXPLAIN | GATHERED,  # these are of the first seed
    # Of an experiment no network is exported, explained, or trained with shuffled labels, without being asked.
    "experiments={small: {image: {size: 32}}}": TENSORS
    - FLOW
    - EXPLAIN
    - {"train_shuffled"}
    - EXPORT
    | GATHERED
    | {"compare_experiments"},
    "evaluation.draws=500": METRICS | JUDGED | ENERGY,
    "evaluation.confidence=0.9": METRICS | JUDGED | ENERGY,
    "evaluation.seed=2": METRICS | JUDGED | ENERGY,
    "predict.images=config": set(),
    "predict.model=config": set(),
    "download.path=elsewhere": set(),
}
NO_PART = {"download", "predict"}  # sections that say nothing of a study


def measured(rules):
    """The rules, and the one that follows from any of them."""
    return rules | MEASURED if rules else rules


@pytest.mark.parametrize("rule", AFTER)
def test_editing_a_script_reruns_its_step_and_what_follows(study, rule):
    with edited(study / f"workflow/scripts/{rule}.py"):
        last = {rule} if rule == "record_provenance" else LAST
        assert rules_to_run(snakemake(study, "-n", *SMALL)) == measured(AFTER[rule]) | last


@pytest.mark.parametrize(
    "module",
    [
        "mammo/log.py",
        "mammo/statistics/bootstrap.py",
        "mammo/dataset/editions/table.py",
        "schemas/tables.schema.yaml",
    ],
)
def test_editing_a_module_or_its_schema_reruns_the_steps_that_import_it(study, imported, module):
    name = module.split(".")[0].replace("/", ".").replace("schemas", "lib")
    with edited(study / "workflow" / module):
        rules = [AFTER[rule] for rule in AFTER if name in imported[rule]]
        assert rules_to_run(snakemake(study, "-n", *SMALL)) == LAST | measured(set().union(*rules))


@pytest.mark.parametrize("change", KEYS)
def test_changing_a_key_reruns_the_steps_that_depend_on_it(study, change, tmp_path):
    key, value = change.split("=")
    section, _, name = key.partition(".")
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(f"{section}: {{{name}: {value}}}\n" if name else f"{section}: {value}\n")
    small = tmp_path / "small.yaml"
    small.write_text("phantom: {patients: 36}\ntraining: {epochs: 2}\n")
    last = set() if section in NO_PART else LAST
    assert (
        rules_to_run(snakemake(study, "-n", "--configfile", small, overlay))
        == measured(KEYS[change]) | last
    )


def test_published_weights_are_fetched_once_for_all_runs(study):
    done = snakemake(
        study, "-n", *SMALL, "network={name: resnet50, weights: imagenet}", "seeds=[1, 2]"
    )
    assert rules_to_run(done) == TRAIN | GATHERED | MEASURED | LAST | {"fetch_weights"}
    assert {*re.findall("^fetch_weights +([0-9]+)$", done.stdout, re.MULTILINE)} == {"1"}


def test_the_tables_above_name_every_script_and_key():
    import yaml

    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    keys = {
        f"{section}.{name}"
        for section, part in config.items()
        if isinstance(part, dict)
        for name in part
    }
    keys |= {section for section, part in config.items() if not isinstance(part, dict) or not part}
    # The dataset's keys name another dataset: results/ of this one are safe from it, as a test below shows. And the original
    # network has no weights to begin with: the test above takes another.
    elsewhere = {f"dataset.{key}" for key in config["dataset"]} | {"network.weights"}
    assert {change.split("=")[0] for change in KEYS} == keys - elsewhere
    assert set(AFTER) | ASKED_FOR | OF_SEVERAL == set(SCRIPTS)


def test_a_bare_run_does_not_touch_results_of_another_dataset(study, tmp_path):
    data = TinyKaggle(tmp_path / "data").write()
    before = {path: path.stat().st_mtime_ns for path in (study / "results").rglob("*")}
    done = snakemake(
        study, "--configfile", "config/kaggle.yaml", "--config", f"dataset={{path: {data}}}"
    )
    assert done.returncode != 0
    assert "was made from another dataset" in done.stdout
    assert f"the kaggle edition, path {data}" in done.stdout
    assert "--directory ELSEWHERE" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in (study / "results").rglob("*")} == before


def test_a_bare_run_does_not_touch_a_real_study(elsewhere):
    project, run, _, data = elsewhere
    before = {path: path.stat().st_mtime_ns for path in (run / "results").rglob("*")}
    done = snakemake(project, "--directory", run)
    assert done.returncode != 0
    assert f"there:  the kaggle edition, path {data}" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in (run / "results").rglob("*")} == before


def test_one_named_result_is_enough_to_own_a_folder(tmp_path):
    data = TinyKaggle(tmp_path / "data").write()
    run = ["--directory", tmp_path / "run", "results/inventory/summary.md"]
    done = snakemake(
        ROOT, *run, "--configfile", "config/kaggle.yaml", "--config", f"dataset={{path: {data}}}"
    )
    assert done.returncode == 0, done.stdout
    assert "was made from another dataset" in snakemake(ROOT, *run).stdout


def test_stating_what_is_the_default_changes_nothing(study, tmp_path):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(
        "split: {seed: 1}\ntraining: {patience: 3.0, epochs: 2}\nphantom: {patients: 36}\naugmentation: {zoom: 2e-1}\n"
    )
    assert rules_to_run(snakemake(study, "-n", "--configfile", overlay)) == set()


def test_the_default_study_comes_near_the_right_answer(tmp_path):
    """The phantom's ceiling is 0.9; 0.025 is the standard error of an AUROC of 0.9 on its 144 test images."""
    done = snakemake(ROOT, "--cores", "2", "--directory", tmp_path, "results/metrics.csv")
    assert done.returncode == 0, done.stdout
    values = pd.read_csv(tmp_path / "results/metrics.csv").query("level == 'image'")
    interval = values.query("partition == 'test' and metric == 'auroc'").iloc[0]
    assert interval["low"] < 0.9 < interval["high"]
    values = values.set_index(["partition", "metric"])["value"]
    assert 0.75 < values["test", "auroc"] < 0.9 + 3 * 0.025
    assert values["test", "accuracy"] > values["test", "majority_class_accuracy"] + 0.15


def test_a_wrong_configuration_stops_before_anything_runs(study):
    done = snakemake(study, "--config", "training={epoch: 3}", "image={size: big}", "sed=1")
    assert done.returncode != 0
    assert "has 3 mistake(s)" in done.stdout
    assert (
        '--config: training.epoch ("3"): unknown key, did you mean training.epochs?' in done.stdout
    )
    assert (
        '--config: image.size: "big" is not allowed; allowed: a whole number, at least 16, at most 1024'
        in done.stdout
    )


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A Kaggle dataset run from a clean copy with --directory ELSEWHERE: (copy, elsewhere, its files before, dataset)."""
    folder = tmp_path_factory.mktemp("elsewhere")
    data = TinyKaggle(folder / "data", patients=48)
    data.tables["mass_case_description_train_set.csv"][0]["cropped image file path"] = (
        "x/2.25.1/2.25.404/000000.dcm"
    )
    data.tables["mass_case_description_train_set.csv"][0]["ROI mask file path"] = (
        "x/2.25.1/2.25.404/000001.dcm"
    )
    data.write()
    project = copy_workflow(folder / "project")
    before = set(project.rglob("*"))
    done = snakemake(project, "--cores", "2", "--directory", folder / "run", "--configfile", "config/kaggle.yaml",
                     "--config", f"dataset={{path: {data.folder}}}", "training={epochs: 1}")  # fmt: skip
    assert done.returncode == 0, done.stdout
    return project, folder / "run", before, data.folder


def test_everything_that_a_run_writes_goes_to_its_directory(elsewhere):
    project, run, before, _ = elsewhere
    assert set(project.rglob("*")) - before == set()
    assert (run / "results/plots/loss.png").exists()
    assert {path.name for path in run.iterdir()} == {"results", ".snakemake"}


def test_a_missing_series_is_listed_and_the_run_goes_on(elsewhere):
    excluded = pd.read_csv(elsewhere[1] / "results/inventory/excluded.csv")
    assert excluded[["image_id", "reason"]].to_numpy().tolist() == [
        ["mass_P_00000_LEFT_CC_1", "missing_series"]
    ]
    manifest = pd.read_csv(
        elsewhere[1] / "results/splits/official-validation0.2-seed1/manifest.csv"
    )
    assert len(manifest) == 95


def test_a_failed_step_tells_why_and_leaves_what_was_finished(elsewhere):
    project, run, _, data = elsewhere
    arguments = [
        "--cores",
        "2",
        "--directory",
        run,
        "--configfile",
        "config/kaggle.yaml",
        "--config",
        f"dataset={{path: {data}}}",
        "training={epochs: 1}",
    ]
    table = data / "csv/mass_case_description_train_set.csv"
    sound = table.read_text()
    finished = {
        path: path.read_bytes() for path in (run / "results/runs").rglob("*") if path.is_file()
    }
    table.write_text(sound.replace("MALIGNANT", "UNSURE", 1))
    done = snakemake(project, *arguments)
    assert done.returncode != 0
    assert (
        "pathology: 'UNSURE' (allowed: BENIGN, BENIGN_WITHOUT_CALLBACK, MALIGNANT)" in done.stdout
    )
    assert "Traceback" not in done.stdout
    assert not (run / "results/inventory/lesions.csv").exists()  # no half-written output
    assert {path: path.read_bytes() for path in finished} == finished
    assert (run / "results/dataset.json").exists()  # still theirs
    table.write_text(sound)
    assert snakemake(project, "results/metrics.csv", *arguments).returncode == 0


def test_a_failed_audit_stops_training_and_can_be_read(study, tmp_path):
    """Edit the manifest so that a patient is in two partitions: the audit is written, the gate names the patient."""
    project = copy_workflow(tmp_path / "project")
    target = "results/splits/official-validation0.2-seed1"
    assert snakemake(project, "--cores", "2", f"{target}/gate.json", *SMALL).returncode == 0
    manifest = pd.read_csv(project / target / "manifest.csv")
    row = manifest.index[manifest["partition"] == "training"][0]
    manifest.loc[row, "partition"] = "test"
    manifest.to_csv(project / target / "manifest.csv", index=False)
    done = snakemake(project, "--cores", "2", *SMALL)
    assert done.returncode != 0
    assert f"no patient in two partitions: {manifest['patient_id'][row]}" in done.stdout
    assert "Nothing is trained or evaluated" in done.stdout
    audit = json.loads((project / target / "audit.json").read_text())
    assert {check["name"] for check in audit["checks"] if check["status"] == "fail"} >= {
        "no patient in two partitions"
    }
    assert not (project / "results/runs").exists()
    done = snakemake(project, "audit", *SMALL)
    assert done.returncode == 0
    assert re.search(r"^fail  no patient in two partitions +1 ", done.stdout, re.MULTILINE)
    assert f"          {manifest['patient_id'][row]}: " in done.stdout


def test_own_images_run_end_to_end_with_the_same_weights_whatever_the_cores(own_images, tmp_path):
    weights = []
    for cores in (1, 2):
        done = snakemake(ROOT, "--cores", cores, "--directory", tmp_path / str(cores), "results/metrics.csv",
                         "--configfile", "config/table.yaml",
                         "--config", f"dataset={{path: {own_images}, table: lesions.csv}}", "training={epochs: 2, batch_size: 8}")  # fmt: skip
        assert done.returncode == 0, done.stdout
        run = tmp_path / str(cores) / "results/runs/baseline/fold0-seed1"
        weights.append(((run / "predictions.csv").read_bytes(), model_weights(run / "model.keras")))
    assert weights[0][0] == weights[1][0]
    for a, b in zip(weights[0][1], weights[1][1], strict=True):
        assert np.array_equal(a, b)


def test_a_named_target_makes_itself_and_what_it_needs(tmp_path):
    done = snakemake(ROOT, "results/plots/loss.png", "-n", "--directory", tmp_path / "run")
    assert rules_to_run(done) == {"make_phantom", "take_inventory", "list_images", "find_duplicates", "split_patients", "audit_split",
                                  "gate_split", "decode_images", "gather_tensors", "train_network", "tabulate_curves", "draw_figure"}  # fmt: skip
    assert Path(tmp_path / "run/results").exists() is False
