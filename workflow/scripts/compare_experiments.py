"""Every other experiment against the baseline, on test, at the levels of image and patient."""

import pandas as pd

from lib.comparison import compare, holm
from lib.levels import units_of
from lib.log import InputError, log_to
from lib.tables import read_table, write_table

# Of the levels, those that any two experiments have in common, whatever their images show.
LEVELS = ["image", "patient"]


def units_of_test(scores, region):
    """{level: units} of the test images of all folds, with the probabilities that metrics.csv is of."""
    rows = scores[scores["partition"] == "test"]
    return {level: units_of(rows, level, region) for level in LEVELS}


def compare_all(baseline, others, evaluation):
    """A DataFrame with a row per other experiment, level and metric; p_holm adjusts for the others at a level.

    baseline: {level: units}; others: yields (name, {level: units}), so that one at a time is in memory.
    """
    tables = [
        compare(baseline[level], units[level], level, evaluation).assign(experiment_b=name, level=level)
        for name, units in others
        for level in LEVELS
    ]
    table = pd.concat([part.astype(object) for part in tables], ignore_index=True)
    table["reason"] = [
        "; ".join(filter(None, reasons))
        for reasons in zip(table["reason"], table.pop("no_p").where(pd.notna, ""), strict=True)
    ]
    return table.assign(p_holm=table.groupby(["level", "metric"])["p"].transform(holm))


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        regions = snakemake.params.regions
        paths = dict(zip(regions, snakemake.input, strict=True))
        if len(paths) < 2:
            raise InputError(
                "experiments: {}: there is nothing to compare the baseline with. Name another, as in config/README.md."
            )
        leaks = {}

        def read(name):
            scores = read_table(paths[name], "scores")
            leaks[name] = scores["leaks"].iloc[0]
            return units_of_test(scores, regions[name]), scores["dataset"].iloc[0]

        baseline, dataset = read("baseline")
        others = ((name, read(name)[0]) for name in paths if name != "baseline")
        table = compare_all(baseline, others, snakemake.params.evaluation)
        marks = [" and ".join(sorted({leaks["baseline"], leaks[name]} - {""})) for name in table["experiment_b"]]
        table = table.assign(experiment_a="baseline", dataset=dataset, leaks=marks)
        write_table(table, snakemake.output[0], "comparisons")
        print(table.drop(columns=["experiment_a", "dataset", "leaks", "confidence"]).to_string(index=False))
