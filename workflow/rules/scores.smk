# What an experiment's final scores are worth: 2x2 tables, calibration and the curves behind most
# figures.


rule tabulate_scores:
    input:
        scores=rules.score_images.output.scores,
        thresholds=rules.score_images.output.thresholds,
        controls=rules.score_controls.output.scores,
    output:
        confusion="results/runs/{experiment}/plots/confusion.csv",
        calibrated_metrics="results/runs/{experiment}/calibrated_metrics.csv",
        roc="results/runs/{experiment}/plots/roc.csv",
        precision_recall="results/runs/{experiment}/plots/precision_recall.csv",
        calibration_curve="results/runs/{experiment}/plots/calibration.csv",
        score_distribution="results/runs/{experiment}/plots/scores.csv",
        decision_curve="results/runs/{experiment}/plots/decision_curve.csv",
    log:
        "results/logs/tabulate_scores/{experiment}.log",
    benchmark:
        "results/benchmarks/tabulate_scores/{experiment}.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        region=lambda wildcards: study(wildcards).image.region,
        evaluation=lambda wildcards: study(wildcards).evaluation.model_dump(),
        code=closure("tabulate_scores"),
    script:
        "../scripts/tabulate_scores.py"
