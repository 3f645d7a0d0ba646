"""The metrics of one run, each partition and level on its own, recomputable from its predictions.csv."""

from lib.evaluation import evaluate, prepared
from lib.log import InputError, log_to, some
from lib.tables import read_table, write_table


def refuse_strangers(predictions, images, path):
    """Raise InputError unless the predictions are of exactly these `images`, the manifest's rows that decoded, as it has them."""
    wanted = images.assign(label=(images["label"] == "malignant").astype(int))
    columns = ["image_id", "patient_id", "partition", "label"]
    joined = predictions[columns].astype({"label": int}).merge(wanted[columns], how="outer", indicator=True)
    if (strange := joined["_merge"] != "both").any():
        raise InputError(
            f"{path}: missing, or not the manifest's patient, partition and label: {some(joined.loc[strange, 'image_id'].unique())}. "
            "Delete the file to predict again."
        )


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        run = {"experiment": snakemake.wildcards.experiment}
        run |= {name: int(snakemake.wildcards[name]) for name in ("fold", "seed")}
        predictions = read_table(snakemake.input.predictions, "predictions")
        manifest = read_table(snakemake.input.manifest, "manifest").query("fold == @run['fold']")
        images = manifest[manifest["image_id"].isin(read_table(snakemake.input.index, "index")["image_id"])]
        refuse_strangers(predictions, images, snakemake.input.predictions)
        region, evaluation = snakemake.params.region, snakemake.params.evaluation
        shown = read_table(snakemake.input.images, "images")
        values = evaluate([prepared(predictions, shown, region)], shown, region, evaluation).assign(of="run", **run)
        write_table(values, snakemake.output[0], "metrics")
        print(values.pivot(index="metric", columns=["level", "partition"], values="value").to_string())
