# Names and paths that the other rule files share. It reads no data.

from snakemake.exceptions import WorkflowError
from snakemake.io import contains_wildcard

from mammo.dataset.editions import EDITIONS
from mammo.hashing import sha256
from mammo.log import some
from mammo.model.weights import pretrained, published
from mammo.report.figures import FIGURES, figures_of
from mammo.study.closing import closing_words, prediction_words
from mammo.study.closure import closure
from mammo.study.experiments import leaking, overlays
from mammo.study.names import folds, image_name, region_name, runs_of_folds, shard_names, split_name
from mammo.study.ownership import owner
from mammo.study.plan import plan_words
from mammo.study.settings import Study, typed
from mammo.study.start import check_owner, check_place, checked_studies
from mammo.study.storage import claim_place, copy_of, is_stored, place

ARGUMENTS = sys.argv[1:]  # of this call; the processes that jobs run in have others
config = typed(config)
EXPERIMENTS = checked_studies(workflow, config)  # {name: Study}
BASELINE = EXPERIMENTS["baseline"]
OVERLAYS = overlays(config)
check_place(workflow, ARGUMENTS)
STORED = is_stored(workflow)

# The downloads, by their rules, and what each leaves.
DOWNLOADS = {
    "download_kaggle": "results/downloads/kaggle.json",
    "download_idc": "results/downloads/idc.json",
}
PREDICTIONS = "results/predictions/predictions.csv"
# Steps that need nothing of a study, whatever dataset results/ belongs to, and what each leaves.
OF_NO_STUDY = DOWNLOADS | ({"predict": PREDICTIONS} if BASELINE.predict.model else {})
PREFLIGHT = {"preflight", "check_here", "check_node"}
BESIDE = {*OF_NO_STUDY, *PREFLIGHT, "verify"}  # what these say is theirs alone
STEPS = set()  # the rules that are about to run; onstart fills it

OWNER = owner(BASELINE.dataset, Path.cwd())
OTHER_OWNER = check_owner(
    workflow, OWNER, ARGUMENTS, {*OF_NO_STUDY, *OF_NO_STUDY.values(), *PREFLIGHT}
)
EDITION = EDITIONS[OWNER["edition"]]
DATASET = OWNER["path"] or copy_of(workflow, "results/phantom")

# An experiment is a study of its own: all settings, under a name. Runs are experiments x folds x
# seeds.
REGIONS = {region_name(study.image): study.image.where() for study in EXPERIMENTS.values()}
IMAGES = {image_name(study.image): study.image for study in EXPERIMENTS.values()}
SPLITS = {split_name(study.split, study.image): study for study in EXPERIMENTS.values()}
RUNS_OF = {name: runs_of_folds(name, study) for name, study in EXPERIMENTS.items()}
RUNS = [run for by_fold in RUNS_OF.values() for runs in by_fold.values() for run in runs]
# The steps that exclude something, and list it.
EXCLUDING = [
    "inventory",
    *(f"regions/{name}" for name in REGIONS),
    *(f"splits/{name}" for name in SPLITS),
    *(f"tensors/{name}" for name in IMAGES),
]
LEAKING = leaking(EXPERIMENTS)  # what measures data leakage
MODEL_FILES = ["model.onnx", "model.json", "reference.csv"]  # of an exported model

# A thousand experiments need not wait for what few read. Each has its metrics, scores, thresholds
# and comparison; curves, controls and subgroups are made of the first 50, Grad-CAM of the baseline
# alone. The rest is made when it is asked for by its file's name.
DESCRIBED = list(EXPERIMENTS)[:50]
EXPLAINED = ["baseline"]

# Tables that are made of each experiment by itself, under results/runs/<experiment>/, and gathered
# into one under results/. By their names in rules: file there and here, schema, and experiments.
GATHERED = {
    "thresholds": ("thresholds.csv", "thresholds", list(EXPERIMENTS)),
    "calibrated_metrics": ("calibrated_metrics.csv", "calibrated_metrics", DESCRIBED),
}
for record in FIGURES.values():
    if record.gathered:
        of = {"described": DESCRIBED, "baseline": EXPLAINED}[record.gathered]
        GATHERED[record.name] = (f"plots/{record.name}.csv", record.schema, of)
PLOTS = figures_of(EXPERIMENTS, LEAKING)  # the figures of this study that draw_figure draws
CURVES = [name for name, figure in FIGURES.items() if figure.schema == "curves"]


wildcard_constraints:
    # Rather than their names: a pattern of a thousand takes Snakemake seconds.
    experiment="[a-z][a-z0-9_.]*",
    region="|".join(REGIONS),
    split="|".join(map(re.escape, SPLITS)),
    image="|".join(map(re.escape, IMAGES)),
    shard=r"\d+of\d+",
    fold=r"\d+",
    seed=r"\d+",
    figure="|".join(PLOTS),
    gallery="gradcam(-[a-z][a-z0-9_.]*)?",


def given_or_made(paths):
    """Paths of inputs, those that are no results marked as local: no storage provider has them."""
    paths = [path for path in paths if not contains_wildcard(path)]
    return [path if path.startswith("results/") else local(path) for path in paths]


def with_braces(paths):
    """{path: hash} of paths that cannot be inputs, as Snakemake takes {b} for a wildcard.

    A step follows them by a parameter.
    """
    return {path: sha256(path) for path in paths if contains_wildcard(path)}


def known(experiment):
    """The name of an experiment; an error that names those that there are, where it is none."""
    if experiment not in EXPERIMENTS:
        raise WorkflowError(
            f"{experiment} is no experiment of this configuration; these are: {some(EXPERIMENTS)}"
        )
    return experiment


def study(wildcards):
    """The Study of the experiment that a run belongs to."""
    return EXPERIMENTS[known(wildcards.experiment)]


def shown(wildcards):
    """The experiment of a gallery: `gradcam` is of the baseline, `gradcam-NAME` of another."""
    return known(wildcards.gallery.partition("-")[2] or "baseline")


def images_to_predict(wildcards):
    """The folder that `predict.images` names; an error with the way out, where it names none."""
    if BASELINE.predict.images is None:
        raise WorkflowError(
            "predict.images: null; give a folder with --config 'predict={images: DIR}'"
        )
    return os.path.abspath(os.path.expanduser(BASELINE.predict.images))


def runs_of(experiment, file, fold=None):
    """The paths of a file of each run of an experiment, or of one of its folds."""
    by_fold = RUNS_OF[known(experiment)]
    wanted = by_fold.values() if fold is None else [by_fold[int(fold)]]
    return [f"results/runs/{run}/{file}" for runs in wanted for run in runs]


def first_run(file):
    """The path of a file of the first run of an experiment: its first fold with its first seed."""
    return lambda wildcards: runs_of(wildcards.experiment, file)[0]


def of_split(file):
    """The path of a file of the split that a run uses."""
    return lambda wildcards: split_file(study(wildcards), file)


def split_file(study, file):
    """The path of a file of a study's split."""
    return f"results/splits/{split_name(study.split, study.image)}/{file}"


def of_tensors(file):
    """The path of a file of the tensors that a run uses."""
    return lambda wildcards: tensor_file(study(wildcards).image, file)


def tensor_file(image, file):
    """The path of a file of a set of tensors."""
    return f"results/tensors/{image_name(image)}/{file}"


def shards(image, file):
    """The paths of a file of each shard of a set of tensors, in their order."""
    return [tensor_file(image, f"shard-{shard}/{file}") for shard in shard_names(image)]


def of_region(image, file):
    """The path of a file of the region that images show."""
    return f"results/regions/{region_name(image)}/{file}"


def scaled(amount):
    """A resource that grows with the attempt: a cluster's retry of a job has more."""
    return lambda wildcards, attempt: amount * attempt
