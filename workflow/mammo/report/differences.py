"""Parts of the figures that show differences of metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mammo.estimates import Estimate
from mammo.report.figure import Axes, Canvas
from mammo.report.phrases import why_not
from mammo.report.style import interval_bar, level_of

if TYPE_CHECKING:
    import pandas as pd

TRAINING = (
    "intervals do not include the variation between trainings of the same network: "
    "use several seeds for that"
)


def draw_difference(axes: Axes, y: float, row: pd.Series, colour: str) -> None:
    """A difference with its interval, drawn and in numbers; without one in numbers alone."""
    estimate = Estimate.of_row(row, value="difference")
    if estimate.has_interval:
        interval_bar(axes, y, estimate, color=colour, markersize=5)
    place = axes.get_yaxis_transform()
    axes.text(1.02, y, _in_numbers(row), transform=place, va="center", fontsize=8)


def _in_numbers(row: pd.Series) -> str:
    """'+0.021 [−0.010, +0.052]', and below it the p values where there are some."""
    estimate = Estimate.of_row(row, value="difference")
    if estimate.value is None:
        return "not defined"
    words = estimate.text(signed=True)
    if not estimate.has_interval:
        words += ", no CI"
    if "p" in row and row["p"] == row["p"]:
        words += f"\np {_p_value(row['p'])}, adjusted {_p_value(row['p_holm'])}"
    return words


def _p_value(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"


def describe_difference(what: str, row: pd.Series) -> str:
    """'split by image: AUROC: a difference of +0.021 [−0.010, +0.052].'"""
    estimate = Estimate.of_row(row, value="difference")
    if estimate.value is None:
        return f"{what}: {why_not(estimate.reason)}."
    return f"{what}: a difference of {estimate.text(signed=True)}."


def set_rows(axes: Axes, names: Sequence[str]) -> None:
    """A row for each name, from the top."""
    axes.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.4, -0.6))
    axes.grid(axis="y", visible=False)


def around_zero(panels: Sequence[Axes]) -> None:
    """Zero in the middle of the panels, which share their limits, and marked."""
    reach = max(0.05, *(abs(limit) for axes in panels for limit in axes.get_xlim()))
    for axes in panels:
        axes.set_xlim(-reach, reach)
        axes.locator_params(axis="x", nbins=5)
        axes.axvline(0, color="black", linewidth=0.8, zorder=1)


def difference_handle(table: pd.DataFrame, colour: str) -> Any:
    """The legend's entry of a difference, which names the confidence level."""
    from matplotlib.lines import Line2D

    level = level_of(table)
    label = "difference" + (level and f" with its {level} (cluster bootstrap by patient)")
    return Line2D([], [], color=colour, marker="o", linewidth=1.6, label=label)


def add_legend(figure: Canvas, handles: Sequence[Any], notes: Sequence[str]) -> None:
    """The handles, and below them, without a mark, what else is to be said."""
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], linestyle="", label=note) for note in notes]
    figure.legend(handles=[*handles, *lines], loc="outside lower left", fontsize=8)
