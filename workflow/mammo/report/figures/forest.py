"""The forest plot: how well the classes are told apart in each subgroup of the test images."""

from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator
from matplotlib.transforms import blended_transform_factory

from mammo.report.figures.style import PALETTE
from mammo.statistics.variables import VARIABLES

WORDS = {name: variable.label for name, variable in VARIABLES.items()}
MOST_ROWS = 60  # that a page holds
# In inches: the page's width, a row's height, what is above and below the rows, and above it where a banner is put; where columns of text begin or, of numbers, end.
WIDTH, LINE, HEAD, FOOT, BANNER = 8.6, 0.21, 0.9, 1.05, 0.55
NAME, IMAGES, PATIENTS, MALIGNANT, PLOT, VALUE = 0.2, 2.85, 3.55, 4.4, (4.6, 6.9), 7.0
LONGEST = 34  # letters of a group's name: a dataset's own may be anything
COLOUR, GREY = PALETTE[0], "#666666"


def forest(table, edition):
    """The baseline's AUROC with its interval in each group, with all test images as a line; a value without one is text alone."""
    experiments = table["experiment"].nunique()
    head = HEAD + (BANNER if table["leaks"].any() else 0)
    table = table[table["experiment"] == "baseline"]
    lines = _lines(table)
    shown = lines[:MOST_ROWS]
    height = head + FOOT + LINE * len(shown)
    figure = Figure(figsize=(WIDTH, height))
    axes = figure.add_axes(
        (PLOT[0] / WIDTH, FOOT / height, (PLOT[1] - PLOT[0]) / WIDTH, 1 - (head + FOOT) / height)
    )
    drawn = table[table["low"].notna()]
    axes.set(
        xlim=(min(0.45, drawn["low"].min() - 0.03) if len(drawn) else 0.45, 1.02), xlabel="AUROC"
    )
    axes.set(ylim=(len(shown) - 0.4, -0.6), yticks=[])
    axes.xaxis.set_major_locator(MultipleLocator(0.1))
    axes.spines["left"].set_visible(False)
    axes.axvline(0.5, color=GREY, linewidth=0.9, linestyle=":")
    if (whole := table["value"].iloc[0]) == whole:
        axes.axvline(whole, color=COLOUR, linewidth=0.9, linestyle="--")
    _write(axes, -1.15, "", ("images", "patients", "malignant"), "AUROC [interval]", weight="bold")
    for y, (heading, row) in enumerate(shown):
        if heading:
            _write(axes, y, heading, weight="bold")
            continue
        whole = row["variable"] == "all"
        counts = (f"{row['n']:,}", f"{row['patients']:,}", f"{row['malignant'] / row['n']:.0%}")
        _write(
            axes,
            y,
            row["group"],
            counts,
            _told(row),
            "bold" if whole else "normal",
            0 if whole else 0.12,
        )
        if row["low"] == row["low"]:
            axes.plot(
                [row["low"], row["high"]],
                [y, y],
                color=COLOUR,
                linewidth=1.4,
                solid_capstyle="butt",
            )
            axes.plot(row["value"], y, "D" if whole else "s", color=COLOUR, markersize=5)
    of = f"; baseline, of {experiments} experiments" if experiments > 1 else ""
    figure.text(
        NAME / WIDTH,
        1 - (head - 0.58) / height,
        f"Subgroups of the test images, {edition} edition{of}",
        fontsize=12,
    )
    notes = [
        *_interval_words(drawn),
        "Dashed: all test images. Dotted: chance. Grey: too few patients for an interval, or for a value; the table says why.",
        *(
            [f"{len(lines) - MOST_ROWS} more lines are in the table."]
            if len(lines) > MOST_ROWS
            else []
        ),
    ]
    figure.text(
        NAME / WIDTH, 0.14 / height, "\n".join(notes), fontsize=7.5, color=GREY, va="bottom"
    )
    return figure


def _lines(table):
    """[(heading, row)] down the page: a heading has no row, and a row no heading."""
    lines = []
    for variable, rows in table.groupby("variable", sort=False):
        if variable != "all":
            lines.append((WORDS.get(variable, variable.replace("_", " ").capitalize()), None))
        lines += [("", row) for _, row in rows.iterrows()]
    return lines


def _write(axes, y, name, counts=("", "", ""), value="", weight="normal", indent=0):
    place = blended_transform_factory(axes.figure.dpi_scale_trans, axes.transData)
    style = {
        "transform": place,
        "va": "center",
        "fontsize": 8.5,
        "weight": weight,
        "parse_math": False,
    }
    axes.text(
        NAME + indent, y, name if len(name) <= LONGEST else name[: LONGEST - 1] + "…", **style
    )
    for x, number in zip((IMAGES, PATIENTS, MALIGNANT), counts, strict=True):
        axes.text(x, y, number, ha="right", **style)
    axes.text(VALUE, y, value, color="black" if "[" in value else GREY, **style)


def _told(row):
    """'0.81 [0.75 to 0.87]'; of a group that is too small what there is, in words."""
    if row["value"] != row["value"]:
        return row["reason"].split(":")[0]
    if row["low"] != row["low"]:
        return f"{row['value']:.2f}, no interval"
    return f"{row['value']:.2f} [{row['low']:.2f} to {row['high']:.2f}]"


def _interval_words(drawn):
    if len(drawn):
        percent = 100 * drawn["confidence"].iloc[0]
        yield f"Squares: {percent:g} % intervals by a bootstrap over patients, the same patients for all groups."
        yield f"By chance alone {100 - percent:g} in 100 such intervals miss what they are for."
