"""Predict the images in a folder with an exported network, and draw a gallery of them."""

from pathlib import Path

from mammo.dataset.headers import walk
from mammo.dataset.images import decode
from mammo.dataset.tensors import Shards
from mammo.log import InputError, step
from mammo.model.exported import read_model
from mammo.model.prediction import as_table, nearest_tiles, predict_files
from mammo.report.figures.predictions import MOST, gallery, model_name
from mammo.stamps import save_figure
from mammo.tables import read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        folder, output = snakemake.params.images, snakemake.output
        model = read_model(snakemake.params.model, snakemake.threads)
        settings, image = model.settings, model.image
        files = list(walk(folder))
        if not files:
            raise InputError(
                f"{folder}: no files in this folder, or in folders in it (hidden ones do not"
                " count). Name the folder that holds the images: --config 'predict={images: DIR}'."
            )
        rows = predict_files(folder, files, model, snakemake.threads)
        name = model_name(settings)
        origin = {"model": name, "dataset": settings["dataset"], "leaks": settings["leaks"]}
        predicted = as_table(rows, model.table, origin)
        write_table(predicted, output.csv, "predicted")

        good = predicted[predicted["problem"] == ""]
        shown, neighbours = good.head(MOST), None
        # By the files' names as they are, which need not be text.
        tiles = [decode(Path(folder, files[row]), image.size, image.fit) for row in shown.index]
        if snakemake.input:  # the study's own network, whose training images are here
            index = read_table(snakemake.input.index, "index")
            neighbours = nearest_tiles(shown, Shards(snakemake.input.pixels), index)
        figure = gallery(shown, tiles, neighbours, settings, len(good), len(files))
        save_figure(figure, [output.png, output.svg], output.csv, settings["dataset"])
        warned = (good["warnings"] != "").sum() if len(good) else 0
        bad = len(files) - len(good)
        print(f"{len(good)} of {len(files)} files predicted with {name}; {warned} with a warning")
        print(f"{bad} could not be predicted")
