# One process per run: it trains, saves and predicts. Beside it, only explaining and exporting
# import TensorFlow.


# The weights that keras.applications publishes, once for all runs, and where there is a network:
# nodes often have none.
rule fetch_weights:
    output:
        "results/weights/{file}.h5",
    log:
        "results/logs/fetch_weights/{file}.log",
    benchmark:
        "results/benchmarks/fetch_weights/{file}.tsv"
    localrule: True
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(500),
        runtime=scaled(60),
    params:
        published=lambda wildcards: published(wildcards.file),
        code=closure("fetch_weights"),
    script:
        "../scripts/fetch_weights.py"


rule train_network:
    input:
        manifest=of_split("manifest.csv"),
        gate=of_split("gate.json"),
        pixels=lambda wildcards: shards(study(wildcards).image, "pixels.npy"),
        index=of_tensors("index.csv"),
        weights=lambda wildcards: given_or_made(pretrained(study(wildcards).network)),
    output:
        model="results/runs/{experiment}/fold{fold}-seed{seed}/model.keras",
        history="results/runs/{experiment}/fold{fold}-seed{seed}/history.csv",
        predictions="results/runs/{experiment}/fold{fold}-seed{seed}/predictions.csv",
    log:
        "results/logs/train_network/{experiment}-fold{fold}-seed{seed}.log",
    benchmark:
        "results/benchmarks/train_network/{experiment}-fold{fold}-seed{seed}.tsv"
    conda:
        "../../environment.yml"
    # With fewer --cores Snakemake lowers this; the script keeps to the config's number, because
    # results depend on it.
    threads: lambda wildcards: study(wildcards).training.threads
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(240),
        gpu=lambda wildcards: study(wildcards).training.gpus,
    params:
        network=lambda wildcards: study(wildcards).network.model_dump(),
        training=lambda wildcards: study(wildcards)
        .training.used(study(wildcards).network)
        .model_dump(),
        augmentation=lambda wildcards: study(wildcards).augmentation.model_dump(),
        shuffled_labels=False,
        checkpoint="results/checkpoints/{experiment}-fold{fold}-seed{seed}.npz",
        code=closure("train_network"),
    script:
        "../scripts/train_network.py"
