"""The precision-recall curve, each experiment in a panel of its own."""

from mammo.estimates import Estimate
from mammo.report.figure import Canvas, DataFrame, Figure, Panel
from mammo.report.figures.roc import square
from mammo.report.phrases import why_not
from mammo.report.style import (
    DASHED,
    OTHERS,
    PALETTE,
    Experiment,
    band,
    by_experiment,
    head,
    in_brackets,
    say,
    sized,
)
from mammo.words import percentage


def draw(table: DataFrame, edition: str) -> Canvas:
    """The precision-recall curve in steps, with its band and the prevalence of malignant images."""
    title = f"Precision and recall by image, test partition, {edition} dataset{in_brackets(table)}"
    return by_experiment(table, title, (5.6, 5.2), _draw_panel)


def _draw_panel(panel: Panel, experiment: Experiment) -> None:
    axes, rows = square(panel, "Recall (sensitivity)", "Precision (PPV)"), experiment.rows
    area = rows[rows["part"] == "area"].iloc[0]
    precision = Estimate.of_row(area, value="auprc")
    head(axes, experiment.name, f"average precision {precision}", sized(rows))
    if precision.value is None:
        say(axes, area["reason"])
        return
    axes.axhline(area["malignant"] / area["n"], label="prevalence", **DASHED)
    for other in experiment.others:
        line = other[other["part"] == "step"]
        style = {"color": OTHERS, "linewidth": 1, "zorder": 1, "drawstyle": "steps-pre"}
        axes.plot(line["recall"], line["precision"], label="other experiments", **style)
    line = rows[rows["part"] == "step"]
    # From a recall of 0, to which the first precision belongs as well.
    steps = ([0, *line["recall"]], [line["precision"].iloc[0], *line["precision"]])
    axes.plot(*steps, color=PALETTE[0], linewidth=2, drawstyle="steps-pre", label="model")
    band(axes, rows[rows["part"] == "band"], "recall")


def describe(table: DataFrame) -> str:
    """The average precision, and the proportion of malignant images."""
    area = table[table["part"] == "area"].iloc[0]
    precision = Estimate.of_row(area, value="auprc")
    malignant = percentage(area["malignant"] / area["n"] if area["n"] else None)
    words = f"The average precision is {precision}"
    if precision.value is None:
        words = f"No average precision: {why_not(precision.reason)}"
    return f"{words}; {malignant} of the images are malignant."


FIGURE = Figure(
    name="precision_recall",
    schema="precision_recall",
    section="results",
    order=1,
    title="Precision and recall",
    caption="""
Precision by recall of the test images, in steps without interpolation, with a pointwise confidence
band from a cluster bootstrap by patient. The dashed line is the prevalence, the proportion of
malignant images, which is chance level; precision holds for that prevalence and for no other.
""",
    draw=draw,
    describe=describe,
    gathered="described",
)
