"""An experiment's final scores on validation and test: the 2×2 tables at its operating points, calibration before and after, and the curves.

Thresholds and temperature come from validation; test is only counted. Discrimination (ROC, precision-recall) is of the
probabilities as they are, all else of the calibrated ones. The curves are of the test images.
"""

from mammo.log import step
from mammo.statistics.score_tables import COUNTED, calibration_metrics, curves, operating_points
from mammo.tables import read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        scores = read_table(snakemake.input.scores, "scores")
        thresholds = read_table(snakemake.input.thresholds, "thresholds")
        controls = read_table(snakemake.input.controls, "controls")
        region, evaluation = snakemake.params.region, snakemake.params.evaluation
        points = operating_points(scores, thresholds, region, evaluation)
        tables = {
            "confusion": points,
            "calibrated_metrics": calibration_metrics(scores, region, evaluation),
            **curves(scores, thresholds, points, evaluation, controls),
        }
        of = {"experiment": snakemake.wildcards.experiment}
        of |= {column: scores[column].iloc[0] for column in ("dataset", "leaks")}
        for schema, path in snakemake.output.items():
            write_table(tables[schema].assign(**of), path, schema)
        test = points[(points["partition"] == "test") & (points["level"] == "image")]
        print(
            test.pivot(index="metric", columns="point", values="value").reindex(COUNTED).to_string()
        )
