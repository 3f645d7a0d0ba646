# Figures, each drawn from a CSV that stands beside it.


rule tabulate_curves:
    input:
        expand("results/runs/{run}/history.csv", run=RUNS),
    output:
        [
            report(
                f"results/plots/{figure}.csv",
                category="2 Results",
                labels={"what": f"{FIGURES[figure].label}, table"},
                caption="../report/curves_table.rst",
            )
            for figure in CURVES
        ],
    log:
        "results/logs/tabulate_curves/curves.log",
    benchmark:
        "results/benchmarks/tabulate_curves/curves.tsv"
    localrule: True
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        code=closure("tabulate_curves"),
    script:
        "../scripts/tabulate_curves.py"


rule draw_figure:
    input:
        "results/plots/{figure}.csv",
    output:
        png=report(
            "results/plots/{figure}.png",
            category=lambda wildcards: FIGURES[wildcards.figure].category,
            labels={"what": lambda wildcards: f"{FIGURES[wildcards.figure].label}, figure"},
            caption="../report/figure.rst",
        ),
        svg="results/plots/{figure}.svg",
    log:
        "results/logs/draw_figure/{figure}.log",
    benchmark:
        "results/benchmarks/draw_figure/{figure}.tsv"
    localrule: True
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        edition=OWNER["edition"],
        # As a function: text may hold braces.
        caption=lambda wildcards: FIGURES[wildcards.figure].caption,
        code=closure("draw_figure"),
    script:
        "../scripts/draw_figure.py"


# What went into a study and what did not, by partition: counted from the same tables.
ACCOUNT = {
    "lesions": rules.take_inventory.output.lesions,
    "excluded": rules.take_inventory.output.excluded,
    "images": of_region(BASELINE.image, "images.csv"),
    "region_excluded": of_region(BASELINE.image, "excluded.csv"),
    "undecoded": tensor_file(BASELINE.image, "excluded.csv"),
    "manifest": split_file(BASELINE, "manifest.csv"),
    "split_excluded": split_file(BASELINE, "excluded.csv"),
    "gate": split_file(BASELINE, "gate.json"),
}


rule count_flow:
    input:
        **ACCOUNT,
    output:
        report(
            "results/plots/flow.csv",
            category="1 Dataset",
            labels={"what": "flow, table"},
            caption="../report/flow_table.rst",
        ),
    log:
        "results/logs/count_flow/flow.log",
    benchmark:
        "results/benchmarks/count_flow/flow.tsv"
    localrule: True
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(10),
    params:
        region=BASELINE.image.region,
        code=closure("count_flow"),
    script:
        "../scripts/count_flow.py"


rule tabulate_characteristics:
    input:
        **ACCOUNT,
        files=rules.take_inventory.output.files,
    output:
        csv=report(
            "results/plots/characteristics.csv",
            category="1 Dataset",
            labels={"what": "characteristics by partition, CSV"},
            caption="../report/characteristics.rst",
        ),
        html=report(
            "results/characteristics.html",
            category="1 Dataset",
            labels={"what": "characteristics by partition"},
            caption="../report/characteristics.rst",
        ),
    log:
        "results/logs/tabulate_characteristics/characteristics.log",
    benchmark:
        "results/benchmarks/tabulate_characteristics/characteristics.tsv"
    localrule: True
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(10),
    params:
        region=BASELINE.image.region,
        edition=OWNER["edition"],
        code=closure("tabulate_characteristics"),
    script:
        "../scripts/tabulate_characteristics.py"
