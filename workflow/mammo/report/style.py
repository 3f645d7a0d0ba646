"""The style that figures share, and the parts that several of them are made of.

matplotlib is imported when the first figure is made: the records of figures import this module
while the Snakefile is parsed.
"""

from collections.abc import Callable
from textwrap import fill
from typing import Any, NamedTuple

from mammo.estimates import Estimate
from mammo.report.figure import Axes, Canvas, DataFrame, Panel
from mammo.words import CLASSES, OPERATING_POINTS, PARTITIONS

# Okabe and Ito's palette distinguishes its colours for the colour-blind; line styles do in grey.
PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
PARTITION_COLOURS = dict(zip(PARTITIONS, ["#0072B2", "#D55E00", "#009E73"], strict=True))
CLASS_COLOURS = dict(zip(reversed(CLASSES), [PALETTE[1], PALETTE[0]], strict=True))
POINT_MARKERS = dict(zip(OPERATING_POINTS, "osD", strict=True))
QUIET = "#8c8c8c"  # what there is to compare with
OTHERS = "#c4c4c4"  # other experiments, behind the one of a panel
GREY = "#555555"  # text beside the point
WARNING = "#C0232C"
MOST_EXPERIMENTS = len(PALETTE)  # that a figure shows
DASHED = {"color": QUIET, "linewidth": 1, "linestyle": (0, (2, 2))}
STYLE: dict[Any, Any] = {
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


def new_figure(width: float, height: float, **options: Any) -> Canvas:
    """An empty figure in this style; width and height in inches."""
    import matplotlib
    from matplotlib.figure import Figure

    matplotlib.rcParams.update(STYLE)
    return Figure(figsize=(width, height), **options)


def first_experiments(table: DataFrame) -> tuple[list[str], str]:
    """The experiments that a figure shows, and which others there are, in words."""
    names = list(dict.fromkeys(table["experiment"]))
    shown = names[:MOST_EXPERIMENTS]
    if len(shown) == len(names):
        return shown, ""
    return shown, f"the first {len(shown)} of {len(names)} experiments; the others are in the CSV"


class Experiment(NamedTuple):
    """What a panel shows: an experiment, and the rows of those of the other panels."""

    name: str
    rows: DataFrame
    others: list[DataFrame]


def by_experiment(
    table: DataFrame,
    title: str,
    size: tuple[float, float],
    draw: Callable[[Panel, Experiment], None],
    columns: int = 2,
) -> Canvas:
    """A figure with a panel for each experiment, up to MOST_EXPERIMENTS, and one legend below.

    `size` is a panel's width and height in inches, `columns` the most panels side by side.
    The figure's own suptitle is left to the banner of a split that leaks.
    """
    names, rest = first_experiments(table)
    columns = min(columns, len(names))
    rows = -(-len(names) // columns)
    scale = 1 if columns == 1 else 0.72  # beside others a panel is smaller
    width, height = size
    figure = new_figure(columns * width * scale, rows * height * scale + 0.7, layout="constrained")
    # Room for the dataset's fingerprint, which is put on every figure.
    room = 0.005 + 0.15 / figure.get_figheight()
    figure.get_layout_engine().set(rect=(0, room, 1, 1 - room))
    frame = figure.subfigures(1, 1)
    heading = "\n".join(filter(None, [title, rest]))
    frame.suptitle(heading, x=0.01, horizontalalignment="left", fontsize=12)
    panels = frame.subfigures(rows, columns, squeeze=False).ravel()
    parts = {name: table[table["experiment"] == name] for name in names}
    for panel, (name, part) in zip(panels, parts.items(), strict=False):
        others = [other for one, other in parts.items() if one != name]
        draw(panel, Experiment(fill(name, 40), part, others))
    _legend(frame, figure.axes)
    return figure


def _legend(frame: Panel, panels: list[Axes]) -> None:
    """Below all panels, what each label stands for, once."""
    found: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    if found:
        columns = 3 if len(found) == 3 and sum(map(len, found)) < 75 else 2
        place = {"loc": "outside lower center", "ncols": columns, "fontsize": 8.5}
        frame.legend(found.values(), found, **place)


def head(axes: Axes, *lines: str) -> None:
    """The lines above a panel's axes."""
    words = "\n".join(filter(None, lines))
    axes.set_title(words, loc="left", fontsize=9.5, parse_math=False)


def say(axes: Axes, reason: str) -> None:
    """In place of what cannot be drawn, why."""
    white = {"facecolor": "white", "edgecolor": "none"}
    style = {"ha": "center", "va": "center", "color": GREY, "bbox": white}
    axes.text(0.5, 0.5, fill(reason, 36), transform=axes.transAxes, **style)


def sized(rows: DataFrame) -> str:
    """'144 images, 72 malignant, of 40 patients', from rows with n, malignant and patients."""
    if rows["n"].isna().all():
        return ""
    row = rows.dropna(subset="n").iloc[0]
    return f"{row['n']} images, {row['malignant']} malignant, of {row['patients']} patients"


def level_of(table: DataFrame) -> str:
    """'95 % CI' from the column confidence; '' where there is no interval."""
    levels = table["confidence"].dropna()
    return f"{100 * levels.iloc[0]:g} % CI" if len(levels) else ""


def in_brackets(table: DataFrame) -> str:
    """The line below a figure's title that names the confidence level, once."""
    level = level_of(table)
    return level and f"\nIn brackets: {level}"


def band(axes: Axes, rows: DataFrame, x: str) -> None:
    """The pointwise confidence band of a curve, as far as there is one."""
    rows = rows[rows["low"].notna()]
    if len(rows):
        label = f"{100 * rows['confidence'].iloc[0]:g} % confidence band, pointwise"
        style = {"color": PALETTE[0], "alpha": 0.18, "linewidth": 0, "label": label}
        axes.fill_between(rows[x], rows["low"], rows["high"], **style)


def interval_bar(
    axes: Axes,
    y: float,
    estimate: Estimate,
    marker: str = "o",
    linewidth: float = 1.6,
    **style: Any,
) -> None:
    """A value as a mark and its confidence interval as a horizontal line, where it has one."""
    if estimate.has_interval:
        line = {"linewidth": linewidth, "color": style["color"], "solid_capstyle": "butt"}
        axes.plot([estimate.low, estimate.high], [y, y], **line)
    if estimate.value is not None:
        axes.plot(estimate.value, y, marker, linestyle="none", **style)


def bear_fingerprint(figure: Canvas, dataset: str) -> None:
    """Write the fingerprint of its dataset into a figure's lower right corner."""
    place = {"ha": "right", "va": "bottom", "fontsize": 6, "color": "#777777"}
    figure.text(0.995, 0.005, f"dataset {dataset}", **place)


def marked(figure: Canvas, table: DataFrame) -> Canvas:
    """`figure` with what every figure bears.

    That is the fingerprint of its dataset, and a banner where the split leaks on purpose.
    """
    bear_fingerprint(figure, table["dataset"].iloc[0])
    if leaks := sorted({text for text in table["leaks"] if text}):
        words = f"NOT EVIDENCE OF PERFORMANCE: the split {' and '.join(leaks)}"
        # Bold letters of 10 points: some 12 to the inch.
        words = fill(words, int(11 * figure.get_figwidth()))
        box = {"facecolor": WARNING, "edgecolor": "none", "boxstyle": "square,pad=0.4"}
        figure.suptitle(words, color="white", fontsize=10, fontweight="bold", bbox=box)
    return figure
