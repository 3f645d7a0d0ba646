"""An experiment's final scores: 2×2 tables at its operating points, calibration and curves."""

from mammo.log import step
from mammo.statistics.curves import curve_tables
from mammo.statistics.scores import COUNTED, calibration_metrics, operating_points
from mammo.statistics.settings import Evaluation
from mammo.tables import origin_of, read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        scores = read_table(snakemake.input.scores, "scores")
        thresholds = read_table(snakemake.input.thresholds, "thresholds")
        controls = read_table(snakemake.input.controls, "controls")
        region = snakemake.params.region
        evaluation = Evaluation(**snakemake.params.evaluation)
        points = operating_points(scores, thresholds, region, evaluation)
        tables = {
            "confusion": points,
            "calibrated_metrics": calibration_metrics(scores, region, evaluation),
            **curve_tables(scores, thresholds, points, evaluation, controls),
        }
        origin = {"experiment": snakemake.wildcards.experiment, **origin_of(scores)}
        for schema, path in snakemake.output.items():
            write_table(tables[schema].assign(**origin), path, schema)
        test = points[(points["partition"] == "test") & (points["level"] == "image")]
        by_point = test.pivot(index="metric", columns="point", values="value")
        print(by_point.reindex(COUNTED).to_string())
