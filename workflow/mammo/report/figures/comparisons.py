"""Differences: experiments against the baseline, and what leaks against what does not."""

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mammo.report.figures.style import PALETTE

MOST_ROWS = 40  # experiments that a page holds
GREY, BAND = "#666666", "#E3E3E3"
LEVELS = {"image": "by image", "patient": "by patient"}
METRICS = {"auroc": "AUROC", "accuracy": "accuracy", "balanced_accuracy": "balanced accuracy"}
TRAINING = "how another training of the networks would move a difference, the intervals do not tell: more seeds do"
WHAT = {
    "split_by_image": "Split by image",
    "split_by_lesion": "Split by lesion",
    "threshold_picked_on_test": "Threshold picked on test",
}


def comparisons(table, edition):
    """Each other experiment's AUROC less the baseline's, by image and by patient, on the band of what could not have been shown."""
    table = table[table["metric"] == "auroc"]
    names = list(dict.fromkeys(table["experiment_b"]))
    figure = Figure(figsize=(9.6, 2.5 + 0.5 * min(len(names), MOST_ROWS)), layout="constrained")
    panels = figure.subplots(1, len(LEVELS), sharex=True, sharey=True)
    for axes, (level, words) in zip(panels, LEVELS.items(), strict=True):
        rows = table[table["level"] == level].set_index("experiment_b").loc[names[:MOST_ROWS]]
        for y, (_, row) in enumerate(rows.iterrows()):
            if row["detectable"] == row["detectable"]:
                axes.barh(y, 2 * row["detectable"], left=-row["detectable"], height=0.8, color=BAND)
            _difference(axes, y, row, PALETTE[0])
        axes.set_title(words, loc="left", fontsize=10)
        value = rows["value_a"].iloc[0]
        axes.set_xlabel("AUROC less the baseline's" + (f", {value:.3f}" if value == value else ""))
        _rows(axes, rows.index)
    panels[0].set_title(
        f"Experiments against the baseline on test, {edition} edition\n{LEVELS['image']}",
        loc="left",
    )
    _around_zero(panels)
    number = table.groupby("level")["p"].count().max()
    many = f"{number} comparison" + ("s" if number != 1 else "")
    notes = [
        f"p by DeLong's test: too small by image, as a patient's images are not independent; adjusted (Holm) for {many}",
        TRAINING,
    ]
    if len(names) > MOST_ROWS:
        notes.append(f"the first {MOST_ROWS} of {len(names)} experiments; all are in the table")
    band = Patch(
        color=BAND,
        label="differences that this test partition is too small to show (80 % power, 5 % two-sided)",
    )
    _legend(figure, [_interval_line(table, PALETTE[0]), band], notes)
    return figure


def leakage(table, edition):
    """What each leak adds: the honest and the leaking value of each metric, and their difference with its interval."""
    figure = Figure(figsize=(9.6, 2.4 + 0.34 * len(table)), layout="constrained")
    values, differences = figure.subplots(1, 2, sharey=True)
    for y, (_, row) in enumerate(table.iterrows()):
        if row["difference"] == row["difference"]:
            values.plot([row["honest"], row["leaking"]], [y, y], color=GREY, linewidth=1, zorder=1)
            values.plot(row["honest"], y, "o", color=PALETTE[2])
            values.plot(row["leaking"], y, "D", color=PALETTE[1])
        _difference(differences, y, row, PALETTE[1])
    names = [f"{WHAT[row['what']]}: {METRICS[row['metric']]}" for _, row in table.iterrows()]
    lowest = table[["honest", "leaking"]].min().min()
    values.set(
        xlabel="Value on test", xlim=(min(0.5, lowest if lowest == lowest else 0.5) - 0.02, 1.01)
    )
    values.set_title(f"The leakage meter, {edition} edition", loc="left")
    differences.set_xlabel("Inflation: leaking less honest")
    _rows(values, names)
    _rows(differences, names)
    _around_zero([differences])
    lines = [
        Line2D([], [], color=PALETTE[2], marker="o", linestyle="", label="honest: split by patient, threshold chosen on validation"),
        Line2D([], [], color=PALETTE[1], marker="D", linestyle="", label="leaking"),
        _interval_line(table, PALETTE[1]),
    ]  # fmt: skip
    _legend(figure, lines, [TRAINING])
    return figure


def _rows(axes, names):
    axes.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.4, -0.6))
    axes.grid(axis="y", visible=False)


def _difference(axes, y, row, colour):
    """A difference with its interval, in a figure and in numbers; without one in numbers alone."""
    if row["low"] == row["low"]:
        axes.plot(
            [row["low"], row["high"]], [y, y], color=colour, linewidth=1.6, solid_capstyle="butt"
        )
        axes.plot(row["difference"], y, "o", color=colour, markersize=5)
    axes.text(1.02, y, _told(row), transform=axes.get_yaxis_transform(), va="center", fontsize=8)


def _told(row):
    """'+0.021 [−0.010 to +0.052]', and below it the p values where there are some."""
    if row["difference"] != row["difference"]:
        return "not defined"
    told = f"{row['difference']:+.3f}"
    told += (
        f" [{row['low']:+.3f} to {row['high']:+.3f}]"
        if row["low"] == row["low"]
        else ", no interval"
    )
    if "p" in row and row["p"] == row["p"]:
        told += f"\np {_p(row['p'])}, adjusted {_p(row['p_holm'])}"
    return told.replace("-", "−")


def _p(value):
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"


def _around_zero(panels):
    """Zero in the middle of the panels, which share their limits, and marked."""
    reach = max(0.05, *(abs(limit) for axes in panels for limit in axes.get_xlim()))
    for axes in panels:
        axes.set_xlim(-reach, reach)
        axes.locator_params(axis="x", nbins=5)
        axes.axvline(0, color="black", linewidth=0.8, zorder=1)


def _interval_line(table, colour):
    given = table["confidence"].dropna()
    words = (
        f", with its {100 * given.iloc[0]:g} % interval by drawing patients" if len(given) else ""
    )
    return Line2D([], [], color=colour, marker="o", linewidth=1.6, label="difference" + words)


def _legend(figure, handles, notes):
    """The handles, and below them, without a mark, what else is to be said."""
    notes = [Line2D([], [], linestyle="", label=note) for note in notes]
    figure.legend(handles=[*handles, *notes], loc="outside lower left", fontsize=8)
