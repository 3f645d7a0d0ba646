"""The controls of an experiment: what each says of the test images, and how the network compares with it."""

import numpy as np
import pandas as pd

from mammo.dataset.tensors import Shards
from mammo.statistics.controls import BORDER, border, described
from mammo.tables import read_table

AT_ONCE = 1000  # images whose pixels are looked at together


def described_images(inputs, region):
    """A DataFrame by image_id of all images that decoded, with what any control may be given."""
    table = described(
        read_table(inputs.images, "images"), read_table(inputs.lesions, "lesions"), region
    )
    sizes = read_table(inputs.statistics, "image_statistics").drop(columns="dataset")
    sizes[["width", "height", "bytes"]] = np.log(
        sizes[["width", "height", "bytes"]].astype(float)
    )  # a size is a ratio
    index, pixels = read_table(inputs.index, "index"), Shards(inputs.pixels)
    rows = index["row"].to_numpy(np.int64)
    parts = [
        border(pixels[rows[start : start + AT_ONCE]]) for start in range(0, len(rows), AT_ONCE)
    ]
    borders = pd.DataFrame(np.concatenate(parts), columns=BORDER).assign(
        image_id=index["image_id"].to_numpy()
    )
    table = table.merge(sizes, on="image_id", validate="1:1").merge(
        borders, on="image_id", validate="1:1"
    )
    return table.set_index("image_id")
