# The page that a person reads, of all that a study leaves.


rule write_report:
    input:
        RESULTS,
        **ACCOUNT,
        metrics="results/metrics.csv",
        flow="results/plots/flow.csv",
        characteristics="results/characteristics.html",
        characteristics_table="results/plots/characteristics.csv",
        curves=expand("results/plots/{figure}.csv", figure=PLOTS),
        thresholds="results/runs/baseline/thresholds.csv",
        scores="results/runs/baseline/scores.csv",
        all_scores=expand("results/runs/{experiment}/scores.csv", experiment=EXPERIMENTS),
        runs=expand("results/runs/{run}/{file}", run=RUNS, file=["model.keras", "predictions.csv"]),
        audit=split_file(BASELINE, "audit.json"),
        files=rules.take_inventory.output.files,
        duplicates="results/inventory/duplicates.csv",
        conflicts=rules.take_inventory.output.conflicts,
        fingerprint=rules.take_inventory.output.fingerprint,
        resources=rules.suggest_resources.output.table,
    output:
        page=report(
            "results/report.html",
            category="0 The page",
            labels={"what": "the study on one page"},
            caption="../report/page.rst",
        ),
        model_card=report(
            "results/model_card.md",
            category="0 The page",
            labels={"what": "model card"},
            caption="../report/cards.rst",
        ),
        datasheet=report(
            "results/datasheet.md",
            category="0 The page",
            labels={"what": "datasheet"},
            caption="../report/cards.rst",
        ),
        checklists=report(
            "results/checklists.csv",
            category="0 The page",
            labels={"what": "checklists"},
            caption="../report/checklists.rst",
        ),
    log:
        "results/logs/write_report/page.log",
    benchmark:
        "results/benchmarks/write_report/page.tsv"
    localrule: True
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        edition=OWNER["edition"],
        # As functions: text may hold braces.
        study=lambda wildcards: BASELINE.alone().model_dump(),
        overlays=lambda wildcards: OVERLAYS,
        described=len(DESCRIBED),
        default=lambda wildcards: Study.default().model_dump(),
        code=closure("write_report"),
    script:
        "../scripts/write_report.py"


# What a study leaves, with the page: that follows from all else, and provenance from it.
RESULTS = [*RESULTS, *rules.write_report.output]
