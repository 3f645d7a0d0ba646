"""Inflation by data leakage: leaking experiments against their honest counterparts."""

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
from mammo.report.figure import Canvas, Figure
from mammo.report.phrases import capitalised, in_sentence
from mammo.report.style import PALETTE, new_figure

if TYPE_CHECKING:
    import pandas as pd

HONEST, LEAKING = PALETTE[2], PALETTE[1]
HONEST_WORDS = "honest: split by patient, threshold chosen on validation"


def draw(table: pd.DataFrame, edition: str) -> Canvas:
    """The honest and the leaking value of each metric, and their difference with its interval."""
    from matplotlib.lines import Line2D

    figure = new_figure(10.4, 2.4 + 0.34 * len(table), layout="constrained")
    values, differences = figure.subplots(1, 2, sharey=True)
    for y, (_, row) in enumerate(table.iterrows()):
        honest, leaking = row["honest"], row["leaking"]
        if row["difference"] == row["difference"]:
            values.plot([honest, leaking], [y, y], color="#666666", linewidth=1, zorder=1)
            values.plot(honest, y, "o", color=HONEST)
            values.plot(leaking, y, "D", color=LEAKING)
        draw_difference(differences, y, row, LEAKING)
    lowest = table[["honest", "leaking"]].min(axis=None)
    left = min(0.5, lowest if lowest == lowest else 0.5) - 0.02
    values.set(xlabel="Value on test", xlim=(left, 1.01))
    values.set_title(f"Inflation by data leakage, {edition} dataset", loc="left")
    differences.set_xlabel("Inflation: leaking minus honest")
    names = [capitalised(_name(row)) for _, row in table.iterrows()]
    set_rows(values, names)
    set_rows(differences, names)
    around_zero([differences])
    handles = [
        Line2D([], [], color=HONEST, marker="o", linestyle="", label=HONEST_WORDS),
        Line2D([], [], color=LEAKING, marker="D", linestyle="", label="leaking"),
        difference_handle(table, LEAKING),
    ]
    add_legend(figure, handles, [TRAINING])
    return figure


def _name(row: pd.Series) -> str:
    """'split by image: AUROC', 'threshold picked on test: balanced accuracy'."""
    from mammo.report.labels import METRIC_LABELS

    return f"{row['what'].replace('_', ' ')}: {in_sentence(METRIC_LABELS[row['metric']])}"


def describe(table: pd.DataFrame) -> str:
    """How much each kind of leakage inflates a metric."""
    rows = table[table["metric"] != "accuracy"]
    return " ".join(describe_difference(_name(row), row) for _, row in rows.iterrows())


def _leaking(experiments: Collection[str], leaking: Collection[str]) -> bool:
    return len(leaking) > 0


FIGURE = Figure(
    name="leakage",
    schema="leakage",
    section="leakage",
    title="Inflation by data leakage",
    caption="""
Inflation by data leakage: the same model under splits that put a patient, or a lesion, on both
sides, and with a threshold chosen on the test images. Left the honest and the leaking value, right
their difference with its confidence interval.
""",
    draw=draw,
    describe=describe,
    wanted=_leaking,
)
