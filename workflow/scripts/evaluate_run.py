"""The metrics of one run, per partition and level, recomputable from its predictions.csv."""

from mammo.log import step
from mammo.statistics.evaluation import evaluate, prepared, refuse_strangers
from mammo.statistics.settings import Evaluation
from mammo.tables import read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        inputs, region = snakemake.input, snakemake.params.region
        evaluation = Evaluation(**snakemake.params.evaluation)
        fold, seed = int(snakemake.wildcards.fold), int(snakemake.wildcards.seed)
        predictions = read_table(inputs.predictions, "predictions")
        manifest = read_table(inputs.manifest, "manifest").query("fold == @fold")
        decoded = read_table(inputs.index, "index")["image_id"]
        used = manifest[manifest["image_id"].isin(decoded)]
        refuse_strangers(predictions, used, inputs.predictions)

        images = read_table(inputs.images, "images")
        run = prepared(predictions, images, region)
        values = evaluate([run], images, region, evaluation)
        values = values.assign(
            of="run", experiment=snakemake.wildcards.experiment, fold=fold, seed=seed
        )
        write_table(values, snakemake.output[0], "metrics")
        by_level = values.pivot(index="metric", columns=["level", "partition"], values="value")
        print(by_level.to_string())
