# What an experiment's final scores are worth: 2x2 tables, calibration and the curves behind most figures.


rule tabulate_scores:
    input:
        scores=rules.score_images.output.scores,
        thresholds=rules.score_images.output.thresholds,
        controls=rules.score_controls.output.scores,
    output:
        confusion=ensure("results/runs/{experiment}/plots/confusion.csv", non_empty=True),
        calibrated_metrics=ensure("results/runs/{experiment}/calibrated_metrics.csv", non_empty=True),
        roc=ensure("results/runs/{experiment}/plots/roc.csv", non_empty=True),
        precision_recall=ensure("results/runs/{experiment}/plots/precision_recall.csv", non_empty=True),
        calibration_curve=ensure("results/runs/{experiment}/plots/calibration.csv", non_empty=True),
        score_distribution=ensure("results/runs/{experiment}/plots/scores.csv", non_empty=True),
        decision_curve=ensure("results/runs/{experiment}/plots/decision_curve.csv", non_empty=True),
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
        region=lambda wildcards: study(wildcards)["image"]["region"],
        evaluation=lambda wildcards: study(wildcards)["evaluation"],
        code=closure("tabulate_scores"),
    script:
        "../scripts/tabulate_scores.py"
