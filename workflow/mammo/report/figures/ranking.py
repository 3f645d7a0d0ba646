"""How well scores rank: the ROC and the precision-recall curve, each experiment in a panel of its own, the others thin behind it."""

import pandas as pd

from mammo.report.figures.style import (
    PALETTE,
    POINTS,
    QUIET,
    head,
    legend,
    panels,
    say,
    sized,
    told,
)

COLOUR = PALETTE[0]
# What a network has to beat. Readers are drawn strongest: theirs is the line to reach. The majority class is the diagonal.
CONTROLS = {
    "reader_assessment": {"color": "black", "linestyle": "-", "linewidth": 1.4},
    "reader_columns": {"color": "black", "linestyle": "--", "linewidth": 1.2},
    "image_statistics": {"color": PALETTE[1], "linestyle": "-.", "linewidth": 1.1},
    "technical_columns": {"color": PALETTE[2], "linestyle": (0, (4, 1)), "linewidth": 1.1},
    "image_border": {"color": PALETTE[3], "linestyle": (0, (1, 1)), "linewidth": 1.3},
    "shuffled_labels": {"color": PALETTE[4], "linestyle": ":", "linewidth": 1.1},
}


def roc(table, edition):
    """The ROC curve with its band and the operating points on it, and the controls' curves, from roc.csv."""
    title = f"ROC curve by image, test partition, {edition} edition"
    figure, frame, shown = panels(table, title, 5.6, 5.6)
    drawn = []
    for name, rows, panel in shown:
        axes = _square(panel, "1 − specificity", "Sensitivity")
        drawn.append(axes)
        network = rows[rows["curve"] == "network"]
        area = network[network["part"] == "area"].iloc[0]
        head(axes, name, f"AUROC {told(area, 'auroc')}", sized(network))
        if pd.isna(area["auroc"]):
            say(axes, area["reason"])
            continue
        axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=(0, (2, 2)), label="chance")
        _others(axes, shown, name, "one_minus_specificity", "sensitivity")
        several = len(shown) > 1
        for control, line in rows[(rows["part"] == "step")].groupby("curve", sort=False):
            if control in CONTROLS:
                of = rows[(rows["curve"] == control) & (rows["part"] == "area")]["auroc"].iloc[0]
                label = control.replace("_", " ") + ("" if several else f", {of:.2f}")
                axes.plot(
                    line["one_minus_specificity"],
                    line["sensitivity"],
                    label=label,
                    **CONTROLS[control],
                )
        line = network[network["part"] == "step"]
        axes.plot(
            line["one_minus_specificity"],
            line["sensitivity"],
            color=COLOUR,
            linewidth=2,
            label="network",
        )
        _band(axes, network, "one_minus_specificity")
        for _, point in network[network["part"] == "point"].dropna(subset="sensitivity").iterrows():
            label, marker = POINTS[point["point"]]
            at = point["one_minus_specificity"], point["sensitivity"]
            axes.plot(
                *at,
                marker,
                color="black",
                markerfacecolor="white",
                markersize=6,
                label=label,
                zorder=4,
                clip_on=False,
            )
    legend(frame, drawn)
    return figure


def precision_recall(table, edition):
    """The precision-recall curve with its band, in steps, and the share of malignant images, from precision_recall.csv."""
    title = f"Precision and recall by image, test partition, {edition} edition"
    figure, frame, shown = panels(table, title, 5.6, 5.2)
    drawn = []
    for name, rows, panel in shown:
        axes = _square(panel, "Recall (sensitivity)", "Precision (PPV)")
        drawn.append(axes)
        area = rows[rows["part"] == "area"].iloc[0]
        head(axes, name, f"AUPRC {told(area, 'auprc')}", sized(rows))
        if pd.isna(area["auprc"]):
            say(axes, area["reason"])
            continue
        share = area["malignant"] / area["n"]
        style = {"color": QUIET, "linewidth": 1, "linestyle": (0, (2, 2))}
        axes.axhline(share, label="share of malignant images", **style)
        _others(axes, shown, name, "recall", "precision", drawstyle="steps-pre")
        line = rows[rows["part"] == "step"]
        recall, precision = [0, *line["recall"]], [line["precision"].iloc[0], *line["precision"]]
        axes.plot(
            recall, precision, color=COLOUR, linewidth=2, drawstyle="steps-pre", label="network"
        )
        _band(axes, rows, "recall")
    legend(frame, drawn)
    return figure


def _square(panel, x, y):
    """Axes for two shares, as wide as high."""
    axes = panel.subplots()
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel=x, ylabel=y, aspect="equal")
    return axes


def _others(axes, shown, name, x, y, **style):
    """The networks' curves of the other experiments that are shown, so that panels can be compared."""
    for other, rows, _ in shown:
        if other == name:
            continue
        line = rows[rows["part"] == "step"]
        if "curve" in line:
            line = line[line["curve"] == "network"]
        axes.plot(
            line[x],
            line[y],
            color="#c4c4c4",
            linewidth=1,
            label="the other experiments",
            zorder=1,
            **style,
        )


def _band(axes, rows, x):
    band = rows[(rows["part"] == "band") & rows["low"].notna()]
    if len(band):
        label = f"{100 * band['confidence'].iloc[0]:g} % band, pointwise"
        axes.fill_between(
            band[x], band["low"], band["high"], color=COLOUR, alpha=0.18, linewidth=0, label=label
        )
