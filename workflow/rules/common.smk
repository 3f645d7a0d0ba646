# Names and paths that the other rule files share. It reads no data.

import contextlib
import io

from snakemake.cli import parse_args
from snakemake.exceptions import WorkflowError
from snakemake.io import contains_wildcard

from mammo.model.zoo import pretrained, published
from mammo.hashing import sha256
from mammo.study.closure import closure
from mammo.study.clusters import no_cluster
from mammo.dataset.layout import CASE_TABLES, find
from mammo.log import some
from mammo.study.plan import plan_words
from mammo.study.ownership import claim_results, closing_words, other_owner, owner, prediction_words
from mammo.study.storage import claim_there, copy_of, is_stored, no_place, other_owner_there, place
from mammo.study.settings import (
    folds,
    image_name,
    image_settings,
    mistakes,
    overlays,
    read_config,
    region_name,
    region_settings,
    shard_names,
    split_name,
    split_settings,
    studies,
    training_settings,
    typed,
)


def config_layers():
    """What `config` was merged from, the strongest first, as (name, dict)."""
    settings = workflow.config_settings
    yield "--config", dict(settings.config or {})
    for path in [*reversed(settings.configfiles), Path(workflow.basedir) / "config/config.yaml"]:
        yield os.path.relpath(path), read_config(path)


config = typed(config)
try:
    layers = list(config_layers())
except ValueError as error:
    raise WorkflowError(str(error)) from None
if wrong := mistakes(config, layers):
    raise WorkflowError(f"The configuration has {len(wrong)} mistake(s):", *(f"  {line}" for line in wrong))

nowhere = no_place(workflow)
if workflow.is_main_process and workflow.resource_settings.nodes is not None:  # --jobs is given, as cluster profiles do
    # The options and profiles of this call, read once more, from where it was called: Snakemake has not said yet who runs jobs.
    with contextlib.chdir(workflow.rundir), contextlib.redirect_stderr(io.StringIO()):
        options = parse_args(sys.argv[1:])[1]
    nowhere = "\n".join(filter(None, [no_cluster(options), nowhere]))
if nowhere:
    raise WorkflowError(nowhere)

DEFAULT = typed(read_config(Path(workflow.basedir, "config/config.yaml")))

# The downloads, by their rules, and what each leaves.
DOWNLOADS = {"download_kaggle": "results/downloads/kaggle.json", "download_idc": "results/downloads/idc.json"}
MODEL_FILES = ["model.onnx", "model.json", "reference.csv"]  # of an exported network
PREDICTIONS = "results/predictions/predictions.csv"
# Steps that need nothing of a study, whatever dataset results/ belongs to, and what each leaves.
OF_NO_STUDY = DOWNLOADS | ({"predict": PREDICTIONS} if config["predict"]["model"] else {})
PREFLIGHT = {"preflight", "check_here", "check_node"}
BESIDE = {*OF_NO_STUDY, *PREFLIGHT, "verify"}  # what these say is theirs alone
STEPS = set()  # the rules that are about to run; onstart fills it

OWNER = owner(config, Path.cwd())
# Whether results are on a storage provider. Jobs, which read this file too, need not ask there again whose they are.
STORED = is_stored(workflow)
if not STORED:
    OTHER_OWNER = other_owner("results/dataset.json", OWNER)
else:
    OTHER_OWNER = other_owner_there(workflow, OWNER) if workflow.is_main_process else None

    def ensure(path, **_):
        """Nothing: before it stores an output, Snakemake 9.27 asks the storage for its size, and does not find it there."""
        return path


# What is asked for is known to onstart alone, which is not called for a dry run: so this looks at the command itself. The process
# that a job runs in has one of its own.
if OTHER_OWNER and workflow.is_main_process and not set(sys.argv) & {*OF_NO_STUDY, *OF_NO_STUDY.values(), *PREFLIGHT}:
    raise WorkflowError(OTHER_OWNER)

# An experiment is a study of its own: all settings, under a name. Runs are experiments x folds x seeds.
EXPERIMENTS = studies(config)
OVERLAYS = overlays(config)
REGIONS = {region_name(study): region_settings(study) for study in EXPERIMENTS.values()}
IMAGES = {image_name(study): study for study in EXPERIMENTS.values()}
SPLITS = {split_name(study): study for study in EXPERIMENTS.values()}
RUNS_OF = {
    name: {fold: [f"{name}/fold{fold}-seed{seed}" for seed in study["seeds"]] for fold in folds(study)}
    for name, study in EXPERIMENTS.items()
}
RUNS = [run for by_fold in RUNS_OF.values() for runs in by_fold.values() for run in runs]
# The steps that leave something out, and list it.
LEAVE_OUT = [
    "inventory",
    *(f"regions/{name}" for name in REGIONS),
    *(f"splits/{name}" for name in SPLITS),
    *(f"tensors/{name}" for name in IMAGES),
]
# What measures leakage: experiments that are the baseline but for a split that leaks, by what that split keeps together.
LEAKING = {
    f"split_by_{study['split']['by']}": name
    for name, study in EXPERIMENTS.items()
    if study["split"]["by"] != "patient"
    and study | {"split": study["split"] | {"by": "patient"}} == EXPERIMENTS["baseline"]
}
CURVES = ["accuracy", "loss"]
# Tables that are made of each experiment by itself, under results/runs/<experiment>/, and gathered into one under results/.
# By their names in rules: the file there and here, and its schema.
GATHERED = {
    "thresholds": ("thresholds.csv", "thresholds"),
    "calibrated_metrics": ("calibrated_metrics.csv", "calibrated_metrics"),
    "confusion": ("plots/confusion.csv", "confusion"),
    "roc": ("plots/roc.csv", "roc"),
    "precision_recall": ("plots/precision_recall.csv", "precision_recall"),
    "calibration": ("plots/calibration.csv", "calibration_curve"),
    "scores": ("plots/scores.csv", "score_distribution"),
    "decision_curve": ("plots/decision_curve.csv", "decision_curve"),
    "controls": ("plots/controls.csv", "control_values"),
    "forest": ("plots/forest.csv", "subgroups"),
    "gradcam_energy": ("plots/gradcam_energy.csv", "gradcam_energy"),
}
# A thousand experiments need not wait for what few read. Each has its metrics, scores, thresholds and comparison; curves, controls
# and subgroups are made of the first 50, Grad-CAM of the baseline alone. The rest is made when it is asked for by its file's name.
DESCRIBED = list(EXPERIMENTS)[:50]
EXPLAINED = ["baseline"]
GATHERED_OF = {"thresholds": list(EXPERIMENTS), "gradcam_energy": EXPLAINED}  # the others, of those DESCRIBED
SCORE_FIGURES = ["roc", "precision_recall", "calibration", "scores", "confusion", "decision_curve"]
FIGURES = [*CURVES, *SCORE_FIGURES, "controls", "forest", "gradcam_energy", "flow"]
FIGURES += ["comparisons"] if len(EXPERIMENTS) > 1 else []
FIGURES += ["leakage"] if LEAKING else []

DATASET = OWNER["path"] or copy_of(workflow, "results/phantom")
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
    experiment="[a-z][a-z0-9_.]*",  # rather than their names: a pattern of a thousand takes Snakemake seconds
    region="|".join(REGIONS),
    split="|".join(map(re.escape, SPLITS)),
    image="|".join(map(re.escape, IMAGES)),
    shard=r"\d+of\d+",
    fold=r"\d+",
    seed=r"\d+",
    figure="|".join(FIGURES),
    gallery="gradcam(-[a-z][a-z0-9_.]*)?",


def given_or_made(paths):
    """Paths of inputs, with those that are no results marked: they stay where they are when results are on a storage provider."""
    paths = [path for path in paths if not contains_wildcard(path)]
    return [path if path.startswith("results/") else local(path) for path in paths]


def with_braces(paths):
    """{path: hash} of the paths that cannot be inputs, since Snakemake takes {b} for a wildcard: a step follows them by a parameter."""
    return {path: sha256(path) for path in paths if contains_wildcard(path)}


def dataset_tables():
    """The tables that describe the dataset: editing one takes the inventory again. It tells of those that are missing."""
    if OWNER["edition"] == "phantom":
        return PHANTOM_TABLES
    return given_or_made(table_paths())


def table_paths():
    """Where the tables are of a dataset that is not drawn."""
    if OWNER["table"]:
        return [str(path) for path in [Path(DATASET, OWNER["table"])] if path.is_file()]
    names = [*CASE_TABLES.values(), *(["dicom_info.csv"] if OWNER["edition"] == "kaggle" else [])]
    return [str(path) for paths in find(DATASET, names).values() for path in paths]


def known(experiment):
    """The name of an experiment; an error that names those that there are, where it is none."""
    if experiment not in EXPERIMENTS:
        raise WorkflowError(f"{experiment} is no experiment of this configuration; these are: {some(EXPERIMENTS)}")
    return experiment


def study(wildcards):
    """The settings of the experiment that a run belongs to."""
    return EXPERIMENTS[known(wildcards.experiment)]


def shown(wildcards):
    """The experiment that a gallery is of: `gradcam` shows the baseline, `gradcam-<experiment>` another. No name has a hyphen."""
    return known(wildcards.gallery.partition("-")[2] or "baseline")


def of_study(study):
    """The settings that say what a study is: neither where its dataset lies nor what is done beside it."""
    return {key: part for key, part in study.items() if key not in ("dataset", "download", "predict")}


def runs_of(experiment, file, fold=None):
    """The paths of a file of each run of an experiment, or of one of its folds."""
    known(experiment)
    wanted = RUNS_OF[experiment].values() if fold is None else [RUNS_OF[experiment][int(fold)]]
    return [f"results/runs/{run}/{file}" for runs in wanted for run in runs]


def first_run(file):
    """The path of a file of the first run of an experiment: its first fold with its first seed."""
    return lambda wildcards: runs_of(wildcards.experiment, file)[0]


def images_to_predict(wildcards):
    """The folder that `predict.images` names; an error that tells how to name one, where it names none."""
    if config["predict"]["images"] is None:
        raise WorkflowError("predict.images: null; give a folder with --config 'predict={images: DIR}'")
    return os.path.abspath(os.path.expanduser(config["predict"]["images"]))


def of_split(file):
    """The path of a file of the split that a run uses."""
    return lambda wildcards: f"results/splits/{split_name(study(wildcards))}/{file}"


def of_tensors(file):
    """The path of a file of the tensors that a run uses."""
    return lambda wildcards: f"results/tensors/{image_name(study(wildcards))}/{file}"


def shards(study, file):
    """The paths of a file of each shard of a study's tensors, in their order."""
    return [f"results/tensors/{image_name(study)}/shard-{shard}/{file}" for shard in shard_names(study)]


def of_region(study, file):
    """The path of a file of the region that a study's images show."""
    return f"results/regions/{region_name(study)}/{file}"


def scaled(amount):
    """A resource that grows with the attempt, so that a cluster's retry of a job that ran out of it has more."""
    return lambda wildcards, attempt: amount * attempt
