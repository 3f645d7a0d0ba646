"""Grad-CAM of a run's test images, and how much of each map's energy is inside the mask."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from mammo.dataset.settings import Image
from mammo.dataset.tensors import Shards
from mammo.log import InputError
from mammo.model.augmentation import warped
from mammo.model.gradcam import (
    energy_in_others,
    energy_inside,
    grad_cam,
    last_convolution,
    over_image,
    unit_places,
)
from mammo.model.lesion_masks import seen_lesions

if TYPE_CHECKING:
    import keras

POSITIVE = 0.5  # predicted malignant at or above: where the logit changes its sign
OUTCOMES = {
    (1, 1): "true_positive",
    (1, 0): "false_negative",
    (0, 1): "false_positive",
    (0, 0): "true_negative",
}
AGREE = 1e-4  # a model gives the probabilities of its predictions.csv to within rounding
NOTHING_SPEAKS = "Grad-CAM is zero everywhere: nothing speaks for the predicted class"


def test_images(
    predictions: pd.DataFrame, index: pd.DataFrame, images: pd.DataFrame
) -> pd.DataFrame:
    """The test images of predictions.csv with their `row` in the pixels and their files."""
    rows = predictions[predictions["partition"] == "test"]
    rows = rows.merge(index[["image_id", "row"]], on="image_id", validate="1:1")
    further = [column for column in images if column not in rows]
    return rows.merge(images[["image_id", *further]], on="image_id", validate="1:1")


def lesions_of(images: pd.DataFrame, lesions: pd.DataFrame, region: str) -> list[list[Any]]:
    """For each row of `images` the list of its rows in the inventory's `lesions`.

    Of a whole image these are all lesions on it.
    """
    key, name = ("full_file", "file") if region == "full" else ("image_id", "image_id")
    found = defaultdict(list)
    for lesion in lesions.itertuples(index=False):
        found[getattr(lesion, key)].append(lesion)
    return [found[each] for each in images[name]]


def extents_of(files: pd.DataFrame) -> dict[str, tuple[int, int]]:
    """{file: (width, height)}, in pixels, of the inventory's files that can be read."""
    good = files[(files["problem"] == "") & files["width"].notna()]
    return {row.file: (int(row.width), int(row.height)) for row in good.itertuples(index=False)}


def outlines(
    folder: Path,
    images: pd.DataFrame,
    lesions: Sequence[list[Any]],
    extents: Mapping[str, tuple[int, int]],
    image: Image,
    workers: int,
    out: np.ndarray,
) -> pd.DataFrame:
    """Fill `out`, uint8 (n, size, size), with how much of each pixel is in a lesion's mask: 0–255.

    lesions: a list for each of the n images; see `seen_lesions` for the rest.
    Returns a row per image: crop_correlation, and the reason where there is no mask.
    """

    def one(row: int, shown: Any) -> dict[str, Any]:
        try:
            inside, correlation = seen_lesions(folder, shown, lesions[row], extents, image)
        except ValueError as error:
            return {"reason": str(error)}
        out[row] = np.rint(255 * inside)
        return {"crop_correlation": correlation, "reason": ""}

    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        told = list(pool.map(one, range(len(images)), images.itertuples(index=False)))
    return pd.DataFrame(told, columns=["crop_correlation", "reason"])


def explain(
    model: keras.Model,
    pixels: np.ndarray | Shards,
    rows: pd.DataFrame,
    batch_size: int,
    out: np.ndarray,
    views: np.ndarray,
) -> np.ndarray:
    """Fill `out`, uint8 (n, size, size), with Grad-CAM, each map scaled to its maximum of 255.

    rows: the n images: row, their place in pixels, and probability. A map shows what speaks for the
    predicted class, in the image as it is.
    Returns the model's own probabilities, float (n,), means over the views, warps (v, 8).
    """
    places = rows["row"].to_numpy(np.int64)
    toward = np.where(rows["probability"] >= POSITIVE, 1, -1)

    def batches(view: np.ndarray) -> Iterator[np.ndarray]:
        for start in range(0, len(rows), batch_size):
            images = warped(pixels[places[start : start + batch_size]], view)
            yield np.repeat(images[..., None], 3, axis=-1)

    further = []
    for view in views[1:]:
        outputs = [model(images, training=False) for images in batches(view)]
        further.append(np.concatenate(outputs)[:, 0])
    layer = last_convolution(model)
    print(f"Grad-CAM at {layer.name}, {' x '.join(map(str, layer.output.shape[1:3]))} units")
    units = unit_places(model, layer)
    maps, logits = grad_cam(model, layer, batches(views[0]), toward)
    for start in range(0, len(rows), batch_size):
        part = over_image(maps[start : start + batch_size], units, pixels.shape[1])
        highest = part.max(axis=(1, 2), keepdims=True)
        scaled = np.divide(part, highest, out=np.zeros_like(part), where=highest > 0)
        out[start : start + batch_size] = np.rint(255 * scaled)
    return np.mean([1 / (1 + np.exp(-logits.astype(float))), *further], axis=0)


def check_probabilities(
    probability: np.ndarray, rows: pd.DataFrame, model: str | Path, predictions: str | Path
) -> None:
    """Raise InputError where a model gives other probabilities than its predictions.csv.

    model, predictions: the paths of both files.
    """
    wanted = rows["probability"].to_numpy(float)
    off = np.flatnonzero(~(np.abs(probability - wanted) <= AGREE))
    if len(off):
        raise InputError(
            f"{model} gives {len(off)} of {len(rows)} test images another probability than"
            f" {predictions}, one of them {probability[off[0]]:.4f} for {wanted[off[0]]:.4f}: they"
            " are of different runs. Make both again: add --forcerun train_network."
        )


def energies(
    maps: np.ndarray, masks: np.ndarray, patients: np.ndarray, reasons: np.ndarray
) -> pd.DataFrame:
    """energy_inside, chance, energy_in_others, and the reason where there is no energy.

    maps, masks: uint8 (n, size, size). patients (n,). reasons (n,): why there is no mask, or ''.
    """
    parts = []
    for map_, mask in zip(maps, masks, strict=True):  # one by one: whole images may be large
        inside = mask[None] / np.float32(255)
        energy = energy_inside(map_[None].astype(np.float32), inside)[0]
        parts.append((energy, inside.mean(dtype=float)))
    energy, chance = np.array(parts).reshape(-1, 2).T
    others = energy_in_others(maps, masks, patients) / 255
    known = reasons == ""
    dark = known & ~maps.any(axis=(1, 2))
    return pd.DataFrame(
        {
            "energy_inside": energy,
            "chance": np.where(known, chance, np.nan),
            "energy_in_others": np.where(known, others, np.nan),
            "reason": np.where(dark, NOTHING_SPEAKS, reasons),
        }
    )


def as_table(
    rows: pd.DataFrame, told: pd.DataFrame, maps: np.ndarray, masks: np.ndarray
) -> pd.DataFrame:
    """The rows of gradcam.csv but for their run: of `test_images`, their `outlines`, and both maps.

    `row` is then the place in the arrays of maps and masks.
    """
    found = energies(maps, masks, rows["patient_id"].to_numpy(str), told["reason"].to_numpy(str))
    positive = (rows["probability"] >= POSITIVE).astype(int)
    outcomes = [OUTCOMES[pair] for pair in zip(rows["label"], positive, strict=True)]
    known = found["energy_inside"].notna().sum()
    print(f"{len(rows)} test images; the energy inside a mask is known of {known}")
    for reason, count in found.loc[found["reason"] != "", "reason"].value_counts().items():
        print(f"  {count}: {reason}")
    rows = rows.assign(row=range(len(rows)), outcome=outcomes)
    return rows.assign(crop_correlation=told["crop_correlation"], **dict(found.items()))
