# Which places of an image speak for what a network called it: Grad-CAM of each experiment's first run, and its galleries.


rule explain_run:
    input:
        model=first_run("model.keras"),
        predictions=first_run("predictions.csv"),
        pixels=lambda wildcards: shards(study(wildcards), "pixels.npy"),
        index=of_tensors("index.csv"),
        images=lambda wildcards: of_region(study(wildcards), "images.csv"),
        lesions=rules.take_inventory.output.lesions,
        files=rules.take_inventory.output.files,
        jpeg=DRAWN,
    output:
        table=ensure("results/runs/{experiment}/gradcam.csv", non_empty=True),
        maps=ensure("results/runs/{experiment}/gradcam.npy", non_empty=True),
        masks=ensure("results/runs/{experiment}/masks.npy", non_empty=True),
    log:
        "results/logs/explain_run/{experiment}.log",
    benchmark:
        "results/benchmarks/explain_run/{experiment}.tsv"
    conda:
        "../../environment.yml"
    threads: lambda wildcards: study(wildcards)["training"]["threads"]
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(60),
    params:
        path=lambda wildcards: DATASET,
        image=lambda wildcards: image_settings(study(wildcards)),
        training=lambda wildcards: Training(**study(wildcards)["training"]).only(["threads", "batch_size"]).model_dump(),
        augmentation=lambda wildcards: study(wildcards)["augmentation"],
        code=closure("explain_run"),
    script:
        "../scripts/explain_run.py"


rule measure_energy:
    input:
        table=rules.explain_run.output.table,
    output:
        ensure("results/runs/{experiment}/plots/gradcam_energy.csv", non_empty=True),
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
        evaluation=lambda wildcards: study(wildcards)["evaluation"],
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
        pixels=lambda wildcards: shards(EXPERIMENTS[shown(wildcards)], "pixels.npy"),
        index=lambda wildcards: f"results/tensors/{image_name(EXPERIMENTS[shown(wildcards)])}/index.csv",
    output:
        png=report(
            ensure("results/plots/{gallery}.png", non_empty=True),
            category=FIGURES["gradcam"].category,
            labels={"what": "{gallery}, gallery"},
            caption="../report/figure.rst",
        ),
        svg=ensure("results/plots/{gallery}.svg", non_empty=True),
        csv=report(
            ensure("results/plots/{gallery}.csv", non_empty=True),
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
