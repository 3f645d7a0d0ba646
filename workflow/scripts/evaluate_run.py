"""The metrics of one run, each partition and level on its own, recomputable from its predictions.csv."""

from mammo.log import step
from mammo.statistics.evaluation import evaluate, prepared
from mammo.statistics.runs import refuse_strangers
from mammo.tables import read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        run = {"experiment": snakemake.wildcards.experiment}
        run |= {name: int(snakemake.wildcards[name]) for name in ("fold", "seed")}
        predictions = read_table(snakemake.input.predictions, "predictions")
        manifest = read_table(snakemake.input.manifest, "manifest").query("fold == @run['fold']")
        images = manifest[
            manifest["image_id"].isin(read_table(snakemake.input.index, "index")["image_id"])
        ]
        refuse_strangers(predictions, images, snakemake.input.predictions)
        region, evaluation = snakemake.params.region, snakemake.params.evaluation
        shown = read_table(snakemake.input.images, "images")
        values = evaluate([prepared(predictions, shown, region)], shown, region, evaluation).assign(
            of="run", **run
        )
        write_table(values, snakemake.output[0], "metrics")
        print(
            values.pivot(index="metric", columns=["level", "partition"], values="value").to_string()
        )
