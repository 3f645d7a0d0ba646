"""What probabilities are worth: calibration before and after, scores by class, the 2×2 tables at the operating points, decision curves."""

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap

from mammo.report.figures.style import (
    CLASSES,
    PALETTE,
    POINTS,
    QUIET,
    head,
    legend,
    panels,
    say,
    sized,
)

BEFORE_AFTER = {
    "raw": {"color": PALETTE[1], "linestyle": "--", "marker": "s", "markerfacecolor": "white"},
    "calibrated": {"color": PALETTE[0], "linestyle": "-", "marker": "o"},
}
LINES = {"youden": "-", "sensitivity_90": "--", "half": ":"}
SHADES = LinearSegmentedColormap.from_list("shares", ["white", PALETTE[5]])


def calibration(table, edition):
    """The share of malignant images by predicted probability, before and after calibration, and how many there are, from calibration.csv."""
    title = f"Calibration by image, test partition, {edition} edition"
    figure, frame, shown = panels(table, title, 5.8, 5.8)
    drawn = []
    for name, rows, panel in shown:
        axes, below = panel.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        drawn.append(axes)
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.02, 1.02), ylabel="Share malignant")
        axes.plot(
            [0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=(0, (2, 2)), label="as it should be"
        )
        errors = {}
        for number, (which, style) in enumerate(BEFORE_AFTER.items()):
            bins = rows[rows["probabilities"] == which]
            edges = [*bins["lower"], 1]
            below.stairs(
                bins["n"], edges, color=style["color"], linestyle=style["linestyle"], fill=False
            )
            bins = bins[bins["n"] > 0]
            at, share = bins["mean_probability"], bins["share_malignant"]
            errors[which] = (bins["n"] * (at - share).abs()).sum() / bins["n"].sum()
            label = {"raw": "before calibration", "calibrated": "after (temperature scaling)"}[
                which
            ]
            # The eye follows a line: bins too small for an interval must not lead it.
            sure = bins["low"].notna()
            faint = None if sure.all() else "faint: no interval, mostly too few patients"
            axes.plot(
                at, share, markersize=4, linewidth=0.6, alpha=0.35, zorder=2, label=faint, **style
            )
            axes.plot(
                at[sure],
                share[sure],
                label=label,
                markersize=5.5,
                linewidth=1.7,
                zorder=3 + number,
                **style,
            )
            axes.vlines(
                at, bins["low"], bins["high"], color=style["color"], alpha=0.6, linewidth=1.2
            )
        n = int(rows.loc[rows["probabilities"] == "raw", "n"].sum())
        head(
            axes,
            f"{name}: {n} images",
            f"calibration error {errors['raw']:.3f} before, {errors['calibrated']:.3f} after",
        )
        below.set(xlabel="Probability of malignant", ylabel="Images", ylim=(0, None))
        below.yaxis.get_major_locator().set_params(integer=True, nbins=3)
    legend(frame, drawn)
    return figure


def scores(table, edition):
    """Histograms of the calibrated probability of each class, with the operating points, from scores.csv."""
    title = f"Scores by class, by image, test partition, {edition} edition"
    figure, frame, shown = panels(table, title, 6.2, 4.6)
    drawn = []
    for name, rows, panel in shown:
        pair = panel.subplots(2, 1, sharex=True, sharey=True)
        drawn += list(pair)
        thresholds = rows[(rows["part"] == "threshold") & rows["threshold"].notna()]
        for axes, (label, colour) in zip(pair, CLASSES.items(), strict=True):
            bars = rows[(rows["part"] == "column") & (rows["label"] == label)]
            style = {"color": colour, "edgecolor": "white", "linewidth": 0.5}
            axes.bar(bars["lower"], bars["n"], bars["upper"] - bars["lower"], align="edge", **style)
            axes.set(xlim=(0, 1), ylabel=f"{label.capitalize()}\n({bars['n'].sum()} images)")
            axes.yaxis.get_major_locator().set_params(integer=True, nbins=5)
            for point, lines in thresholds.groupby("point", sort=False):
                _mark(axes, point, lines["threshold"].unique(), alone=len(shown) == 1)
            if not bars["n"].sum():
                say(axes, bars["reason"].iloc[0])
        head(pair[0], name)
        pair[1].set_xlabel("Calibrated probability of malignant")
    legend(frame, drawn)
    return figure


def _mark(axes, point, thresholds, alone):
    """A line at each threshold of an operating point; of a single fold and experiment the legend says where."""
    label = POINTS[point][0]
    if len(thresholds) > 1:
        label += ", by fold"
    elif alone and point != "half":
        label += f": {thresholds[0]:.2f}"
    for value in thresholds:
        axes.axvline(value, color="black", linestyle=LINES[point], linewidth=1, label=label)


def confusion(table, edition):
    """The 2×2 table of the test images at each operating point, from confusion.csv: numbers, and shares of the true class."""
    table = table[(table["partition"] == "test") & (table["level"] == "image")]
    title = f"Calls by image at each operating point, test partition, {edition} edition"
    figure, _, shown = panels(table, title, 7.8, 3.4, columns=1)
    for name, rows, panel in shown:
        n, confidence = rows["n"].max(), rows["confidence"].max()
        heading = f"{name}: {n} images" if pd.notna(n) else name
        heading += f"; in brackets {100 * confidence:g} % intervals" if pd.notna(confidence) else ""
        panel.suptitle(
            heading,
            x=0.01,
            horizontalalignment="left",
            fontsize=9.5,
            fontweight="bold",
            parse_math=False,
        )
        for axes, (point, (label, _)) in zip(
            panel.subplots(1, len(POINTS)), POINTS.items(), strict=True
        ):
            values = rows[rows["point"] == point].set_index("metric")
            threshold = values["threshold"].iloc[0]
            where = "" if values["value"].isna().all() else "a threshold for each fold"
            where = where if pd.isna(threshold) else f"malignant from {threshold:.2f} on"
            head(axes, label, where)
            _matrix(axes, values)
    return figure


def _matrix(axes, values):
    """A 2×2 table with its numbers and shares, and below it sensitivity and specificity; or the reason why there is none."""
    axes.set(xlim=(0, 2), ylim=(2, 0), aspect="equal", ylabel="Truth")
    axes.set_xticks([0.5, 1.5], ["malignant", "benign"], fontsize=9)
    axes.set_yticks([0.5, 1.5], ["malignant", "benign"], fontsize=9, rotation=90, va="center")
    axes.tick_params(length=0)
    axes.grid(False)
    axes.spines[["top", "right"]].set_visible(True)
    called, missed, alarms, cleared = (
        values.loc[f"{kind}s", "value"]
        for kind in ("true_positive", "false_negative", "false_positive", "true_negative")
    )
    if pd.isna(called):
        axes.set_xlabel("Called")
        say(axes, values["reason"].iloc[0])
        return
    for row, counts in enumerate([(called, missed), (alarms, cleared)]):
        total = sum(counts)
        for column, count in enumerate(counts):
            share = count / total if total else np.nan
            axes.fill_between(
                [column, column + 1],
                row,
                row + 1,
                color=SHADES(0 if np.isnan(share) else share),
                linewidth=0,
            )
            text = f"{count:.0f}" + ("" if np.isnan(share) else f"\n{100 * share:.0f} %")
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=11)
    axes.axhline(1, color="white", linewidth=2)
    lines = ["Called", ""]
    for metric in ("sensitivity", "specificity"):
        row = values.loc[metric]
        brackets = "" if pd.isna(row["low"]) else f" [{row['low']:.2f} to {row['high']:.2f}]"
        lines.append(
            f"{metric} " + ("–" if pd.isna(row["value"]) else f"{row['value']:.2f}") + brackets
        )
    axes.set_xlabel("\n".join(lines), fontsize=8.5)


def decision_curve(table, edition):
    """Net benefit by threshold, beside calling everything or nothing malignant, from decision_curve.csv."""
    title = f"Decision curve by image, test partition, {edition} edition"
    figure, frame, shown = panels(table, title, 6.2, 4.4)
    drawn = []
    for name, rows, panel in shown:
        axes = panel.subplots()
        drawn.append(axes)
        axes.set(
            xlim=(0, 1),
            xlabel="Threshold on the calibrated probability",
            ylabel="Net benefit per image",
        )
        head(axes, name, sized(rows))
        network, everything = (
            rows[rows["strategy"] == strategy] for strategy in ("network", "treat_all")
        )
        if network["net_benefit"].isna().all():
            say(axes, network["reason"].iloc[0])
            continue
        best = rows["net_benefit"].max()
        axes.set_ylim(-0.25 * best, 1.05 * max(best, network["high"].max()))
        for line in [
            part[part["strategy"] == "network"] for other, part, _ in shown if other != name
        ]:
            axes.plot(
                line["threshold"],
                line["net_benefit"],
                color="#c4c4c4",
                linewidth=1,
                label="the other experiments",
            )
        axes.plot(
            everything["threshold"],
            everything["net_benefit"],
            color=PALETTE[1],
            linestyle="--",
            label="call all malignant",
        )
        axes.axhline(0, color="black", linewidth=1, linestyle=":", label="call none malignant")
        axes.plot(
            network["threshold"],
            network["net_benefit"],
            color=PALETTE[0],
            linewidth=2,
            label="as the network says",
        )
        if network["low"].notna().any():
            label = f"{100 * network['confidence'].iloc[0]:g} % band, pointwise"
            axes.fill_between(network["threshold"], network["low"], network["high"], color=PALETTE[0], alpha=0.18, linewidth=0, label=label)  # fmt: skip
    legend(frame, drawn)
    return figure
