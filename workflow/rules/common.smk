# Names and paths that the other rule files share. It reads no data.

import yaml
from snakemake.exceptions import WorkflowError

from lib.closure import closure
from lib.results import claim_results, closing_words, other_owner, owner
from lib.study import (
    image_name,
    mistakes,
    split_name,
    split_settings,
    typed,
)


def config_layers():
    """What `config` was merged from, the strongest first, as (name, dict)."""
    settings = workflow.config_settings
    yield "--config", dict(settings.config or {})
    for path in [*reversed(settings.configfiles), Path(workflow.basedir) / "config/config.yaml"]:
        yield os.path.relpath(path), yaml.safe_load(Path(path).read_text()) or {}


config = typed(config)
if wrong := mistakes(config, list(config_layers())):
    raise WorkflowError(f"The configuration has {len(wrong)} mistake(s):", *(f"  {line}" for line in wrong))

OWNER = owner(config, Path.cwd())
if message := other_owner("results/dataset.json", OWNER):
    raise WorkflowError(message)

# An experiment is a study of its own: all settings, under a name. Runs are experiments x folds x seeds.
EXPERIMENTS = {"baseline": config}
SPLITS = {split_name(study): split_settings(study) for study in EXPERIMENTS.values()}
IMAGES = {image_name(study): study["image"] for study in EXPERIMENTS.values()}
RUNS = [f"{name}/fold0-seed{seed}" for name, study in EXPERIMENTS.items() for seed in study["seeds"]]
FIGURES = ["accuracy", "loss"]

DATASET = OWNER["path"] or "results/phantom"
PHANTOM_TABLES = [
    *expand(
        "results/phantom/csv/{kind}_case_description_{part}_set.csv",
        kind=["mass", "calc"],
        part=["train", "test"],
    ),
    "results/phantom/csv/dicom_info.csv",
    "results/phantom/csv/meta.csv",
]


wildcard_constraints:
    experiment="|".join(EXPERIMENTS),
    split="|".join(map(re.escape, SPLITS)),
    image="|".join(IMAGES),
    fold=r"\d+",
    seed=r"\d+",
    figure="|".join(FIGURES),


def dataset_tables():
    """The tables that describe the dataset: editing one takes the inventory again. It tells of those that are missing."""
    if OWNER["edition"] == "phantom":
        return PHANTOM_TABLES
    tables = [Path(DATASET, OWNER["table"])] if OWNER["table"] else sorted(Path(DATASET).glob("csv/*.csv"))
    return [str(path) for path in tables if path.is_file()]


def study(wildcards):
    """The settings of the experiment that a run belongs to."""
    return EXPERIMENTS[wildcards.experiment]


def of_split(file):
    """The path of a file of the split that a run uses."""
    return lambda wildcards: f"results/splits/{split_name(study(wildcards))}/{file}"


def of_tensors(file):
    """The path of a file of the tensors that a run uses."""
    return lambda wildcards: f"results/tensors/{image_name(study(wildcards))}/{file}"


def scaled(amount):
    """A resource that grows with the attempt, so that a cluster's retry of a job that ran out of it has more."""
    return lambda wildcards, attempt: amount * attempt
