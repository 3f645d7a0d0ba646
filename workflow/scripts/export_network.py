"""Export the networks of a fold, or of all, with all that predicting takes elsewhere."""

from pathlib import Path

import numpy as np

from mammo.dataset.settings import Image
from mammo.dataset.tensors import Shards
from mammo.hashing import sha256
from mammo.log import step
from mammo.model.augmentation import prediction_views
from mammo.model.ensemble import counted, of_fold
from mammo.model.export import LIMITS, export, facts, joined, predicted, use_cpu
from mammo.model.exported import as_json, count_features, open_session
from mammo.model.reference import chosen, describe_reference
from mammo.model.settings import Augmentation
from mammo.tables import read_table, run_of, write_table

if __name__ == "__main__":
    with step(snakemake):
        inputs, output, params = snakemake.input, snakemake.output, snakemake.params
        image, augmentation = Image(**params.image), Augmentation(**params.augmentation)
        fold = snakemake.wildcards.get("fold")
        fold = None if fold is None else int(fold)
        scores, thresholds = (read_table(inputs[name], name) for name in ("scores", "thresholds"))
        scores, thresholds, images = of_fold(scores, thresholds, fold)
        for name, columns in {"images": ["kind", "width", "height"], "index": ["row"]}.items():
            table = read_table(inputs[name], name)[["image_id", *columns]]
            images = images.merge(table, on="image_id", validate="1:1")
        origin = {column: scores[column].iloc[0] for column in ("dataset", "leaks")}

        use_cpu()
        model, folder = joined(inputs.models), Path(output.model).parent
        export(model, output.model, f"{folder.name} of dataset {origin['dataset']}. {LIMITS}")
        trained_on = int((images["partition"] == "training").sum())
        session = open_session(output.model, image.size)
        images = chosen(images, count_features(session, image.size))
        pixels = Shards(inputs.pixels)[images["row"].to_numpy(np.int64)]
        views = prediction_views(image.size, augmentation)
        features, agreement = predicted(model, session, pixels, views, images["probability"])
        table, told = describe_reference(images, features, pixels, image.region)
        write_table(table, output.reference, "reference")

        runs = [run_of(path) for path in inputs.models]
        settings = facts(model, runs, fold, image, views, thresholds) | origin
        settings |= {
            "edition": params.edition,
            "partitions": counted(scores),
            "reference": told | {"of": trained_on},
            "agreement": agreement,
            "sha256": {Path(path).name: sha256(path) for path in (output.model, output.reference)},
        }
        Path(output.facts).write_text(as_json(settings), encoding="utf-8")
