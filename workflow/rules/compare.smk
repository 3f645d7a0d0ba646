# What scores say beyond their metrics: by subgroup, of experiments against each other, and of what
# leaks.


rule evaluate_subgroups:
    input:
        scores="results/runs/{experiment}/scores.csv",
        images=lambda wildcards: of_region(study(wildcards).image, "images.csv"),
        lesions=rules.take_inventory.output.lesions,
        files=rules.take_inventory.output.files,
    output:
        "results/runs/{experiment}/plots/forest.csv",
    log:
        "results/logs/evaluate_subgroups/{experiment}.log",
    benchmark:
        "results/benchmarks/evaluate_subgroups/{experiment}.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        region=lambda wildcards: study(wildcards).image.region,
        evaluation=lambda wildcards: study(wildcards).evaluation.model_dump(),
        code=closure("evaluate_subgroups"),
    script:
        "../scripts/evaluate_subgroups.py"


rule compare_experiments:
    input:
        expand("results/runs/{experiment}/scores.csv", experiment=EXPERIMENTS),
    output:
        report(
            "results/plots/comparisons.csv",
            category="2 Results",
            labels={"what": "comparisons, table"},
            caption="../report/comparisons.rst",
        ),
    log:
        "results/logs/compare_experiments/comparisons.log",
    benchmark:
        "results/benchmarks/compare_experiments/comparisons.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(30),
    params:
        regions={name: study.image.region for name, study in EXPERIMENTS.items()},
        evaluation=BASELINE.evaluation.model_dump(),
        code=closure("compare_experiments"),
    script:
        "../scripts/compare_experiments.py"


rule measure_leakage:
    input:
        scores="results/runs/baseline/scores.csv",
        thresholds="results/runs/baseline/thresholds.csv",
        leaking=expand("results/runs/{experiment}/scores.csv", experiment=LEAKING.values()),
    output:
        report(
            "results/plots/leakage.csv",
            category="2 Results",
            labels={"what": "leakage, table"},
            caption="../report/leakage.rst",
        ),
    log:
        "results/logs/measure_leakage/leakage.log",
    benchmark:
        "results/benchmarks/measure_leakage/leakage.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        leaking=list(LEAKING),
        evaluation=BASELINE.evaluation.model_dump(),
        code=closure("measure_leakage"),
    script:
        "../scripts/measure_leakage.py"
