# What results were made from, recorded last; and whether they still are what was made.

from mammo.study.settings import NOT_STUDIED

# Folders in which an earlier configuration may have left what is none of this study's.
PARTS = {
    "regions": list(REGIONS),
    "splits": list(SPLITS),
    "tensors": list(IMAGES),
    "runs": list(EXPERIMENTS),
    "models": [
        f"{name}-fold{fold}" for name, study in EXPERIMENTS.items() for fold in folds(study.split)
    ],
    **{
        f"runs/{name}": ["plots", *(Path(run).name for runs in by_fold.values() for run in runs)]
        for name, by_fold in RUNS_OF.items()
    },
}


rule record_provenance:
    input:
        RESULTS,
        fingerprint=rules.take_inventory.output.fingerprint,
    output:
        report(
            "results/provenance.json",
            category="1 Dataset",
            labels={"what": "provenance"},
            caption="../report/provenance.rst",
        ),
    log:
        "results/logs/record_provenance/provenance.log",
    benchmark:
        "results/benchmarks/record_provenance/provenance.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(500),
        runtime=scaled(30),
    params:
        edition=OWNER["edition"],
        # As functions: a path may hold braces.
        experiments=lambda wildcards: {
            name: study.model_dump(exclude=NOT_STUDIED) for name, study in EXPERIMENTS.items()
        },
        parts=lambda wildcards: PARTS,
        code=closure("record_provenance"),
    script:
        "../scripts/record_provenance.py"


# `snakemake verify` prints what no longer matches. It needs nothing, since what is missing or
# changed is what it is to tell.
rule verify:
    log:
        "results/logs/verify/verify.log",
    localrule: True
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(500),
        runtime=scaled(30),
    params:
        path=lambda wildcards: DATASET,
        parts=lambda wildcards: PARTS,
        code=closure("verify"),
    script:
        "../scripts/verify.py"
