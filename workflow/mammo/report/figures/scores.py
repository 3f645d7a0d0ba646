"""Histograms of the probabilities of each class."""

from mammo.report.figure import Axes, Canvas, DataFrame, Figure, Panel
from mammo.report.style import CLASS_COLOURS, Experiment, by_experiment, head, say
from mammo.words import OPERATING_POINTS, percentage

LINES = dict(zip(OPERATING_POINTS, ["-", "--", ":"], strict=True))


def draw(table: DataFrame, edition: str) -> Canvas:
    """Histograms of the calibrated probability of each class, with the operating points."""
    title = f"Probabilities by class, by image, test partition, {edition} dataset"
    return by_experiment(table, title, (6.2, 4.6), _draw_panel)


def _draw_panel(panel: Panel, experiment: Experiment) -> None:
    rows = experiment.rows
    pair = panel.subplots(2, 1, sharex=True, sharey=True)
    thresholds = rows[(rows["part"] == "threshold") & rows["threshold"].notna()]
    for axes, (label, colour) in zip(pair, CLASS_COLOURS.items(), strict=True):
        bars = rows[(rows["part"] == "column") & (rows["label"] == label)]
        images = bars["n"].sum()
        style = {"color": colour, "edgecolor": "white", "linewidth": 0.5, "align": "edge"}
        axes.bar(bars["lower"], bars["n"], bars["upper"] - bars["lower"], **style)
        axes.set(xlim=(0, 1), ylabel=f"{label.capitalize()}\n({images} images)")
        axes.yaxis.get_major_locator().set_params(integer=True, nbins=5)
        for point, lines in thresholds.groupby("point", sort=False):
            _mark(axes, point, lines["threshold"].unique(), alone=not experiment.others)
        if not images:
            say(axes, bars["reason"].iloc[0])
    head(pair[0], experiment.name)
    pair[1].set_xlabel("Calibrated probability of malignant")


def _mark(axes: Axes, point: str, thresholds: list[float], alone: bool) -> None:
    """A line at each threshold of an operating point.

    The legend has its value if there is a single fold and experiment.
    """
    label = OPERATING_POINTS[point].name
    if len(thresholds) > 1:
        label += ", by fold"
    elif alone and point != "half":
        label += f": {thresholds[0]:.2f}"
    for value in thresholds:
        axes.axvline(value, color="black", linestyle=LINES[point], linewidth=1, label=label)


def describe(table: DataFrame) -> str:
    """How many images of each class have a calibrated probability at or above 0.5."""
    columns = table[table["part"] == "column"]
    upper = columns[columns["lower"] >= 0.5].groupby("label")["share"].sum(min_count=1).dropna()
    return " ".join(
        f"Of the {label} images, {percentage(upper[label])} have a calibrated probability at or "
        "above 0.5."
        for label in CLASS_COLOURS
        if label in upper
    )


FIGURE = Figure(
    name="scores",
    schema="score_distribution",
    section="results",
    order=2,
    title="Probabilities by class",
    caption="""
The number of test images of each class by calibrated probability, and the thresholds that were
chosen on validation.
""",
    draw=draw,
    describe=describe,
    gathered="described",
)
