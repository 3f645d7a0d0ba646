"""The controls of an experiment: what each says of the test images, and how the network compares with it."""

import pandas as pd

from mammo.log import step
from mammo.statistics.control_inputs import described_images
from mammo.statistics.controls import evaluate_controls, given_columns, score_controls
from mammo.tables import read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
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
        values = evaluate_controls(tested, controls, given, snakemake.params.evaluation).assign(
            **origin
        )
        write_table(values, snakemake.output.values, "control_values")
        print(
            values[
                ["control", "metric", "value", "low", "high", "difference", "n", "reason"]
            ].to_string(index=False)
        )
