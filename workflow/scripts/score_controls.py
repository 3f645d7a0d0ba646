"""The controls of an experiment: their scores of the test images, and the model beside them."""

import pandas as pd

from mammo.log import step
from mammo.statistics.control_evaluation import (
    available_columns,
    evaluate_controls,
    score_controls,
)
from mammo.statistics.control_features import features_of
from mammo.statistics.controls import label_of
from mammo.statistics.settings import Evaluation
from mammo.tables import origin_of, read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        inputs, region = snakemake.input, snakemake.params.region
        scores = read_table(inputs.scores, "scores")
        features = features_of(
            read_table(inputs.images, "images"),
            read_table(inputs.lesions, "lesions"),
            read_table(inputs.statistics, "image_statistics"),
            read_table(inputs.index, "index"),
            inputs.pixels,
            region,
        )
        origin = {"experiment": scores["experiment"].iloc[0], **origin_of(scores)}
        controls = score_controls(scores, features)
        if inputs.shuffled:
            shuffled = read_table(inputs.shuffled, "predictions").query("partition == 'test'")
            shuffled = shuffled.assign(control="shuffled_labels", fold=0, **origin)
            controls = pd.concat([controls, shuffled], ignore_index=True)
        write_table(controls, snakemake.output.scores, "controls")

        tested = scores[scores["partition"] == "test"]
        evaluation = Evaluation(**snakemake.params.evaluation)
        values = evaluate_controls(tested, controls, available_columns(features), evaluation)
        write_table(values.assign(**origin), snakemake.output.values, "control_values")
        columns = ["control", "metric", "value", "low", "high", "difference", "n", "reason"]
        named = values.assign(control=values["control"].map(label_of))
        print(named[columns].to_string(index=False))
