"""Calibration curves: what probabilities are worth, before and after temperature scaling."""

from typing import Any

from mammo.report.figure import Axes, Canvas, DataFrame, Figure, Panel
from mammo.report.style import DASHED, PALETTE, Experiment, by_experiment, head, level_of
from mammo.words import number, percentage

LABELS = {"raw": "before calibration", "calibrated": "after (temperature scaling)"}
STYLES: dict[str, dict[str, Any]] = {
    "raw": {"color": PALETTE[1], "linestyle": "--", "marker": "s", "markerfacecolor": "white"},
    "calibrated": {"color": PALETTE[0], "linestyle": "-", "marker": "o"},
}


def draw(table: DataFrame, edition: str) -> Canvas:
    """The proportion of malignant images by predicted probability, above the number of images."""
    level = level_of(table)
    title = f"Calibration by image, test partition, {edition} dataset"
    title += level and f"\nVertical lines: {level}"
    return by_experiment(table, title, (5.8, 5.8), _draw_panel)


def _draw_panel(panel: Panel, experiment: Experiment) -> None:
    rows = experiment.rows
    axes, below = panel.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.02, 1.02), ylabel="Proportion malignant")
    axes.plot([0, 1], [0, 1], label="perfect calibration", **DASHED)
    errors = {}
    for which, style in STYLES.items():
        bins = rows[rows["probabilities"] == which]
        line = {"color": style["color"], "linestyle": style["linestyle"]}
        below.stairs(bins["n"], [*bins["lower"], 1], fill=False, **line)
        bins = bins[bins["n"] > 0]
        gaps = (bins["mean_probability"] - bins["share_malignant"]).abs()
        errors[which] = number((bins["n"] * gaps).sum() / bins["n"].sum())
        _draw_bins(axes, bins, which)
    images = rows.loc[rows["probabilities"] == "raw", "n"].sum()
    error = f"calibration error {errors['raw']} before, {errors['calibrated']} after"
    head(axes, f"{experiment.name}: {images} images", error)
    below.set(xlabel="Probability of malignant", ylabel="Images", ylim=(0, None))
    below.yaxis.get_major_locator().set_params(integer=True, nbins=3)


def _draw_bins(axes: Axes, bins: DataFrame, which: str) -> None:
    """The curve of one kind of probabilities.

    The eye follows a line: bins too small for an interval must not lead it, and are faint.
    """
    style, x, y = STYLES[which], bins["mean_probability"], bins["share_malignant"]
    sure = bins["low"].notna()
    faint = None if sure.all() else "faint: no interval, mostly too few patients"
    axes.plot(x, y, label=faint, markersize=4, linewidth=0.6, alpha=0.35, zorder=2, **style)
    line = {"markersize": 5.5, "linewidth": 1.7, "zorder": 4 if which == "calibrated" else 3}
    axes.plot(x[sure], y[sure], label=LABELS[which], **line, **style)
    axes.vlines(x, bins["low"], bins["high"], color=style["color"], alpha=0.6, linewidth=1.2)


def describe(table: DataFrame) -> str:
    """How many images of the lowest and of the highest calibrated probability are malignant."""
    bins = table[(table["probabilities"] == "calibrated") & (table["n"] > 0)].sort_values("lower")
    ends = bins.iloc[[0, -1]] if len(bins) > 1 else bins
    return " ".join(
        f"Of the {row.n} images with a calibrated probability of {row.lower:g} to {row.upper:g}, "
        f"{percentage(row.share_malignant)} are malignant."
        for row in ends.itertuples()
    )


FIGURE = Figure(
    name="calibration",
    schema="calibration_curve",
    section="calibration",
    title="Calibration",
    caption="""
The proportion of the test images with a given probability that is malignant: before calibration,
and after dividing the logits by a temperature fitted on validation. Below, the number of images.
Vertical lines are confidence intervals from a cluster bootstrap by patient; bins without one are
faint.
""",
    draw=draw,
    describe=describe,
    gathered="described",
)
