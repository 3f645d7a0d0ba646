# From a dataset to its inventory and its tensors.

PHANTOM_TABLES = EDITIONS["phantom"].watched("results/phantom", None)


rule make_phantom:
    output:
        tables=PHANTOM_TABLES,
        jpeg=directory("results/phantom/jpeg"),
        planted="results/phantom/planted.csv",
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
        phantom=BASELINE.phantom.model_dump(),
        code=closure("make_phantom"),
    script:
        "../scripts/make_phantom.py"


# The images, where they are a result themselves.
DRAWN = rules.make_phantom.output.jpeg if EDITION.synthetic else []


rule take_inventory:
    input:
        # Editing one takes the inventory again. As a function: a path may hold braces.
        tables=lambda wildcards: given_or_made(
            EDITION.watched(OWNER["path"] or "results/phantom", OWNER["table"])
        ),
        jpeg=DRAWN,
    output:
        files="results/inventory/files.csv",
        lesions="results/inventory/lesions.csv",
        # Kept, so that the next scan reads only what changed.
        headers=update("results/inventory/headers.csv"),
        fingerprint="results/inventory/fingerprint.json",
        conflicts=report(
            "results/inventory/conflicts.csv",
            category="1 Dataset",
            labels={"what": "lesions of both classes"},
            caption="../report/conflicts.rst",
        ),
        excluded=report(
            "results/inventory/excluded.csv",
            category="1 Dataset",
            labels={"what": "left out"},
            caption="../report/excluded.rst",
        ),
        summary=report(
            "results/inventory/summary.md",
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
        dataset=lambda wildcards: OWNER | {"path": DATASET, "patient": BASELINE.dataset.patient},
        tables=lambda wildcards: with_braces(
            [] if EDITION.synthetic else EDITION.watched(OWNER["path"], OWNER["table"])
        ),
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
            "results/inventory/contact_sheet_{label}.png",
            category=FIGURES["contact_sheet"].category,
            labels={"what": FIGURES["contact_sheet"].label, "class": "{label}"},
            caption="../report/figure.rst",
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
        caption=lambda wildcards: FIGURES["contact_sheet"].caption,
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
        images="results/regions/{region}/images.csv",
        excluded="results/regions/{region}/excluded.csv",
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
        region=lambda wildcards: REGIONS[wildcards.region].model_dump(),
        code=closure("list_images"),
    script:
        "../scripts/list_images.py"


rule decode_images:
    input:
        images=lambda wildcards: of_region(IMAGES[wildcards.image], "images.csv"),
        jpeg=DRAWN,
    output:
        pixels="results/tensors/{image}/shard-{shard}/pixels.npy",
        index="results/tensors/{image}/shard-{shard}/index.csv",
        excluded="results/tensors/{image}/shard-{shard}/excluded.csv",
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
        image=lambda wildcards: IMAGES[wildcards.image].pixels().model_dump(),
        code=closure("decode_images"),
    script:
        "../scripts/decode_images.py"


rule gather_tensors:
    input:
        index=lambda wildcards: shards(IMAGES[wildcards.image], "index.csv"),
        excluded=lambda wildcards: shards(IMAGES[wildcards.image], "excluded.csv"),
    output:
        index="results/tensors/{image}/index.csv",
        excluded="results/tensors/{image}/excluded.csv",
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
        "results/inventory/duplicates.csv",
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
