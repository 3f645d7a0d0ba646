"""What controls may see of each image: file sizes, grey levels, its border, and its words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mammo.dataset.tensors import Shards
from mammo.statistics.controls import BORDER, DESCRIPTORS, RING, STRETCHES

AT_ONCE = 1000  # images whose pixels are looked at together
SIZES = ["width", "height", "bytes"]


def features_of(
    images: pd.DataFrame,
    lesions: pd.DataFrame,
    statistics: pd.DataFrame,
    index: pd.DataFrame,
    pixels: Sequence[str],
    region: str,
) -> pd.DataFrame:
    """All features of the images that decoded, by image_id.

    statistics: the size and grey levels of each file; index: the row of each image in the tensors;
    pixels: the paths of these. Sizes are logarithms, since a size is a ratio.
    """
    sizes = statistics.drop(columns="dataset")
    sizes[SIZES] = np.log(sizes[SIZES].astype(float))
    shards, rows = Shards(pixels), index["row"].to_numpy(np.int64)
    starts = range(0, len(rows), AT_ONCE)
    parts = [border(shards[rows[start : start + AT_ONCE]]) for start in starts]
    borders = pd.DataFrame(np.concatenate(parts), columns=list(BORDER))
    borders["image_id"] = index["image_id"].to_numpy()
    features = described(images, lesions, region)
    for table in (sizes, borders):
        features = features.merge(table, on="image_id", validate="1:1")
    return features.set_index("image_id")


def described(images: pd.DataFrame, lesions: pd.DataFrame, region: str) -> pd.DataFrame:
    """A row per image of a region: image_id, kind, view, laterality, and DESCRIPTORS.

    A whole image has the highest assessment, density and subtlety of the lesions on it, and of what
    is text all that was written, each once, in alphabetical order.
    """
    technical = images[["image_id", "file", "kind", "view", "laterality"]]
    if region != "full":
        written = lesions[["image_id", *DESCRIPTORS]]
        return technical.merge(written, on="image_id", how="left", validate="1:1")
    how: dict[str, object] = {}
    for name in DESCRIPTORS:
        how[name] = "max" if pd.api.types.is_numeric_dtype(lesions[name]) else _all_words
    written = lesions.groupby("full_file").agg(how)
    return technical.merge(written, left_on="file", right_index=True, how="left", validate="m:1")


def _all_words(written: pd.Series) -> str:
    return ";".join(sorted({*written} - {""}))


def border(pixels: np.ndarray) -> np.ndarray:
    """Mean and standard deviation of each stretch of the images' border, float32 (n, len(BORDER)).

    pixels: uint8 (n, size, size). The border is a RING-th of the side wide, at least one pixel;
    corners belong to two sides.
    """
    width = max(1, pixels.shape[1] // RING)
    pixels = pixels.astype(np.float32)
    sides = [
        pixels[:, :width],
        pixels[:, -width:],
        pixels[:, :, :width].transpose(0, 2, 1),
        pixels[:, :, -width:].transpose(0, 2, 1),
    ]
    found = []
    for side in sides:
        for part in np.array_split(side, STRETCHES, axis=2):
            found += [part.mean((1, 2)), part.std((1, 2))]
    return np.stack(found, axis=1)
