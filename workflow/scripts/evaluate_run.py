"""The metrics of one run, each partition on its own, recomputable from its predictions.csv."""

import numpy as np
import pandas as pd
from sklearn import metrics

from lib.log import InputError, log_to, some
from lib.tables import read_table, write_table

THRESHOLD = 0.5


def measure(label, probability, majority):
    """Yield (metric, value) of one partition. `label` is 0 or 1 (malignant), `majority` the label that training holds most of.

    A value that is not defined, such as AUROC where one class is absent, is None.
    """
    positive, negative = int(label.sum()), int((1 - label).sum())
    called = (probability >= THRESHOLD).astype(int)
    yield "images", len(label)
    yield "benign", negative
    yield "malignant", positive
    # Clipped as Keras does, so that it is the loss that training would report.
    yield "loss", metrics.log_loss(label, np.clip(probability, 1e-7, 1 - 1e-7), labels=[0, 1])
    yield "accuracy", metrics.accuracy_score(label, called)
    yield "majority_class_accuracy", metrics.accuracy_score(label, np.full(len(label), majority))
    yield "auroc", metrics.roc_auc_score(label, probability) if positive and negative else None
    yield "sensitivity", metrics.recall_score(label, called) if positive else None
    yield "specificity", metrics.recall_score(label, called, pos_label=0) if negative else None


def evaluate_run(predictions):
    """A DataFrame with a row per partition and metric: partition, level, metric, value."""
    origin = {column: predictions[column].iloc[0] for column in ("dataset", "leaks")}
    majority = int(predictions.loc[predictions["partition"] == "training", "label"].mean() > 0.5)
    return pd.DataFrame(
        [
            {"partition": partition, "level": "image", "metric": metric, "value": value} | origin
            for partition in ("training", "validation", "test")
            if len(rows := predictions[predictions["partition"] == partition])
            for metric, value in measure(rows["label"].to_numpy(int), rows["probability"].to_numpy(), majority)
        ]
    )


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
        values = evaluate_run(predictions).assign(**run)
        write_table(values, snakemake.output[0], "metrics")
        print(values.pivot(index="metric", columns="partition", values="value").to_string())
