"""Each image's score in an experiment, calibrated, and the thresholds that validation gives."""

import pandas as pd

from mammo.log import step
from mammo.statistics.scores import score_fold
from mammo.tables import origin_of, read_table, run_of, write_table

if __name__ == "__main__":
    with step(snakemake):
        images = read_table(snakemake.input.images, "images")
        folds = {}
        for path in snakemake.input.predictions:
            _, fold, _ = run_of(path)
            folds.setdefault(fold, []).append(read_table(path, "predictions"))
        scores, thresholds = [], []
        for fold, runs in folds.items():
            of_fold = {"experiment": snakemake.wildcards.experiment, "fold": fold}
            rows, points = score_fold(runs, images, snakemake.params.region)
            scores.append(rows.assign(**of_fold))
            thresholds.append(points.assign(**of_fold, **origin_of(rows)))
        write_table(pd.concat(scores), snakemake.output.scores, "scores")
        thresholds = pd.concat(thresholds)
        write_table(thresholds, snakemake.output.thresholds, "thresholds")
        columns = ["fold", "level", "point", "temperature", "threshold", "reason"]
        print(thresholds[columns].to_string(index=False))
