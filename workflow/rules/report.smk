# Figures, each drawn from a CSV that stands beside it.


rule tabulate_curves:
    input:
        expand("results/runs/{run}/history.csv", run=RUNS),
    output:
        [
            report(
                ensure(f"results/plots/{figure}.csv", non_empty=True),
                category="2 Results",
                labels={"what": f"{figure}, table"},
                caption="../report/curves_table.rst",
            )
            for figure in FIGURES
        ],
    log:
        "results/logs/tabulate_curves/curves.log",
    benchmark:
        "results/benchmarks/tabulate_curves/curves.tsv"
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
        report(
            ensure("results/plots/{figure}.png", non_empty=True),
            category="2 Results",
            labels={"what": "{figure}, figure"},
            caption="../report/curves.rst",
        ),
    log:
        "results/logs/draw_figure/{figure}.log",
    benchmark:
        "results/benchmarks/draw_figure/{figure}.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        edition=OWNER["edition"],
        code=closure("draw_figure"),
    script:
        "../scripts/draw_figure.py"
