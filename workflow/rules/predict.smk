# A network that others can use: exported with all that predicting takes. And predicting, with it or
# with one from elsewhere.

import time


rule export_network:
    input:
        models=lambda wildcards: runs_of(wildcards.experiment, "model.keras", wildcards.get("fold")),
        scores=rules.score_images.output.scores,
        thresholds=rules.score_images.output.thresholds,
        images=lambda wildcards: of_region(study(wildcards).image, "images.csv"),
        pixels=lambda wildcards: shards(study(wildcards).image, "pixels.npy"),
        index=of_tensors("index.csv"),
    output:
        model="results/models/{experiment}-fold{fold}/model.onnx",
        facts="results/models/{experiment}-fold{fold}.json",
        reference="results/models/{experiment}-fold{fold}/reference.csv",
    log:
        "results/logs/export_network/{experiment}-fold{fold}.log",
    benchmark:
        "results/benchmarks/export_network/{experiment}-fold{fold}.tsv"
    conda:
        "../../environment.yml"
    threads: 2
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(30),
    params:
        image=lambda wildcards: study(wildcards).image.pixels().model_dump(),
        augmentation=lambda wildcards: study(wildcards).augmentation.model_dump(),
        edition=OWNER["edition"],
        code=closure("export_network"),
    script:
        "../scripts/export_network.py"


# The networks of all folds as one: for predicting, as every image is in training in some fold.
use rule export_network as export_folds with:
    output:
        model="results/models/{experiment}-folds/model.onnx",
        facts="results/models/{experiment}-folds.json",
        reference="results/models/{experiment}-folds/reference.csv",
    log:
        "results/logs/export_network/{experiment}-folds.log",
    benchmark:
        "results/benchmarks/export_network/{experiment}-folds.tsv"


# Apart from the export, which takes TensorFlow and long, and does not depend on how intervals are
# drawn.
rule describe_network:
    input:
        facts=rules.export_network.output.facts,
        scores=rules.score_images.output.scores,
        thresholds=rules.score_images.output.thresholds,
    output:
        "results/models/{experiment}-fold{fold}/model.json",
    log:
        "results/logs/describe_network/{experiment}-fold{fold}.log",
    benchmark:
        "results/benchmarks/describe_network/{experiment}-fold{fold}.tsv"
    localrule: True
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        evaluation=lambda wildcards: study(wildcards).evaluation.model_dump(),
        code=closure("describe_network"),
    script:
        "../scripts/describe_network.py"


use rule describe_network as describe_folds with:
    input:
        facts=rules.export_folds.output.facts,
        scores=rules.score_images.output.scores,
        thresholds=rules.score_images.output.thresholds,
    output:
        "results/models/{experiment}-folds/model.json",
    log:
        "results/logs/describe_network/{experiment}-folds.log",
    benchmark:
        "results/benchmarks/describe_network/{experiment}-folds.tsv"


# This study's own network: with folds, those of all.
OWN_FOLDER = f"results/models/baseline-{'folds' if len(folds(BASELINE.split)) > 1 else 'fold0'}"
# Of this study's own network the nearest training images can be shown; from one from elsewhere
# nothing of a study is needed.
OWN_NETWORK = [] if BASELINE.predict.model else multiext(f"{OWN_FOLDER}/", *MODEL_FILES)


rule predict:
    input:
        model=OWN_NETWORK,
        pixels=shards(BASELINE.image, "pixels.npy") if OWN_NETWORK else [],
        index=tensor_file(BASELINE.image, "index.csv") if OWN_NETWORK else [],
    output:
        csv=report(
            PREDICTIONS,
            category=FIGURES["predictions"].category,
            labels={"what": "predictions, table"},
            caption="../report/figure.rst",
        ),
        png=report(
            "results/predictions/gallery.png",
            category=FIGURES["predictions"].category,
            labels={"what": "predictions, gallery"},
            caption="../report/figure.rst",
        ),
        svg="results/predictions/gallery.svg",
    log:
        "results/logs/predict/predictions.log",
    benchmark:
        "results/benchmarks/predict/predictions.tsv"
    conda:
        "../../environment.yml"
    threads: 4
    resources:
        mem_mb=scaled(3000),
        runtime=scaled(60),
    params:
        caption=lambda wildcards: FIGURES["predictions"].caption,
        # As functions: a path may hold braces.
        images=images_to_predict,
        model=lambda wildcards: os.path.abspath(
            os.path.expanduser(BASELINE.predict.model or copy_of(workflow, OWN_FOLDER))
        ),
        # Always another value: the folder's images may be others than the last time.
        asked=lambda wildcards: time.time(),
        code=closure("predict"),
    script:
        "../scripts/predict.py"
