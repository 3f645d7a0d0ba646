"""The controls of an experiment: what each says of the test images, and how the network compares with it."""

import numpy as np
import pandas as pd

from lib.controls import BORDER, border, described, evaluate_controls, given_columns, score_controls
from lib.log import log_to
from lib.tables import read_table, write_table
from lib.tensors import Shards

AT_ONCE = 1000  # images whose pixels are looked at together


def described_images(inputs, region):
    """A DataFrame by image_id of all images that decoded, with what any control may be given."""
    table = described(read_table(inputs.images, "images"), read_table(inputs.lesions, "lesions"), region)
    sizes = read_table(inputs.statistics, "image_statistics").drop(columns="dataset")
    sizes[["width", "height", "bytes"]] = np.log(sizes[["width", "height", "bytes"]].astype(float))  # a size is a ratio
    index, pixels = read_table(inputs.index, "index"), Shards(inputs.pixels)
    rows = index["row"].to_numpy(np.int64)
    parts = [border(pixels[rows[start : start + AT_ONCE]]) for start in range(0, len(rows), AT_ONCE)]
    borders = pd.DataFrame(np.concatenate(parts), columns=BORDER).assign(image_id=index["image_id"].to_numpy())
    table = table.merge(sizes, on="image_id", validate="1:1").merge(borders, on="image_id", validate="1:1")
    return table.set_index("image_id")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        inputs = snakemake.input
        scores = read_table(inputs.scores, "scores")
        table = described_images(inputs, snakemake.params.region)
        given = given_columns(table)
        controls = score_controls(scores, table, given)
        origin = {name: scores[name].iloc[0] for name in ("experiment", "dataset", "leaks")}
        if inputs.shuffled:
            shuffled = read_table(inputs.shuffled, "predictions").query("partition == 'test'")
            shuffled = shuffled.assign(control="shuffled_labels", fold=0, **origin)
            controls = pd.concat([controls, shuffled], ignore_index=True)
        write_table(controls, snakemake.output.scores, "controls")
        tested = scores[scores["partition"] == "test"]
        values = evaluate_controls(tested, controls, given, snakemake.params.evaluation).assign(**origin)
        write_table(values, snakemake.output.values, "control_values")
        print(values[["control", "metric", "value", "low", "high", "difference", "n", "reason"]].to_string(index=False))
