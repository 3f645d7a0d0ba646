# One process per run: it trains, saves and predicts. Beside it, only explaining and exporting import TensorFlow.


# The weights that keras.applications publishes, once for all runs, and where there is a network: nodes often have none.
rule fetch_weights:
    output:
        ensure("results/weights/{file}.h5", non_empty=True),
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
        pixels=lambda wildcards: shards(study(wildcards), "pixels.npy"),
        index=of_tensors("index.csv"),
        weights=lambda wildcards: given_or_made(pretrained(Network(**study(wildcards)["network"]))),
    output:
        model=ensure("results/runs/{experiment}/fold{fold}-seed{seed}/model.keras", non_empty=True),
        history=ensure("results/runs/{experiment}/fold{fold}-seed{seed}/history.csv", non_empty=True),
        predictions=ensure("results/runs/{experiment}/fold{fold}-seed{seed}/predictions.csv", non_empty=True),
    log:
        "results/logs/train_network/{experiment}-fold{fold}-seed{seed}.log",
    benchmark:
        "results/benchmarks/train_network/{experiment}-fold{fold}-seed{seed}.tsv"
    conda:
        "../../environment.yml"
    # With fewer --cores Snakemake lowers this; the script keeps to the config's number, because results depend on it.
    threads: lambda wildcards: study(wildcards)["training"]["threads"]
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(240),
        gpu=lambda wildcards: study(wildcards)["training"]["gpus"],
    params:
        network=lambda wildcards: study(wildcards)["network"],
        training=lambda wildcards: training_settings(study(wildcards)),
        augmentation=lambda wildcards: study(wildcards)["augmentation"],
        shuffled_labels=False,
        checkpoint="results/checkpoints/{experiment}-fold{fold}-seed{seed}.npz",
        code=closure("train_network"),
    script:
        "../scripts/train_network.py"
