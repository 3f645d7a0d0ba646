"""The forest plot: discrimination in each subgroup of the test images.

Everything is placed by hand, in inches, so that columns of text stand beside the plot.
"""

from typing import Any, NamedTuple

from mammo.estimates import Estimate
from mammo.report.figure import Axes, Canvas, DataFrame, Figure, Series
from mammo.report.style import PALETTE, interval_bar, level_of, new_figure
from mammo.statistics.variables import VARIABLES

MOST_ROWS = 60  # that a page holds
LONGEST = 34  # letters of a group's name: a dataset's own may be anything
# The page's width, a row's height, what is above and below the rows, and above it for a banner.
WIDTH, LINE, HEAD, FOOT, BANNER = 9.0, 0.21, 0.9, 1.05, 0.55
# Where columns of text begin or, of numbers, end, and where the plot is.
NAME, COUNTS, PLOT, VALUE = 0.2, (2.85, 3.55, 4.4), (4.6, 6.9), 7.0
COLOUR, QUIET = PALETTE[0], "#666666"


class Line(NamedTuple):
    """A line of text: a group's, or a variable's name above its groups."""

    name: str
    counts: tuple[str, ...] = ("", "", "")
    value: str = ""
    weight: str = "bold"
    indent: float = 0


def draw(table: DataFrame, edition: str) -> Canvas:
    """The baseline's AUROC with its confidence interval in each group.

    A group without an interval is text alone. All test images come first, and as a dashed line.
    """
    experiments = table["experiment"].nunique()
    head = HEAD + (BANNER if table["leaks"].any() else 0)
    table = table[table["experiment"] == "baseline"]
    lines = list(_lines(table))
    shown = lines[:MOST_ROWS]
    height = head + FOOT + LINE * len(shown)
    figure = new_figure(WIDTH, height)
    left, right = (x / WIDTH for x in PLOT)
    axes = figure.add_axes((left, FOOT / height, right - left, 1 - (head + FOOT) / height))
    _set_axes(axes, table, len(shown))
    level = level_of(table)
    heads = ("images", "patients", "malignant")
    _write(axes, -1.15, Line("", heads, f"AUROC [{level}]" if level else "AUROC"))
    for y, (line, row) in enumerate(shown):
        _write(axes, y, line)
        if row is not None and Estimate.of_row(row).has_interval:
            marker = "D" if row["variable"] == "all" else "s"
            interval_bar(axes, y, Estimate.of_row(row), marker, 1.4, color=COLOUR, markersize=5)
    title = f"Subgroups of the test images, {edition} dataset"
    title += f"; baseline, of {experiments} experiments" if experiments > 1 else ""
    figure.text(NAME / WIDTH, 1 - (head - 0.58) / height, title, fontsize=12)
    notes = "\n".join(_notes(table, len(lines)))
    style = {"fontsize": 7.5, "color": QUIET, "va": "bottom"}
    figure.text(NAME / WIDTH, 0.14 / height, notes, **style)
    return figure


def _lines(table: DataFrame) -> Any:
    """(line, row) down the page; the name of a variable has no row."""
    for variable, rows in table.groupby("variable", sort=False):
        whole = variable == "all"
        if not whole:
            yield Line(_variable(variable)), None
        for _, row in rows.iterrows():
            malignant = f"{row['malignant'] / row['n']:.0%}"
            counts = (f"{row['n']:,}", f"{row['patients']:,}", malignant)
            weight, indent = ("bold", 0) if whole else ("normal", 0.12)
            yield Line(row["group"], counts, _value(row), weight, indent), row


def _variable(name: str) -> str:
    if name in VARIABLES:
        return VARIABLES[name].label
    return name.replace("_", " ").capitalize()


def _value(row: Series) -> str:
    """The estimate; of a group that is too small what there is, in words."""
    estimate = Estimate.of_row(row)
    if estimate.value is None:
        return estimate.reason.split(":")[0]
    return f"{estimate}" if estimate.has_interval else f"{estimate}, no CI"


def _set_axes(axes: Axes, table: DataFrame, rows: int) -> None:
    from matplotlib.ticker import MultipleLocator

    lowest = table["low"].min()
    axes.set(xlim=(min(0.45, lowest - 0.03) if lowest == lowest else 0.45, 1.02), xlabel="AUROC")
    axes.set(ylim=(rows - 0.4, -0.6), yticks=[])
    axes.xaxis.set_major_locator(MultipleLocator(0.1))
    axes.spines["left"].set_visible(False)
    axes.axvline(0.5, color=QUIET, linewidth=0.9, linestyle=":")
    if (whole := table["value"].iloc[0]) == whole:
        axes.axvline(whole, color=COLOUR, linewidth=0.9, linestyle="--")


def _write(axes: Axes, y: float, line: Line) -> None:
    from matplotlib.transforms import blended_transform_factory

    place = blended_transform_factory(axes.figure.dpi_scale_trans, axes.transData)
    style: dict[str, Any] = {"transform": place, "va": "center", "fontsize": 8.5}
    style |= {"weight": line.weight, "parse_math": False}
    name = line.name if len(line.name) <= LONGEST else line.name[: LONGEST - 1] + "…"
    axes.text(NAME + line.indent, y, name, **style)
    for x, number in zip(COUNTS, line.counts, strict=True):
        axes.text(x, y, number, ha="right", **style)
    axes.text(VALUE, y, line.value, color="black" if "[" in line.value else QUIET, **style)


def _notes(table: DataFrame, lines: int) -> Any:
    if level := level_of(table):
        percent = 100 * table["confidence"].max()
        yield f"Squares: {level} from a cluster bootstrap by patient, the same for all groups."
        yield f"By chance alone, {100 - percent:g} in 100 such intervals miss the true value."
    yield (
        "Dashed: all test images. Dotted: chance. "
        "Grey: too few patients for a CI, or for a value; the table gives the reason."
    )
    if lines > MOST_ROWS:
        yield f"{lines - MOST_ROWS} more lines are in the table."


def describe(table: DataFrame) -> str:
    """The subgroups of the lowest and of the highest AUROC."""
    groups = table[(table["variable"] != "all") & table["low"].notna()].sort_values("value")
    if not len(groups):
        return "No subgroup is large enough for a confidence interval."
    low, high = (
        f"{_variable(row['variable'])}: {row['group']} ({row['n']} images), {Estimate.of_row(row)}"
        for _, row in groups.iloc[[0, -1]].iterrows()
    )
    return (
        f"Of {len(groups)} subgroups that are large enough for a confidence interval, the AUROC "
        f"is lowest in {low}, and highest in {high}."
    )


FIGURE = Figure(
    name="forest",
    schema="subgroups",
    section="subgroups",
    title="Subgroups",
    caption="""
The AUROC of the baseline on the test images of each subgroup, with confidence intervals from a
cluster bootstrap by patient, the same replicates for all groups. A group with fewer than 10
patients of either class has no interval, and one of a single class no value. Subgroup analyses
are exploratory: of many, some differ from the dashed line by chance.
""",
    draw=draw,
    describe=describe,
    gathered="described",
)
