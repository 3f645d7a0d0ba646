# Controls: what would be reached without looking at the lesion, and what readers' words alone
# reach.


# The file sizes and grey levels of a region's images, once for all experiments.
rule measure_images:
    input:
        images="results/regions/{region}/images.csv",
        files=rules.take_inventory.output.files,
        jpeg=DRAWN,
    output:
        "results/regions/{region}/statistics.csv",
    log:
        "results/logs/measure_images/{region}.log",
    benchmark:
        "results/benchmarks/measure_images/{region}.tsv"
    conda:
        "../../environment.yml"
    threads: 4
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(120),
    params:
        path=lambda wildcards: DATASET,
        code=closure("measure_images"),
    script:
        "../scripts/measure_images.py"


# The network once more, with nothing to learn: the first run of the baseline alone, so that many
# runs do not become twice as many.
SHUFFLED = f"results/runs/baseline/fold0-seed{BASELINE.seeds[0]}/shuffled_labels/predictions.csv"


use rule train_network as train_shuffled with:
    output:
        model=temp("results/runs/{experiment}/fold{fold}-seed{seed}/shuffled_labels/model.keras"),
        history="results/runs/{experiment}/fold{fold}-seed{seed}/shuffled_labels/history.csv",
        predictions="results/runs/{experiment}/fold{fold}-seed{seed}/shuffled_labels/predictions.csv",
    log:
        "results/logs/train_network/{experiment}-fold{fold}-seed{seed}-shuffled_labels.log",
    benchmark:
        "results/benchmarks/train_network/{experiment}-fold{fold}-seed{seed}-shuffled_labels.tsv"
    params:
        shuffled_labels=True,
        checkpoint="results/checkpoints/{experiment}-fold{fold}-seed{seed}-shuffled_labels.npz",


rule score_controls:
    input:
        scores=rules.score_images.output.scores,
        images=lambda wildcards: of_region(study(wildcards).image, "images.csv"),
        statistics=lambda wildcards: of_region(study(wildcards).image, "statistics.csv"),
        lesions=rules.take_inventory.output.lesions,
        pixels=lambda wildcards: shards(study(wildcards).image, "pixels.npy"),
        index=of_tensors("index.csv"),
        shuffled=lambda wildcards: SHUFFLED if wildcards.experiment == "baseline" else [],
    output:
        scores="results/runs/{experiment}/controls.csv",
        values="results/runs/{experiment}/plots/controls.csv",
    log:
        "results/logs/score_controls/{experiment}.log",
    benchmark:
        "results/benchmarks/score_controls/{experiment}.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(30),
    params:
        region=lambda wildcards: study(wildcards).image.region,
        evaluation=lambda wildcards: study(wildcards).evaluation.model_dump(),
        code=closure("score_controls"),
    script:
        "../scripts/score_controls.py"
