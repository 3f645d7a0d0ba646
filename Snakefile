"""Benign or malignant? A CNN on CBIS-DDSM: the study on one page.

snakemake --cores 4                       everything
snakemake results/plots/loss.png          one figure, and what it needs
snakemake plan                            what would run, why, and how long it would take
"""

import os
import sys
import time
from pathlib import Path

from snakemake.utils import min_version

min_version("9.27")

# Scripts run from a copy elsewhere: this lets them, and this file, import workflow/mammo; nothing
# is written beside the code.
modules = [f"{workflow.basedir}/workflow", *filter(None, [os.getenv("PYTHONPATH")])]
os.environ.update(PYTHONPATH=os.pathsep.join(modules), PYTHONDONTWRITEBYTECODE="1")
# A profile's commands run in the study's folder, wherever that is: by this they find the scripts
# beside them.
os.environ.update(WORKFLOW_PROFILES=f"{workflow.basedir}/profiles")
sys.dont_write_bytecode = True
sys.path.insert(0, f"{workflow.basedir}/workflow")


configfile: Path(workflow.basedir) / "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/dataset.smk"
include: "workflow/rules/split.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/controls.smk"
include: "workflow/rules/compare.smk"
include: "workflow/rules/scores.smk"
include: "workflow/rules/explain.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/predict.smk"
include: "workflow/rules/download.smk"
include: "workflow/rules/preflight.smk"


# What a study is to leave.
RESULTS = [
    "results/inventory/summary.md",
    "results/inventory/duplicates.csv",
    *expand("results/inventory/contact_sheet_{label}.png", label=["benign", "malignant"]),
    "results/metrics.json",
    "results/metrics.csv",
    *expand("results/plots/{figure}.{format}", figure=PLOTS, format=["png", "svg"]),
    *multiext("results/plots/gradcam.", "png", "svg", "csv"),
    *(f"results/{file}" for file, *_ in GATHERED.values()),
    "results/characteristics.html",
    *(
        f"results/models/baseline-fold{fold}/{file}"
        for fold in folds(BASELINE.split)
        for file in MODEL_FILES
    ),
]


include: "workflow/rules/resources.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/provenance.smk"


EVERYTHING = [*RESULTS, *rules.record_provenance.output]


rule all:
    default_target: True
    input:
        EVERYTHING,


# `snakemake plan` prints what would run for all of that, or for the other targets that are given
# with it, and stops there: see onstart.
rule plan:
    input:
        lambda wildcards: [] if set(workflow.dag_settings.targets) - {"plan"} else EVERYTHING,


PARSED = time.time()


onstart:
    STEPS.update(job.rule.name for job in workflow.dag.needrun_jobs())
    if "plan" in STEPS:
        print(*plan_words(workflow, EXPERIMENTS, PARSED), sep="\n", flush=True)
        sys.exit(0)  # before anything is started; Snakemake unlocks the folder
    if STORED and "verify" in STEPS:
        raise WorkflowError(
            f"verify reads files: bring {place(workflow)} here as results/,"
            " and call it without the storage options."
        )
    if STEPS - BESIDE:
        if OTHER_OWNER:
            raise WorkflowError(OTHER_OWNER)
        claim_place(workflow, OWNER)
        print(
            f"The {BASELINE.dataset.edition} edition, {len(RUNS)} run(s)."
            f" Written to: {place(workflow)}"
        )
    for step in STEPS & DOWNLOADS.keys():
        print(f"Downloading. To watch: tail -f {Path(getattr(rules, step).log[0]).resolve()}")


onsuccess:
    if STEPS - BESIDE - {"predict"}:
        words = (
            [f"Results: {place(workflow)}"] if STORED else closing_words("results", EXCLUDING)
        )
        print("Done.", *words, sep="\n")
    for step in STEPS & DOWNLOADS.keys():
        print(*download_words(DOWNLOADS[step]), sep="\n")
    if "predict" in STEPS:
        print(*prediction_words(PREDICTIONS), sep="\n")


onerror:
    print(
        f"A step failed; its log is under {place(workflow, 'results/logs')}. What was finished"
        " stays: fix the cause and give the same command again."
    )
