"""Every other experiment against the baseline, on test, at the levels of image and patient."""

import pandas as pd

from mammo.statistics.comparison import compare, holm
from mammo.statistics.levels import units_of

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
        compare(baseline[level], units[level], level, evaluation).assign(
            experiment_b=name, level=level
        )
        for name, units in others
        for level in LEVELS
    ]
    table = pd.concat([part.astype(object) for part in tables], ignore_index=True)
    table["reason"] = [
        "; ".join(filter(None, reasons))
        for reasons in zip(table["reason"], table.pop("no_p").where(pd.notna, ""), strict=True)
    ]
    return table.assign(p_holm=table.groupby(["level", "metric"])["p"].transform(holm))
