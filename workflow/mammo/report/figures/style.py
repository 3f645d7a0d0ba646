"""The style that all figures share, and the panels of those that show each experiment by itself."""

from textwrap import fill

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

# Okabe and Ito's palette tells its colours apart for the colour-blind; line styles tell them apart in grey.
PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
COLOURS = {"training": "#0072B2", "validation": "#D55E00", "test": "#009E73"}  # of the partitions
MOST_EXPERIMENTS = len(PALETTE)  # that a figure shows

matplotlib.rcParams.update(
    {
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": "#dddddd",
        "grid.linewidth": 0.6,
        "axes.axisbelow": True,
        "legend.frameon": False,
        "savefig.dpi": 200,
        "svg.hashsalt": "the same names in each file",
    }
)

POINTS = {  # how operating points are called, and marked
    "youden": ("Youden's point", "o"),
    "sensitivity_90": ("sensitivity 0.90 on validation", "s"),
    "half": ("probability 0.5", "D"),
}
CLASSES = {"malignant": PALETTE[1], "benign": PALETTE[0]}
QUIET = "#8c8c8c"  # what is there to compare with


def panels(table, title, width, height, columns=2):
    """(figure, frame, [(name, rows, panel)]): a subfigure for each experiment of `table`, up to MOST_EXPERIMENTS, in its order.

    width, height: of a panel, in inches; columns: most panels side by side. The frame, which holds them, bears the title and may
    bear a legend; the figure's own suptitle is left to the banner of a split that leaks.
    """
    names = list(dict.fromkeys(table["experiment"]))
    shown = names[:MOST_EXPERIMENTS]
    columns = min(columns, len(shown))
    rows = -(-len(shown) // columns)
    scale = 1 if columns == 1 else 0.72  # beside others a panel is smaller
    figure = Figure(
        figsize=(columns * width * scale, rows * height * scale + 0.7), layout="constrained"
    )
    room = (
        0.005 + 0.15 / figure.get_figheight()
    )  # for the dataset's fingerprint, which is put on every figure
    figure.get_layout_engine().set(rect=(0, room, 1, 1 - room))
    frame = figure.subfigures(1, 1)
    if len(names) > len(shown):
        title += f"\nthe first {len(shown)} of {len(names)} experiments; the others are in the CSV"
    frame.suptitle(title, x=0.01, horizontalalignment="left", fontsize=12)
    grid = frame.subfigures(rows, columns, squeeze=False).ravel()[: len(shown)]
    parts = [table[table["experiment"] == name] for name in shown]
    return (
        figure,
        frame,
        [(fill(n, 40), rows, panel) for n, rows, panel in zip(shown, parts, grid, strict=True)],
    )


def legend(frame, axes):
    """Below all panels, what each name stands for, once."""
    found = {}
    for handle, label in (
        pair for one in axes for pair in zip(*one.get_legend_handles_labels(), strict=True)
    ):
        found.setdefault(label, handle)
    if found:
        frame.legend(
            found.values(),
            found,
            loc="outside lower center",
            ncols=3 if len(found) == 3 else 2,
            fontsize=8.5,
        )


def head(axes, *lines):
    """The lines above a panel's axes."""
    axes.set_title("\n".join(filter(None, lines)), loc="left", fontsize=9.5, parse_math=False)


def say(axes, reason):
    """In place of what cannot be drawn, why."""
    axes.text(0.5, 0.5, fill(reason, 36), transform=axes.transAxes, ha="center", va="center", color="#555555",
              bbox={"facecolor": "white", "edgecolor": "none"})  # fmt: skip


def told(row, value, digits=2):
    """'0.91 (95 % interval 0.86 to 0.95)' from the columns `value`, low, high and confidence of a row; '–' where it has none."""
    if pd.isna(row[value]):
        return "–"
    text = f"{row[value]:.{digits}f}"
    if pd.isna(row["low"]):
        return text
    return f"{text} ({100 * row['confidence']:g} % interval {row['low']:.{digits}f} to {row['high']:.{digits}f})"


def sized(rows):
    """'144 images, 72 malignant, of 40 patients', from rows with n, malignant and patients."""
    row = rows.dropna(subset="n").iloc[0] if rows["n"].notna().any() else None
    return (
        ""
        if row is None
        else f"{row['n']} images, {row['malignant']} malignant, of {row['patients']} patients"
    )


def marked(figure, table):
    """`figure` with what every figure bears: the fingerprint of its dataset, and a banner where the split leaks on purpose."""
    figure.text(
        0.995,
        0.005,
        f"dataset {table['dataset'].iloc[0]}",
        ha="right",
        va="bottom",
        fontsize=6,
        color="#777777",
    )
    if leaks := sorted({text for text in table["leaks"] if text}):
        words = f"NOT EVIDENCE OF PERFORMANCE: the split {' and '.join(leaks)}"
        words = fill(
            words, int(11 * figure.get_figwidth())
        )  # bold letters of 10 points: some 12 to the inch
        box = {"facecolor": "#C0232C", "edgecolor": "none", "boxstyle": "square,pad=0.4"}
        figure.suptitle(words, color="white", fontsize=10, fontweight="bold", bbox=box)
    return figure
