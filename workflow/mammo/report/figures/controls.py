"""The model beside its controls: what is informative of the class without looking at the lesion."""

from math import ceil

from mammo.estimates import Estimate
from mammo.report.figure import Axes, Canvas, DataFrame, Figure
from mammo.report.phrases import in_sentence
from mammo.report.style import PALETTE, first_experiments, interval_bar, level_of, new_figure

READERS, MODEL, CONTROL = PALETTE[1], PALETTE[0], "#555555"
ACROSS = 3  # panels in a row


def draw(table: DataFrame, edition: str) -> Canvas:
    """AUROC of the model and of each control with its interval, a panel per experiment."""
    table = table[table["metric"] == "auroc"]
    shown, rest = first_experiments(table)
    across, down = min(len(shown), ACROSS), ceil(len(shown) / ACROSS)
    figure = new_figure(3.2 + 4.4 * across, 0.9 + 3.4 * down, layout="constrained")
    panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, experiment in zip(panels, shown, strict=False):
        _draw_panel(axes, table[table["experiment"] == experiment].set_index("control"))
        if len(shown) > 1:
            axes.set_title(experiment, loc="left", fontsize=10, pad=16)
    title = f"The model and its controls, {edition} dataset"
    title += f"; {rest}" if rest else ""
    # Above the first panel, since the place of a figure's title is kept for a warning; it may
    # reach over the others.
    heading = title if len(shown) == 1 else f"{title}\n{shown[0]}"
    panels[0].set_title(heading, loc="left", pad=16).set_in_layout(len(shown) == 1)
    for axes in panels[len(shown) :]:
        axes.set_visible(False)
    level = level_of(table)
    for axes in panels[max(0, len(shown) - across) : len(shown)]:
        axes.tick_params(labelbottom=True)
        axes.set_xlabel("AUROC on the test images" + (level and f" [{level}]"))
    panels[0].set_xlim(min(0.3, table[["value", "low"]].min(axis=None) - 0.02), 1)
    return figure


def _draw_panel(axes: Axes, values: DataFrame) -> None:
    """One experiment's rows, from the model down."""
    from mammo.report.labels import CONTROL_LABELS

    axes.axvline(0.5, color="black", linewidth=0.8, linestyle="--", zorder=1)
    baseline = values.loc["reader_assessment", "value"]
    above = {"va": "bottom", "fontsize": 8}
    if baseline == baseline:
        axes.axvline(baseline, color=READERS, linewidth=1, linestyle=":", zorder=1)
        axes.text(baseline, -0.55, "radiologist baseline", color=READERS, ha="center", **above)
    axes.text(0.5, -0.55, "chance", ha="right" if baseline < 0.65 else "center", **above)
    for y, control in enumerate(CONTROL_LABELS):
        estimate = Estimate.of_row(values.loc[control])
        beside = {"va": "center", "fontsize": 8}
        if estimate.value is None:
            axes.text(0.51, y, "not available", color="#777777", style="italic", **beside)
            continue
        size = 7 if control == "network" else 5
        interval_bar(axes, y, estimate, linewidth=2, color=_colour(control), markersize=size)
        axes.text(1.01, y, str(estimate), transform=axes.get_yaxis_transform(), **beside)
    axes.set_yticks(range(len(CONTROL_LABELS)), CONTROL_LABELS.values())
    axes.set_ylim(len(CONTROL_LABELS) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)


def _colour(control: str) -> str:
    from mammo.statistics.controls import CONTROLS

    if control == "network":
        return MODEL
    return READERS if CONTROLS[control].reader else CONTROL


def describe(table: DataFrame) -> str:
    """The AUROC of the model and of each control."""
    from mammo.report.labels import CONTROL_LABELS

    rows = table[(table["metric"] == "auroc") & table["value"].notna()]
    values = [
        f"{in_sentence(CONTROL_LABELS[row['control']])} {Estimate.of_row(row)}"
        for _, row in rows.iterrows()
    ]
    return f"AUROC: {'; '.join(values)}." if values else "No control has an AUROC."


FIGURE = Figure(
    name="controls",
    schema="control_values",
    section="controls",
    title="The model and its controls",
    caption="""
AUROC on the test images, with confidence intervals from a cluster bootstrap by patient: of the
model (blue), of controls that do not look at the lesion (grey), and of what radiologists recorded
(orange; the dotted line is the BI-RADS assessment alone). A grey one far above 0.5 (dashed) warns
that the class can be predicted without the lesion.
""",
    draw=draw,
    describe=describe,
    gathered="described",
)
