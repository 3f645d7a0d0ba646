# What the steps took, and what to ask a cluster for: from the benchmark files of all that has run.


# Benchmark files are no inputs, of which a thousand runs would have ten thousand: any step that
# runs again changes a result, after which this follows. What comes later, the page and its record,
# is there from the run before.
rule suggest_resources:
    input:
        RESULTS,
    output:
        table=report(
            "results/resources.csv",
            category="0 The page",
            labels={"what": "time and memory of each step"},
            caption="../report/resources.rst",
        ),
        profile=report(
            "results/resources.yaml",
            category="0 The page",
            labels={"what": "resources to ask a cluster for"},
            caption="../report/resources.rst",
        ),
    log:
        "results/logs/suggest_resources/resources.log",
    benchmark:
        "results/benchmarks/suggest_resources/resources.tsv"
    localrule: True
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        rules=lambda wildcards: {
            rule.name: Path(str(rule.benchmark)).parent.name
            for rule in workflow.rules
            if rule.benchmark
        },
        code=closure("suggest_resources"),
    script:
        "../scripts/suggest_resources.py"


# What a study leaves, with this: it follows from the results before it, and the page from it.
RESULTS = [*RESULTS, *rules.suggest_resources.output]
