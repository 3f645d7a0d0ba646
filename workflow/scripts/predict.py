"""Predict the images in a folder with an exported network: without TensorFlow, and without the dataset it was trained on."""

from pathlib import Path

from mammo.dataset.headers import walk
from mammo.log import InputError, step
from mammo.model.exported_model import read_model
from mammo.model.prediction import as_table, predict_files, tiles_of
from mammo.report.figures.predictions import MOST, gallery, model_name
from mammo.stamps import save_figure
from mammo.tables import write_table


def main(images, model, tensors, workers, output):
    settings, session, reference, table = read_model(model, workers)
    files = list(walk(images))
    if not files:
        raise InputError(
            f"{images}: no files in this folder, or in folders in it (hidden ones do not count). "
            "Name the folder that holds the images: --config 'predict={images: DIR}'."
        )
    rows = predict_files(images, files, settings, session, reference, workers)
    name = model_name(settings)
    origin = {"model": name, "dataset": settings["dataset"], "leaks": settings["leaks"]}
    predicted = as_table(rows, table, origin)
    write_table(predicted, output.csv, "predicted")
    good = predicted[predicted["problem"] == ""]
    shown = good.head(MOST)
    paths = [
        Path(images, files[row]) for row in shown.index
    ]  # their names as they are, which need not be text
    tiles = tiles_of(shown, paths, settings["image"], tensors)
    figure = gallery(shown, *tiles, settings, len(good), len(files))
    save_figure(figure, [output.png, output.svg], output.csv, settings["dataset"])
    warned = (good["warnings"] != "").sum() if len(good) else 0
    print(f"{len(good)} of {len(files)} files predicted with {name}; {warned} with a warning, {len(files) - len(good)} could not be shown")  # fmt: skip


if __name__ == "__main__":
    with step(snakemake):
        main(
            snakemake.params.images,
            snakemake.params.model,
            dict(snakemake.input.items()) if snakemake.input else None,
            snakemake.threads,
            snakemake.output,
        )
