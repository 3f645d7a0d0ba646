# From predictions to metrics: each run on its own, then all of them in one table, with what they
# make together.


rule evaluate_run:
    input:
        manifest=of_split("manifest.csv"),
        gate=of_split("gate.json"),
        index=of_tensors("index.csv"),
        images=lambda wildcards: of_region(study(wildcards).image, "images.csv"),
        predictions=rules.train_network.output.predictions,
    output:
        "results/runs/{experiment}/fold{fold}-seed{seed}/metrics.csv",
    log:
        "results/logs/evaluate_run/{experiment}-fold{fold}-seed{seed}.log",
    benchmark:
        "results/benchmarks/evaluate_run/{experiment}-fold{fold}-seed{seed}.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        region=lambda wildcards: study(wildcards).image.region,
        evaluation=lambda wildcards: study(wildcards).evaluation.model_dump(),
        code=closure("evaluate_run"),
    script:
        "../scripts/evaluate_run.py"


rule collect_metrics:
    input:
        metrics=expand("results/runs/{run}/metrics.csv", run=RUNS),
        predictions=expand("results/runs/{run}/predictions.csv", run=RUNS),
        images=expand("results/regions/{region}/images.csv", region=REGIONS),
    output:
        csv=report(
            "results/metrics.csv",
            category="2 Results",
            labels={"what": "metrics, CSV"},
            caption="../report/metrics.rst",
        ),
        json=report(
            "results/metrics.json",
            category="2 Results",
            labels={"what": "metrics, JSON"},
            caption="../report/metrics.rst",
        ),
    log:
        "results/logs/collect_metrics/metrics.log",
    benchmark:
        "results/benchmarks/collect_metrics/metrics.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(30),
    params:
        experiments={
            name: {
                "images": of_region(study.image, "images.csv"),
                "region": study.image.region,
                "evaluation": study.evaluation.model_dump(),
            }
            for name, study in EXPERIMENTS.items()
        },
        code=closure("collect_metrics"),
    script:
        "../scripts/collect_metrics.py"


rule score_images:
    input:
        predictions=lambda wildcards: runs_of(wildcards.experiment, "predictions.csv"),
        images=lambda wildcards: of_region(study(wildcards).image, "images.csv"),
    output:
        scores="results/runs/{experiment}/scores.csv",
        thresholds="results/runs/{experiment}/thresholds.csv",
    log:
        "results/logs/score_images/{experiment}.log",
    benchmark:
        "results/benchmarks/score_images/{experiment}.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        region=lambda wildcards: study(wildcards).image.region,
        code=closure("score_images"),
    script:
        "../scripts/score_images.py"


# One table of all experiments from those that were made of each.
rule gather_tables:
    input:
        **{
            name: expand(
                f"results/runs/{{experiment}}/{file}",
                experiment=experiments,
            )
            for name, (file, _, experiments) in GATHERED.items()
        },
    output:
        **{
            name: report(
                f"results/{file}",
                category="2 Results",
                labels={"what": f"{name.replace('_', ' ')}, table"},
                caption="../report/gathered.rst",
            )
            for name, (file, *_) in GATHERED.items()
        },
    log:
        "results/logs/gather_tables/tables.log",
    benchmark:
        "results/benchmarks/gather_tables/tables.tsv"
    localrule: True
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        schemas={name: schema for name, (_, schema, _) in GATHERED.items()},
        code=closure("gather_tables"),
    script:
        "../scripts/gather_tables.py"
