# From a dataset to its inventory and its tensors.


rule make_phantom:
    output:
        tables=ensure(PHANTOM_TABLES, non_empty=True),
        jpeg=directory("results/phantom/jpeg"),
        planted=ensure("results/phantom/planted.csv", non_empty=True),
    log:
        "results/logs/make_phantom/phantom.log",
    benchmark:
        "results/benchmarks/make_phantom/phantom.tsv"
    conda:
        "../../environment.yml"
    threads: 4
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        patients=config["phantom"]["patients"],
        seed=config["phantom"]["seed"],
        lookalikes=config["phantom"]["lookalikes"],
        code=closure("make_phantom"),
    script:
        "../scripts/make_phantom.py"


# The images, where they are a result themselves.
DRAWN = rules.make_phantom.output.jpeg if OWNER["edition"] == "phantom" else []


rule take_inventory:
    input:
        tables=lambda wildcards: dataset_tables(),  # as a function: a path may hold braces
        jpeg=DRAWN,
    output:
        files=ensure("results/inventory/files.csv", non_empty=True),
        lesions=ensure("results/inventory/lesions.csv", non_empty=True),
        headers=update("results/inventory/headers.csv"),  # kept, so that the next scan reads only what changed
        fingerprint=ensure("results/inventory/fingerprint.json", non_empty=True),
        conflicts=report(
            ensure("results/inventory/conflicts.csv", non_empty=True),
            category="1 Dataset",
            labels={"what": "lesions of both classes"},
            caption="../report/conflicts.rst",
        ),
        excluded=report(
            ensure("results/inventory/excluded.csv", non_empty=True),
            category="1 Dataset",
            labels={"what": "left out"},
            caption="../report/excluded.rst",
        ),
        summary=report(
            ensure("results/inventory/summary.md", non_empty=True),
            category="1 Dataset",
            labels={"what": "summary"},
            caption="../report/summary.rst",
        ),
    log:
        "results/logs/take_inventory/inventory.log",
    benchmark:
        "results/benchmarks/take_inventory/inventory.tsv"
    conda:
        "../../environment.yml"
    threads: 4
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(60),
    params:
        # As a function: a path may hold braces.
        dataset=lambda wildcards: OWNER | {"path": DATASET, "patient": config["dataset"]["patient"]},
        tables=lambda wildcards: {} if OWNER["edition"] == "phantom" else with_braces(table_paths()),
        code=closure("take_inventory"),
    script:
        "../scripts/take_inventory.py"


rule draw_contact_sheet:
    input:
        lesions=rules.take_inventory.output.lesions,
        excluded=rules.take_inventory.output.excluded,
        fingerprint=rules.take_inventory.output.fingerprint,
        jpeg=DRAWN,
    output:
        report(
            ensure("results/inventory/contact_sheet_{label}.png", non_empty=True),
            category="1 Dataset",
            labels={"what": "contact sheet", "class": "{label}"},
            caption="../report/contact_sheet.rst",
        ),
    log:
        "results/logs/draw_contact_sheet/{label}.log",
    benchmark:
        "results/benchmarks/draw_contact_sheet/{label}.tsv"
    localrule: True
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        path=lambda wildcards: DATASET,
        code=closure("draw_contact_sheet"),
    script:
        "../scripts/draw_contact_sheet.py"


rule list_images:
    input:
        files=rules.take_inventory.output.files,
        lesions=rules.take_inventory.output.lesions,
        excluded=rules.take_inventory.output.excluded,
        fingerprint=rules.take_inventory.output.fingerprint,
    output:
        images=ensure("results/regions/{region}/images.csv", non_empty=True),
        excluded=ensure("results/regions/{region}/excluded.csv", non_empty=True),
    log:
        "results/logs/list_images/{region}.log",
    benchmark:
        "results/benchmarks/list_images/{region}.tsv"
    localrule: True
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(10),
    params:
        region=lambda wildcards: REGIONS[wildcards.region],
        code=closure("list_images"),
    script:
        "../scripts/list_images.py"


rule decode_images:
    input:
        images=lambda wildcards: of_region(IMAGES[wildcards.image], "images.csv"),
        jpeg=DRAWN,
    output:
        pixels=ensure("results/tensors/{image}/shard-{shard}/pixels.npy", non_empty=True),
        index=ensure("results/tensors/{image}/shard-{shard}/index.csv", non_empty=True),
        excluded=ensure("results/tensors/{image}/shard-{shard}/excluded.csv", non_empty=True),
    log:
        "results/logs/decode_images/{image}-{shard}.log",
    benchmark:
        "results/benchmarks/decode_images/{image}-{shard}.tsv"
    conda:
        "../../environment.yml"
    threads: 4
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(120),
    params:
        path=lambda wildcards: DATASET,
        image=lambda wildcards: image_settings(IMAGES[wildcards.image]),
        code=closure("decode_images"),
    script:
        "../scripts/decode_images.py"


rule gather_tensors:
    input:
        index=lambda wildcards: shards(IMAGES[wildcards.image], "index.csv"),
        excluded=lambda wildcards: shards(IMAGES[wildcards.image], "excluded.csv"),
    output:
        index=ensure("results/tensors/{image}/index.csv", non_empty=True),
        excluded=ensure("results/tensors/{image}/excluded.csv", non_empty=True),
    log:
        "results/logs/gather_tensors/{image}.log",
    benchmark:
        "results/benchmarks/gather_tensors/{image}.tsv"
    localrule: True
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(10),
    params:
        code=closure("gather_tensors"),
    script:
        "../scripts/gather_tensors.py"


rule find_duplicates:
    input:
        files=rules.take_inventory.output.files,
        jpeg=DRAWN,
    output:
        ensure("results/inventory/duplicates.csv", non_empty=True),
    log:
        "results/logs/find_duplicates/duplicates.log",
    benchmark:
        "results/benchmarks/find_duplicates/duplicates.tsv"
    conda:
        "../../environment.yml"
    threads: 4
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(120),
    params:
        path=lambda wildcards: DATASET,
        code=closure("find_duplicates"),
    script:
        "../scripts/find_duplicates.py"
