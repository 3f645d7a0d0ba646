# Which places of an image speak for what a network called it: Grad-CAM of each experiment's first
# run, and its galleries.


rule explain_run:
    input:
        model=first_run("model.keras"),
        predictions=first_run("predictions.csv"),
        pixels=lambda wildcards: shards(study(wildcards).image, "pixels.npy"),
        index=of_tensors("index.csv"),
        images=lambda wildcards: of_region(study(wildcards).image, "images.csv"),
        lesions=rules.take_inventory.output.lesions,
        files=rules.take_inventory.output.files,
        jpeg=DRAWN,
    output:
        table="results/runs/{experiment}/gradcam.csv",
        maps="results/runs/{experiment}/gradcam.npy",
        masks="results/runs/{experiment}/masks.npy",
    log:
        "results/logs/explain_run/{experiment}.log",
    benchmark:
        "results/benchmarks/explain_run/{experiment}.tsv"
    conda:
        "../../environment.yml"
    threads: lambda wildcards: study(wildcards).training.threads
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(60),
    params:
        path=lambda wildcards: DATASET,
        image=lambda wildcards: study(wildcards).image.pixels().model_dump(),
        training=lambda wildcards: study(wildcards)
        .training.only(["threads", "batch_size"])
        .model_dump(),
        augmentation=lambda wildcards: study(wildcards).augmentation.model_dump(),
        code=closure("explain_run"),
    script:
        "../scripts/explain_run.py"


rule measure_energy:
    input:
        table=rules.explain_run.output.table,
    output:
        "results/runs/{experiment}/plots/gradcam_energy.csv",
    log:
        "results/logs/measure_energy/{experiment}.log",
    benchmark:
        "results/benchmarks/measure_energy/{experiment}.tsv"
    localrule: True
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        evaluation=lambda wildcards: study(wildcards).evaluation.model_dump(),
        code=closure("measure_energy"),
    script:
        "../scripts/measure_energy.py"


# The baseline's gallery is plots/gradcam.png; that of another experiment bears its name.
rule draw_gallery:
    input:
        table=lambda wildcards: f"results/runs/{shown(wildcards)}/gradcam.csv",
        maps=lambda wildcards: f"results/runs/{shown(wildcards)}/gradcam.npy",
        masks=lambda wildcards: f"results/runs/{shown(wildcards)}/masks.npy",
        energy=lambda wildcards: f"results/runs/{shown(wildcards)}/plots/gradcam_energy.csv",
        pixels=lambda wildcards: shards(EXPERIMENTS[shown(wildcards)].image, "pixels.npy"),
        index=lambda wildcards: tensor_file(EXPERIMENTS[shown(wildcards)].image, "index.csv"),
    output:
        png=report(
            "results/plots/{gallery}.png",
            category=FIGURES["gradcam"].category,
            labels={"what": "{gallery}, gallery"},
            caption="../report/figure.rst",
        ),
        svg="results/plots/{gallery}.svg",
        csv=report(
            "results/plots/{gallery}.csv",
            category=FIGURES["gradcam"].category,
            labels={"what": "{gallery}, table"},
            caption="../report/figure.rst",
        ),
    log:
        "results/logs/draw_gallery/{gallery}.log",
    benchmark:
        "results/benchmarks/draw_gallery/{gallery}.tsv"
    localrule: True
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        edition=OWNER["edition"],
        caption=lambda wildcards: FIGURES["gradcam"].caption,
        code=closure("draw_gallery"),
    script:
        "../scripts/draw_gallery.py"
