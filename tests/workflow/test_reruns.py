"""What is made again after a change: the steps that depend on it, and no other."""

import os
import re
import subprocess
import sys

import pytest

from helpers.imports import imports_of
from helpers.project import (
    OF_SEVERAL,
    ROOT,
    SMALL,
    dry_run,
    edited,
    rules_to_run,
    snakemake,
)
from mammo.study.closure import closure_files
from mammo.study.provenance import ASKED_FOR

pytestmark = pytest.mark.slow


def test_a_second_run_has_nothing_to_do(study):
    assert rules_to_run(snakemake(study, "-n", *SMALL)) == set()


SCRIPTS = sorted(path.stem for path in (ROOT / "workflow/scripts").glob("*.py"))
# Imports the scripts that it is given, each in a fork, and prints a line of modules for each. What
# all of them import of other packages is imported once, before.
IMPORTING = """
import importlib, os, sys
import matplotlib.figure, pandas, PIL.Image, scipy.stats, yaml
for script in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        importlib.import_module(f"scripts.{script}")
        print(*sys.modules, flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, script
"""


@pytest.fixture(scope="module")
def imported():
    """{script: the modules that come with importing it}, asked of Python itself."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTING, *SCRIPTS],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "workflow")},
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    return {script: {*line.split()} for script, line in zip(SCRIPTS, lines, strict=True)}


def test_no_script_imports_tensorflow_before_it_needs_it_and_few_need_it(imported):
    assert not [script for script, modules in imported.items() if modules & {"tensorflow", "keras"}]
    importing = re.compile(r"^\s*(import|from) (keras|tensorflow)", re.MULTILINE)
    files = [*(ROOT / "workflow").rglob("*.py")]
    importers = {path.parent for path in files if importing.search(path.read_text())}
    model = ROOT / "workflow/mammo/model"
    assert importers
    assert not [path for path in importers if path != model and model not in path.parents]


def test_a_scripts_hash_is_over_all_modules_that_it_imports(imported):
    """And over those that it imports when it is called rather than read, which are slow."""
    workflow = ROOT / "workflow"
    packages = {
        ".".join(path.parent.relative_to(workflow).parts)
        for path in (workflow / "mammo").rglob("__init__.py")
    }
    for script, modules in imported.items():
        files = [*closure_files(workflow / f"scripts/{script}.py")]
        code = [path for path in files if path.suffix == ".py"]
        hashed = {
            ".".join(path.relative_to(workflow).with_suffix("").parts)
            for path in code
            if path.is_relative_to(workflow / "mammo")
        }
        hashed = {name.removesuffix(".__init__") for name in hashed} - packages
        wanted = {name for name in modules if name.split(".")[0] == "mammo"} - packages
        assert wanted <= hashed, script
        named = {name for path in code for name in imports_of(path)}
        assert hashed <= wanted | named, script


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
    "image.mixed=leave_out": REGION,  # findings of both classes may share a file
    "image.fit=pad": TENSORS,
    "image.size=32": TENSORS,
    "image.shards=2": TENSORS,
    "split.method=fractions": SPLIT,
    "split.by=lesion": SPLIT,
    "split.test=0.3": set(),  # the official split does not use it
    "split.folds=3": set(),
    "split.duplicates=fail": SPLIT,
    "split.patients=as_written": SPLIT,
    "split.validation=0.25": SPLIT,
    "split.seed=2": SPLIT,
    "network.name=gap_cnn": TRAIN,
    "training.epochs=3": TRAIN,
    "training.batch_size=32": TRAIN,
    "training.optimizer=adamw": TRAIN,
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
    # Of an experiment no network is exported, explained, or trained with shuffled labels, without
    # being asked.
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
def test_editing_a_script_reruns_its_step_and_what_follows(editable, rule):
    with edited(editable / f"workflow/scripts/{rule}.py"):
        last = {rule} if rule == "record_provenance" else LAST
        assert rules_to_run(dry_run(editable, *SMALL)) == measured(AFTER[rule]) | last


@pytest.mark.parametrize(
    "module",
    [
        "mammo/log.py",
        "mammo/statistics/bootstrap.py",
        "mammo/dataset/editions/table.py",
        "schemas/tables.schema.yaml",
    ],
)
def test_editing_a_module_or_its_schema_reruns_the_steps_that_import_it(editable, imported, module):
    name = module.split(".")[0].replace("/", ".").replace("schemas", "mammo")
    with edited(editable / "workflow" / module):
        rules = [AFTER[rule] for rule in AFTER if name in imported[rule]]
        assert rules_to_run(dry_run(editable, *SMALL)) == LAST | measured(set().union(*rules))


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
        rules_to_run(dry_run(study, "--configfile", small, overlay))
        == measured(KEYS[change]) | last
    )


def test_published_weights_are_fetched_once_for_all_runs(study):
    done = dry_run(study, *SMALL, "network={name: resnet50, weights: imagenet}", "seeds=[1, 2]")
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
    # The dataset's keys name another dataset: results/ of this one are safe from it, as
    # test_datasets shows. And the original network has no weights to begin with: the test above
    # takes another.
    elsewhere = {f"dataset.{key}" for key in config["dataset"]} | {"network.weights"}
    assert {change.split("=")[0] for change in KEYS} == keys - elsewhere
    assert set(AFTER) | ASKED_FOR | OF_SEVERAL == set(SCRIPTS)


def test_stating_what_is_the_default_changes_nothing(study, tmp_path):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(
        "split: {seed: 1}\ntraining: {patience: 3.0, epochs: 2}\nphantom: {patients: 36}\n"
        "augmentation: {zoom: 2e-1}\n"
    )
    assert rules_to_run(dry_run(study, "--configfile", overlay)) == set()
