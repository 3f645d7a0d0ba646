"""The ROC curve: each experiment in a panel of its own, the others thin behind it."""

from typing import Any

from mammo.estimates import Estimate
from mammo.report.figure import Axes, Canvas, DataFrame, Figure, Panel, Series
from mammo.report.phrases import why_not
from mammo.report.style import (
    DASHED,
    OTHERS,
    PALETTE,
    POINT_MARKERS,
    Experiment,
    band,
    by_experiment,
    head,
    in_brackets,
    say,
    sized,
)
from mammo.words import OPERATING_POINTS, number

# The controls whose curves are drawn. Readers are drawn strongest: theirs is the line to reach.
# The majority class is the diagonal.
CONTROL_STYLES: dict[str, dict[str, Any]] = {
    "reader_assessment": {"color": "black", "linestyle": "-", "linewidth": 1.4},
    "reader_columns": {"color": "black", "linestyle": "--", "linewidth": 1.2},
    "image_statistics": {"color": PALETTE[1], "linestyle": "-.", "linewidth": 1.1},
    "technical_columns": {"color": PALETTE[2], "linestyle": (0, (4, 1)), "linewidth": 1.1},
    "image_border": {"color": PALETTE[3], "linestyle": (0, (1, 1)), "linewidth": 1.3},
    "shuffled_labels": {"color": PALETTE[4], "linestyle": ":", "linewidth": 1.1},
}
AT = ("one_minus_specificity", "sensitivity")


def draw(table: DataFrame, edition: str) -> Canvas:
    """The ROC curve with its band and operating points, and the controls' curves."""
    title = f"ROC curve by image, test partition, {edition} dataset{in_brackets(table)}"
    return by_experiment(table, title, (5.6, 5.6), _draw_panel)


def _draw_panel(panel: Panel, experiment: Experiment) -> None:
    axes, rows = square(panel, "1 − specificity", "Sensitivity"), experiment.rows
    network = rows[rows["curve"] == "network"]
    area = _area(rows, "network")
    auroc = Estimate.of_row(area, value="auroc")
    head(axes, experiment.name, f"AUROC {auroc}", sized(network))
    if auroc.value is None:
        say(axes, area["reason"])
        return
    axes.plot([0, 1], [0, 1], label="chance", **DASHED)
    for other in experiment.others:
        line = other[(other["part"] == "step") & (other["curve"] == "network")]
        axes.plot(*_points(line), color=OTHERS, linewidth=1, label="other experiments", zorder=1)
    _draw_controls(axes, rows, alone=not experiment.others)
    line = network[network["part"] == "step"]
    axes.plot(*_points(line), color=PALETTE[0], linewidth=2, label="model")
    band(axes, network[network["part"] == "band"], AT[0])
    marks = network[network["part"] == "point"].dropna(subset="sensitivity")
    style = {"color": "black", "markerfacecolor": "white", "markersize": 6, "zorder": 4}
    for _, mark in marks.iterrows():
        point = mark["point"]
        label = OPERATING_POINTS[point].name
        at = ([mark[AT[0]]], [mark[AT[1]]])
        axes.plot(*at, POINT_MARKERS[point], label=label, clip_on=False, linestyle="none", **style)


def _draw_controls(axes: Axes, rows: DataFrame, alone: bool) -> None:
    """The controls' curves; in a figure of one experiment the legend has their AUROC."""
    from mammo.report.labels import CONTROL_LABELS

    for control, line in rows[rows["part"] == "step"].groupby("curve", sort=False):
        if control not in CONTROL_STYLES:
            continue
        label = CONTROL_LABELS[control]
        if alone:
            label += f", {number(_area(rows, control)['auroc'])}"
        axes.plot(*_points(line), label=label, **CONTROL_STYLES[control])


def _area(rows: DataFrame, curve: str) -> Series:
    return rows[(rows["part"] == "area") & (rows["curve"] == curve)].iloc[0]


def _points(line: DataFrame) -> tuple[Series, Series]:
    return line[AT[0]], line[AT[1]]


def square(panel: Panel, x: str, y: str) -> Axes:
    """Axes for two rates, as wide as high."""
    axes = panel.subplots()
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel=x, ylabel=y, aspect="equal")
    return axes


def describe(table: DataFrame) -> str:
    """The AUROC, and sensitivity and specificity at the operating points."""
    area = _area(table, "network")
    auroc = Estimate.of_row(area, value="auroc")
    sentences = [
        f"The AUROC is {auroc}" if auroc.value is not None else f"No AUROC: {why_not(auroc.reason)}"
    ]
    points = table[(table["part"] == "point") & (table["curve"] == "network")]
    for row in points.dropna(subset=list(AT)).itertuples():
        sentences.append(
            f"At the {OPERATING_POINTS[row.point].name} the sensitivity is "
            f"{number(row.sensitivity)} and the specificity {number(1 - row.one_minus_specificity)}"
        )
    return ". ".join(sentences) + "."


FIGURE = Figure(
    name="roc",
    schema="roc",
    section="results",
    order=0,
    title="ROC curve",
    caption="""
Sensitivity and 1 − specificity of the test images at every threshold. The band is a pointwise
confidence band from a cluster bootstrap by patient; the operating points were chosen on
validation. Other lines are controls: what can be predicted without looking at the lesion, and the
radiologist (BI-RADS) baseline.
""",
    draw=draw,
    describe=describe,
    gathered="described",
)
