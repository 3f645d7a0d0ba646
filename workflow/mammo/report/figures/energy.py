"""How much of Grad-CAM's energy lies inside the lesions' outlines, beside what chance would give."""

from matplotlib.figure import Figure

from mammo.report.figures.style import COLOURS, MOST_EXPERIMENTS

GROUPS = {
    "all": "all test images",
    "right": "called right",
    "wrong": "called wrong",
    "false_negative": "missed cancers",
    "false_positive": "false alarms",
}
MARKS = {
    "energy_inside": ("inside its own outline", {"marker": "o", "color": COLOURS["training"]}),
    "energy_in_others": (
        "inside other patients' outlines",
        {"marker": "D", "color": COLOURS["validation"], "markerfacecolor": "white"},
    ),
    "chance": (
        "of an even map",
        {"marker": "|", "color": "black", "markersize": 10, "markeredgewidth": 1.5},
    ),
}


def energy(table, edition):
    """A Figure of gradcam_energy.csv: for each group of test images the mean share of the maps' energy, with intervals."""
    names = list(table["experiment"].unique())
    shown = names[:MOST_EXPERIMENTS]
    figure = Figure(
        figsize=(7.2, 1.5 + (0.3 * len(GROUPS) + 0.3) * len(shown)), layout="constrained"
    )
    for axes, name in zip(
        figure.subplots(len(shown), sharex=True, squeeze=False)[:, 0], shown, strict=True
    ):
        _draw(axes, table[table["experiment"] == name])
        axes.set_title(name, loc="left")
    axes.set_xlabel("Mean share of Grad-CAM's energy (lines: its interval)")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    more = (
        f", the first {len(shown)} of {len(names)} experiments" if len(names) > len(shown) else ""
    )
    words = f"Grad-CAM's energy inside the outlines of lesions, {edition} edition{more}"
    figure.axes[0].set_title(words + (f"\n{shown[0]}" if len(names) > 1 else ""), loc="left")
    return figure


def _draw(axes, table):
    for place, group in enumerate(GROUPS):
        rows = table[table["group"] == group].set_index("measure")
        for offset, (measure, (name, style)) in zip((-0.12, 0.12, 0), MARKS.items(), strict=True):
            row = rows.loc[measure]
            axes.plot(
                row["value"],
                place + offset,
                linestyle="none",
                label=None if place else name,
                zorder=3,
                **style,
            )
            if measure != "chance":
                axes.plot(
                    [row["low"], row["high"]],
                    [place + offset] * 2,
                    color=style["color"],
                    linewidth=1.5,
                )
        if rows["value"].isna().all():
            words, where = rows["reason"].iloc[0], axes.get_yaxis_transform()
            white = {"facecolor": "white", "edgecolor": "none", "pad": 1}
            axes.text(
                0.5,
                place,
                words,
                ha="center",
                va="center",
                fontsize=7,
                color="#555555",
                transform=where,
                bbox=white,
            )
    ticks = [
        f"{words} ({table.loc[table['group'] == group, 'n'].iloc[0]})"
        for group, words in GROUPS.items()
    ]
    axes.set_yticks(range(len(GROUPS)), ticks)
    axes.set_ylim(len(GROUPS) - 0.5, -0.5)
    axes.set_xlim(0, 1 if table["value"].isna().all() else None)
