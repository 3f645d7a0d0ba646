"""The network beside its controls: what else tells malignant from benign in these images, and how well readers' words do."""

from math import ceil

import pandas as pd
from matplotlib.figure import Figure

from mammo.report.figures.style import MOST_EXPERIMENTS, PALETTE

NAMES = {
    "network": "Network",
    "majority_class": "Majority class",
    "shuffled_labels": "Network, labels shuffled",
    "image_statistics": "Size, bytes, mean, spread",
    "darkest_levels": "Darkest grey levels",
    "brightest_levels": "Brightest grey levels",
    "image_border": "Border of the image",
    "technical_columns": "Kind, view, side",
    "reader_assessment": "Assessment (BI-RADS)",
    "reader_assessment_ordered": "Assessment, ordered",
    "reader_columns": "All reader columns",
}
READERS, NETWORK, CONTROL = PALETTE[1], PALETTE[0], "#555555"
ACROSS = 3  # panels in a row


def controls(table, edition):
    """AUROC of the network and of each control with its interval, a panel per experiment, for the first MOST_EXPERIMENTS."""
    table = table[table["metric"] == "auroc"]
    experiments = list(dict.fromkeys(table["experiment"]))
    shown = experiments[:MOST_EXPERIMENTS]
    across, down = min(len(shown), ACROSS), ceil(len(shown) / ACROSS)
    figure = Figure(figsize=(3.2 + 3.6 * across, 0.9 + 3.4 * down), layout="constrained")
    panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
    title = f"The network beside its controls, {edition} edition"
    if len(shown) < len(experiments):
        title += f", the first {len(shown)} of {len(experiments)} experiments"
    for axes, experiment in zip(panels, shown, strict=False):
        _panel(axes, table[table["experiment"] == experiment].set_index("control"))
        if len(shown) > 1:
            axes.set_title(experiment, loc="left", fontsize=10, pad=16)
    # Above the first panel, since the place of a figure's title is kept for a warning; it may reach over the others.
    heading = title if len(shown) == 1 else f"{title}\n{shown[0]}"
    panels[0].set_title(heading, loc="left", pad=16).set_in_layout(len(shown) == 1)
    for axes in panels[len(shown) :]:
        axes.set_visible(False)
    for axes in panels[max(0, len(shown) - across) : len(shown)]:
        axes.tick_params(labelbottom=True)
        axes.set_xlabel("AUROC on the test images")
    panels[0].set_xlim(min(0.3, table[["value", "low"]].min(axis=None) - 0.02), 1)
    return figure


def _panel(axes, values):
    """One experiment's rows, from the network down."""
    axes.axvline(0.5, color="black", linewidth=0.8, linestyle="--", zorder=1)
    line = values.loc["reader_assessment", "value"]
    if pd.notna(line):
        axes.axvline(line, color=READERS, linewidth=1, linestyle=":", zorder=1)
        axes.text(line, -0.55, "readers' line", color=READERS, ha="center", va="bottom", fontsize=8)
    axes.text(0.5, -0.55, "chance", ha="center", va="bottom", fontsize=8)
    for place, control in enumerate(NAMES):
        row = values.loc[control]
        colour = (
            NETWORK
            if control == "network"
            else READERS
            if control.startswith("reader")
            else CONTROL
        )
        if pd.isna(row["value"]):
            axes.text(
                0.51,
                place,
                "not available",
                color="#777777",
                va="center",
                fontsize=8,
                style="italic",
            )
            continue
        if pd.notna(row["low"]):
            axes.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=2)
        axes.plot(
            row["value"], place, "o", color=colour, markersize=7 if control == "network" else 5
        )
        axes.text(
            1.01,
            place,
            f"{row['value']:.2f}",
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=8.5,
        )
    axes.set_yticks(range(len(NAMES)), NAMES.values())
    axes.set_ylim(len(NAMES) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
