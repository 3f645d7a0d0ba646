# `snakemake preflight`: is all there that a study needs, here and where its jobs run? Asked anew
# each time.

MOST = {
    key: max(getattr(study.training, key) for study in EXPERIMENTS.values())
    for key in ("gpus", "threads")
}


# One job where jobs run, with what a training would ask for; it reads what was written here, and
# what it writes is read here.
rule check_node:
    input:
        "results/preflight/here.json",
    output:
        "results/preflight/node.json",
    log:
        "results/logs/preflight/node.log",
    conda:
        "../../environment.yml"
    threads: MOST["threads"]
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
        gpu=MOST["gpus"],
    params:
        # As functions: a path may hold braces.
        path=lambda wildcards: OWNER["path"],
        tables=lambda wildcards: (
            [] if EDITION.synthetic else EDITION.watched(OWNER["path"], OWNER["table"])
        ),
        asked=lambda wildcards: time.time(),
        code=closure("check_node"),
    script:
        "../scripts/check_node.py"


use rule check_node as check_here with:
    input:
        [],
    output:
        "results/preflight/here.json",
    log:
        "results/logs/preflight/here.log",
    localrule: True


rule preflight:
    input:
        here=rules.check_here.output[0],
        node=rules.check_node.output[0],
    log:
        "results/logs/preflight/preflight.log",
    localrule: True
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        gpus=MOST["gpus"],
        threads=MOST["threads"],
        code=closure("preflight"),
    script:
        "../scripts/preflight.py"
