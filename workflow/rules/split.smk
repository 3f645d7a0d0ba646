# From the inventory to a split that has been audited.


rule split_patients:
    input:
        images=lambda wildcards: of_region(SPLITS[wildcards.split].image, "images.csv"),
        lesions=rules.take_inventory.output.lesions,
        duplicates=rules.find_duplicates.output[0],
    output:
        manifest="results/splits/{split}/manifest.csv",
        excluded="results/splits/{split}/excluded.csv",
    log:
        "results/logs/split_patients/{split}.log",
    benchmark:
        "results/benchmarks/split_patients/{split}.tsv"
    localrule: True
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(10),
    params:
        split=lambda wildcards: SPLITS[wildcards.split].split.used().model_dump(),
        code=closure("split_patients"),
    script:
        "../scripts/split_patients.py"


rule audit_split:
    input:
        images=lambda wildcards: of_region(SPLITS[wildcards.split].image, "images.csv"),
        lesions=rules.take_inventory.output.lesions,
        duplicates=rules.find_duplicates.output[0],
        left_out=rules.split_patients.output.excluded,
        manifest=rules.split_patients.output.manifest,
    output:
        report(
            "results/splits/{split}/audit.json",
            category="1 Dataset",
            labels={"what": "audit of the split"},
            caption="../report/audit.rst",
        ),
    log:
        "results/logs/audit_split/{split}.log",
    benchmark:
        "results/benchmarks/audit_split/{split}.tsv"
    localrule: True
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(10),
    params:
        split=lambda wildcards: SPLITS[wildcards.split].split.used().model_dump(),
        code=closure("audit_split"),
    script:
        "../scripts/audit_split.py"


# The audit always succeeds, so that it can be read; this fails on a failed check, and runs wait for
# what it writes.
rule gate_split:
    input:
        audit=rules.audit_split.output,
        manifest=rules.split_patients.output.manifest,
    output:
        "results/splits/{split}/gate.json",
    log:
        "results/logs/gate_split/{split}.log",
    benchmark:
        "results/benchmarks/gate_split/{split}.tsv"
    localrule: True
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(250),
        runtime=scaled(5),
    params:
        code=closure("gate_split"),
    script:
        "../scripts/gate_split.py"


# `snakemake audit` prints what was found, also where the gate stays shut.
rule audit:
    input:
        expand("results/splits/{split}/audit.json", split=SPLITS),
    log:
        "results/logs/audit/audit.log",
    localrule: True
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(250),
        runtime=scaled(5),
    params:
        code=closure("audit"),
    script:
        "../scripts/audit.py"
