"""How much of Grad-CAM's energy lies inside the lesions' outlines, beside chance level."""

from typing import Any

from mammo.estimates import Estimate
from mammo.report.figure import Axes, Canvas, DataFrame, Figure
from mammo.report.phrases import why_not
from mammo.report.style import GREY, PALETTE, first_experiments, interval_bar, level_of, new_figure
from mammo.words import OUTCOMES, number

GROUPS = {
    "all": "all test images",
    "right": "correct predictions",
    "wrong": "wrong predictions",
    "false_negative": OUTCOMES["false_negative"],
    "false_positive": OUTCOMES["false_positive"],
}
# Of each measure: its words, how far beside a group's line it stands, and its mark.
MEASURES: dict[str, tuple[str, float, dict[str, Any]]] = {
    "energy_inside": ("inside its own outline", -0.12, {"marker": "o", "color": PALETTE[0]}),
    "energy_in_others": (
        "inside other patients' outlines",
        0.12,
        {"marker": "D", "color": PALETTE[1], "markerfacecolor": "white"},
    ),
    "chance": (
        "of a uniform map (chance)",
        0,
        {"marker": "|", "color": "black", "markersize": 10, "markeredgewidth": 1.5},
    ),
}


def draw(table: DataFrame, edition: str) -> Canvas:
    """For each group of test images the mean proportion of the maps' energy, with intervals."""
    shown, rest = first_experiments(table)
    height = 1.5 + (0.3 * len(GROUPS) + 0.3) * len(shown)
    figure = new_figure(7.2, height, layout="constrained")
    panels = figure.subplots(len(shown), sharex=True, squeeze=False)[:, 0]
    for axes, name in zip(panels, shown, strict=True):
        _draw_panel(axes, table[table["experiment"] == name])
        axes.set_title(name, loc="left")
    level = level_of(table)
    axes.set_xlabel("Mean proportion of Grad-CAM's energy" + (level and f" (lines: {level})"))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    title = f"Grad-CAM's energy inside lesion outlines, {edition} dataset"
    title += f"; {rest}" if rest else ""
    several = table["experiment"].nunique() > 1
    panels[0].set_title(f"{title}\n{shown[0]}" if several else title, loc="left")
    return figure


def _draw_panel(axes: Axes, table: DataFrame) -> None:
    ticks = []
    for y, (group, words) in enumerate(GROUPS.items()):
        rows = table[table["group"] == group].set_index("measure")
        ticks.append(f"{words} ({rows['n'].iloc[0]})")
        for measure, (label, offset, style) in MEASURES.items():
            estimate = Estimate.of_row(rows.loc[measure])
            if measure == "chance":
                estimate = Estimate(estimate.value)
            interval_bar(axes, y + offset, estimate, linewidth=1.5, zorder=3, **style)
            if not y:
                axes.plot([], [], linestyle="none", label=label, **style)
        if rows["value"].isna().all():
            place = {"ha": "center", "va": "center", "transform": axes.get_yaxis_transform()}
            white = {"facecolor": "white", "edgecolor": "none", "pad": 1}
            axes.text(0.5, y, rows["reason"].iloc[0], fontsize=7, color=GREY, bbox=white, **place)
    axes.set_yticks(range(len(GROUPS)), ticks)
    axes.set_ylim(len(GROUPS) - 0.5, -0.5)
    axes.set_xlim(0, 1 if table["value"].isna().all() else None)


def describe(table: DataFrame) -> str:
    """How much of the energy lies inside the outlines, beside chance level."""
    values = table[table["group"] == "all"].set_index("measure")
    inside, chance, others = (
        Estimate.of_row(values.loc[name])
        for name in ("energy_inside", "chance", "energy_in_others")
    )
    if inside.value is None:
        return f"No value: {why_not(inside.reason)}."
    return (
        f"A proportion of {inside} of the map's energy lies inside the lesion's outline; of a "
        f"uniform map {number(chance.value)} would, and inside the outlines of other patients' "
        f"lesions lies {number(others.value)}."
    )


FIGURE = Figure(
    name="gradcam_energy",
    schema="gradcam_energy",
    section="gradcam",
    order=1,
    title="Grad-CAM's energy inside the lesion's outline",
    caption="""
The proportion of Grad-CAM's energy, the sum of its map, that falls inside the outline of the
image's own lesion; the black bar is the proportion for a uniform map, by area alone. Crops are cut
around lesions, so a map that only prefers the middle lies well above that too: the orange mark is
what the same maps have inside the outlines of other patients' lesions.
""",
    draw=draw,
    describe=describe,
    gathered="baseline",
)
