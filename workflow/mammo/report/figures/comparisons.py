"""Differences between experiments and the baseline."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from mammo.report.differences import (
    TRAINING,
    add_legend,
    around_zero,
    describe_difference,
    difference_handle,
    draw_difference,
    set_rows,
)
from mammo.report.figure import Axes, Canvas, Figure
from mammo.report.style import PALETTE, new_figure
from mammo.words import number

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 40  # experiments that a page holds
BAND = "#E3E3E3"
LEVELS = {"image": "by image", "patient": "by patient"}


def draw(table: pd.DataFrame, edition: str) -> Canvas:
    """AUROC of each other experiment minus the baseline's, by image and by patient.

    Behind it is the band of differences that the test partition is too small to show.
    """
    from matplotlib.patches import Patch

    table = table[table["metric"] == "auroc"]
    names = list(dict.fromkeys(table["experiment_b"]))
    figure = new_figure(11, 2.5 + 0.5 * min(len(names), MOST_ROWS), layout="constrained")
    panels = figure.subplots(1, len(LEVELS), sharex=True, sharey=True)
    for axes, level in zip(panels, LEVELS, strict=True):
        rows = table[table["level"] == level].set_index("experiment_b").loc[names[:MOST_ROWS]]
        _draw_panel(axes, rows)
        axes.set_title(LEVELS[level], loc="left", fontsize=10)
    title = f"Experiments against the baseline on test, {edition} dataset"
    panels[0].set_title(f"{title}\n{LEVELS['image']}", loc="left")
    around_zero(panels)
    comparisons = int(table.groupby("level")["p"].count().max())
    band = "differences that this test partition is too small to show (80 % power, 5 % two-sided)"
    notes = [
        "p by DeLong's test: too small by image, as a patient's images are not independent; "
        f"adjusted (Holm) for {comparisons} comparison{'' if comparisons == 1 else 's'}",
        TRAINING,
    ]
    if len(names) > MOST_ROWS:
        notes.append(f"the first {MOST_ROWS} of {len(names)} experiments; all are in the table")
    handles = [difference_handle(table, PALETTE[0]), Patch(color=BAND, label=band)]
    add_legend(figure, handles, notes)
    return figure


def _draw_panel(axes: Axes, rows: pd.DataFrame) -> None:
    for y, (_, row) in enumerate(rows.iterrows()):
        detectable = row["detectable"]
        if detectable == detectable:
            axes.barh(y, 2 * detectable, left=-detectable, height=0.8, color=BAND)
        draw_difference(axes, y, row, PALETTE[0])
    baseline = rows["value_a"].iloc[0]
    value = f", {number(baseline)}" if baseline == baseline else ""
    axes.set_xlabel(f"AUROC minus the baseline's{value}")
    set_rows(axes, list(rows.index))


def describe(table: pd.DataFrame) -> str:
    """The difference of each experiment's AUROC, by image."""
    rows = table[(table["metric"] == "auroc") & (table["level"] == "image")]
    return " ".join(describe_difference(row["experiment_b"], row) for _, row in rows.iterrows())


def _several(experiments: Collection[str], leaking: Collection[str]) -> bool:
    return len(experiments) > 1


FIGURE = Figure(
    name="comparisons",
    schema="comparisons",
    section="comparisons",
    title="Experiments against the baseline",
    caption="""
The AUROC of each other experiment on test minus that of the baseline, with confidence intervals
from a cluster bootstrap that draws the same patients for both. Within the grey band lie
differences that this test partition is too small to show with a power of 80 %. The p values are
DeLong's, and adjusted (Holm) for the number of comparisons.
""",
    draw=draw,
    describe=describe,
    wanted=_several,
)
