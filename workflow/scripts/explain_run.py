"""Grad-CAM of one run's test images, and how much of each map's energy is inside the mask."""

from pathlib import Path

import numpy as np

from mammo.dataset.settings import Image
from mammo.dataset.tensors import Shards
from mammo.log import InputError, step
from mammo.model import explanation
from mammo.model.augmentation import prediction_views
from mammo.model.devices import use_devices
from mammo.model.networks import load_model
from mammo.model.settings import Augmentation, Training
from mammo.tables import read_table, run_of, write_table

if __name__ == "__main__":
    with step(snakemake):
        inputs, output, params = snakemake.input, snakemake.output, snakemake.params
        image, training = Image(**params.image), Training(**params.training)
        names = ("predictions", "index", "images", "lesions", "files")
        tables = {name: read_table(inputs[name], name) for name in names}
        rows = explanation.test_images(*(tables[name] for name in names[:3]))
        if rows.empty:
            raise InputError(
                f"{inputs.predictions}: no test image to explain. See excluded.csv of the tensors"
                " for what did not decode."
            )
        pixels = Shards(inputs.pixels)
        shape = (len(rows), *pixels.shape[1:])
        maps, masks = (
            np.lib.format.open_memmap(path, "w+", np.uint8, shape)
            for path in (output.maps, output.masks)
        )
        lesions = explanation.lesions_of(rows, tables["lesions"], image.region)
        extents = explanation.extents_of(tables["files"])
        told = explanation.outlines(
            Path(params.path), rows, lesions, extents, image, snakemake.threads, masks
        )

        use_devices(training.threads)
        model = load_model(inputs.model)
        views = prediction_views(image.size, Augmentation(**params.augmentation))
        probability = explanation.explain(model, pixels, rows, training.batch_size, maps, views)
        explanation.check_probabilities(probability, rows, inputs.model, inputs.predictions)

        run = dict(zip(("experiment", "fold", "seed"), run_of(inputs.model), strict=True))
        run |= {column: rows[column].iloc[0] for column in ("dataset", "leaks")}
        table = explanation.as_table(rows, told, maps, masks).assign(**run)
        write_table(table, output.table, "gradcam")
