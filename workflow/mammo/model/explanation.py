"""Grad-CAM of one run's test images, and how much of each map's energy falls inside the lesion's mask."""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from mammo.dataset.tensors import Shards
from mammo.log import InputError
from mammo.model.augmentation import prediction_views, warped
from mammo.model.devices import use_devices
from mammo.model.gradcam import (
    energy_in_others,
    energy_inside,
    grad_cam,
    last_convolution,
    over_image,
    unit_places,
)
from mammo.model.lesion_masks import seen_lesions
from mammo.tables import read_table, run_of, write_table

CALLED = 0.5  # malignant from this probability on: where the logit changes its sign
OUTCOMES = {
    (1, 1): "true_positive",
    (1, 0): "false_negative",
    (0, 1): "false_positive",
    (0, 0): "true_negative",
}
AGREE = 1e-4  # a network gives the probabilities of its predictions.csv to within rounding


def lesions_of(images, lesions, region):
    """For each row of `images` the list of its rows in the inventory's `lesions`: of a whole image all that are on it."""
    key = "full_file" if region == "full" else "image_id"
    found = defaultdict(list)
    for lesion in lesions.itertuples(index=False):
        found[getattr(lesion, key)].append(lesion)
    return [found[name] for name in images["file" if region == "full" else "image_id"]]


def outlines(folder, images, lesions, extents, settings, workers, out):
    """Fill `out`, uint8 (n, size, size), with how much of each pixel of n images lies in their lesions' masks: 0 to 255.

    lesions: a list for each image; see `seen_lesions` for the rest. Returns a DataFrame: crop_correlation, and a reason where there is no mask.
    """

    def one(row, image):
        try:
            inside, correlation = seen_lesions(folder, image, lesions[row], extents, settings)
        except ValueError as error:
            return {"reason": str(error)}
        out[row] = np.rint(255 * inside)
        return {"crop_correlation": correlation, "reason": ""}

    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        told = list(pool.map(one, range(len(images)), images.itertuples(index=False)))
    return pd.DataFrame(told, columns=["crop_correlation", "reason"])


def explain(model, pixels, rows, batch_size, out, views):
    """Fill `out`, uint8 (n, size, size), with Grad-CAM of the images in `rows` of `pixels`, each from 0 to its own maximum of 255.

    rows: a DataFrame with row, its place in pixels, and probability; the map shows what speaks for the class that this calls.
    Returns the network's own probabilities, float (n,), means over the views (v, 8). The map is of the image as it is.
    """
    places = rows["row"].to_numpy(np.int64)
    toward = np.where(rows["probability"] >= CALLED, 1, -1)

    def batches(view):
        for start in range(0, len(rows), batch_size):
            yield np.repeat(
                warped(pixels[places[start : start + batch_size]], view)[..., None], 3, axis=-1
            )

    further = [
        np.concatenate([model(images, training=False) for images in batches(view)])[:, 0]
        for view in views[1:]
    ]
    layer = last_convolution(model)
    print(f"Grad-CAM at {layer.name}, {' x '.join(map(str, layer.output.shape[1:3]))} units")
    units = unit_places(model, layer)
    maps, logits = grad_cam(model, layer, batches(views[0]), toward)
    for start in range(0, len(rows), batch_size):
        part = over_image(maps[start : start + batch_size], units, pixels.shape[1])
        highest = part.max(axis=(1, 2), keepdims=True)
        out[start : start + batch_size] = np.rint(
            255 * np.divide(part, highest, out=np.zeros_like(part), where=highest > 0)
        )
    return np.mean([1 / (1 + np.exp(-logits.astype(float))), *further], axis=0)


def energies(maps, masks, patients, reasons):
    """A DataFrame: energy_inside, chance, energy_in_others and the reason where there is no energy; of n maps and masks, uint8 (n, size, size)."""
    parts = []
    for map_, mask in zip(maps, masks, strict=True):  # one by one: whole images may be large
        inside = mask[None] / np.float32(255)
        parts.append(
            (energy_inside(map_[None].astype(np.float32), inside)[0], inside.mean(dtype=float))
        )
    energy, chance = np.array(parts).reshape(-1, 2).T
    others = energy_in_others(maps, masks, patients) / 255
    dark = (reasons == "") & ~maps.any(axis=(1, 2))
    known = reasons == ""
    return pd.DataFrame(
        {
            "energy_inside": energy,
            "chance": np.where(known, chance, np.nan),
            "energy_in_others": np.where(known, others, np.nan),
            "reason": np.where(
                dark,
                "Grad-CAM is zero everywhere: nothing speaks for the class that was called",
                reasons,
            ),
        }
    )


def main(inputs, output, params, workers):
    experiment, fold, seed = run_of(inputs.model)
    predictions = read_table(inputs.predictions, "predictions")
    origin = {column: predictions[column].iloc[0] for column in ("dataset", "leaks")}
    rows = predictions[predictions["partition"] == "test"]
    if rows.empty:
        raise InputError(
            f"{inputs.predictions}: no test image to explain. See excluded.csv of the tensors for what did not decode."
        )
    for name, columns in {"index": ["image_id", "row"], "images": None}.items():
        table = read_table(inputs[name], name)
        columns = columns or [
            column for column in table if column not in rows or column == "image_id"
        ]
        rows = rows.merge(table[columns], on="image_id", validate="1:1")
    pixels = Shards(inputs.pixels)
    shape = (len(rows), *pixels.shape[1:])
    maps, masks = (
        np.lib.format.open_memmap(path, "w+", np.uint8, shape)
        for path in (output.maps, output.masks)
    )

    lesions = lesions_of(rows, read_table(inputs.lesions, "lesions"), params.image["region"])
    files = read_table(inputs.files, "files")
    files = files[(files["problem"] == "") & files["width"].notna()]
    extents = {
        file.file: (int(file.width), int(file.height)) for file in files.itertuples(index=False)
    }
    told = outlines(Path(params.path), rows, lesions, extents, params.image, workers, masks)

    use_devices(params.training["threads"])
    import keras

    model = keras.models.load_model(inputs.model, compile=False)
    views = prediction_views(pixels.shape[1], params.augmentation)
    probability = explain(model, pixels, rows, params.training["batch_size"], maps, views)
    if len(off := np.flatnonzero(~(np.abs(probability - rows["probability"]) <= AGREE))):
        raise InputError(
            f"{inputs.model} gives {len(off)} of {len(rows)} test images another probability than {inputs.predictions}, one of them "
            f"{probability[off[0]]:.4f} for {rows['probability'].iloc[off[0]]:.4f}: they are of different runs. Make both again: add --forcerun train_network."
        )
    called = (rows["probability"] >= CALLED).astype(int)
    found = energies(maps, masks, rows["patient_id"].to_numpy(str), told["reason"].to_numpy(str))
    table = rows.drop(columns=["row", "reason"], errors="ignore").assign(
        experiment=experiment,
        fold=fold,
        seed=seed,
        row=range(len(rows)),
        outcome=[OUTCOMES[pair] for pair in zip(rows["label"], called, strict=True)],
        crop_correlation=told["crop_correlation"],
        **found,
        **origin,
    )
    write_table(table, output.table, "gradcam")
    print(
        f"{len(rows)} test images; Grad-CAM's energy inside a mask is known of {found['energy_inside'].notna().sum()}"
    )
    for reason, n in found.loc[found["reason"] != "", "reason"].value_counts().items():
        print(f"  {n}: {reason}")
