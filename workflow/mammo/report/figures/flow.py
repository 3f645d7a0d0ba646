"""The flow diagram in the manner of STARD: what remains in the middle, exclusions to its right.

P. M. Bossuyt et al., STARD 2015, BMJ 351 (2015) h5527, doi 10.1136/bmj.h5527, item 19.
All lengths are in points.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from mammo.report.figure import Axes, Canvas, DataFrame, Figure, Series
from mammo.report.style import GREY, PARTITION_COLOURS, new_figure

WIDTH, MARGIN, PAD, GAP = 620, 14, 8, 14
# The line down the middle, the width of its boxes, and how far beside it exclusions stand.
MIDDLE, MAIN, ASIDE = WIDTH / 2, 316, 22
COLUMN = (WIDTH - 2 * MARGIN - 2 * GAP) / 3  # the width of a partition's box
NUMBERS_END = (0.47, 0.715, 0.96)  # where its columns of numbers end, in parts of that width
DPI = 200  # as figures are saved: hinting makes widths depend on it
LEADING = 1.35  # a line's height, in font sizes
FRAME: dict[str, Any] = {"color": "black", "linewidth": 0.9}
UNITS = ["patients", "breasts", "lesions", "images"]
NOTE = (
    "Exclusions count the patients, breasts and lesions that lost an image there; those with "
    "other images remain. In the partitions, patients with benign and malignant images count in "
    "both columns."
)

Lines = list[tuple[str, float, str]]  # text, font size, weight


def draw(table: DataFrame, edition: str) -> Canvas:
    """The flow of the first fold; steps that exclude nothing are not drawn.

    Before whole images are gathered, they are counted in lesions in a view. Above the diagram is
    room for the banner of a split that leaks, below it for the dataset's fingerprint.
    """
    folds = sorted(table["fold"].unique())
    table = table[table["fold"] == folds[0]]
    figure = new_figure(1, 1)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    fold = f", fold {folds[0]}, one of {len(folds)}" if len(folds) > 1 else ""
    title = f"From the dataset to the partitions, {edition} dataset{fold}"
    y = _write(axes, MARGIN, MARGIN, wrapped(title.split(), WIDTH - 2 * MARGIN, 12))
    known = [unit for unit in UNITS if table[unit].gt(0).any()]
    y = _draw_steps(axes, y, table, known)
    y = _draw_partitions(axes, y, table[table["step"] == "partitions"], known)
    note = wrapped(NOTE.split(), WIDTH - 2 * MARGIN, 7)
    height = _write(axes, MARGIN, y + GAP, note, color=GREY) + 16
    banner = 18 + 0.02 * height if (table["leaks"] != "").any() else 0
    figure.set_size_inches(WIDTH / 72, (height + banner) / 72)
    axes.set(xlim=(0, WIDTH), ylim=(height, -banner))
    return figure


def _draw_steps(axes: Axes, y: float, table: DataFrame, known: list[str]) -> float:
    """What remains after each step, and what it excluded; returns where the last box ends."""
    steps = table[table["step"] != "partitions"].groupby("step", sort=False)
    gathered = "whole_images" not in table["step"].tolist()
    # A repeated row is listed by the dataset, but is no lesion of its own.
    no_lesions = ((table["reason"] != "") & (table["patients"] == 0)).any()
    before = None
    for step, rows in steps:
        gathered = gathered or step == "whole_images"
        units = {unit: unit for unit in known}
        if not gathered:
            del units["images"]
            units["entries"] = "entries" if no_lesions else "lesions in a view"
        excluded, remaining = rows[rows["reason"] != ""], rows[rows["reason"] == ""].iloc[0]
        if len(excluded):
            bottom = _exclusion_box(axes, y + GAP, excluded, before, remaining, units)
            axes.plot([MIDDLE, MIDDLE + ASIDE], [(y + GAP + bottom) / 2] * 2, **FRAME)
            y = _arrow(axes, y, bottom + GAP)
        elif step == "whole_images":
            y = _arrow(axes, y, y + 2 * GAP)
        elif step == "dataset":
            y += GAP
        else:
            continue
        y = _main_box(axes, y, remaining, units)
        before = remaining
    return y


def wrapped(
    parts: Iterable[str], width: float, size: float, weight: str = "normal", between: str = " "
) -> Lines:
    """The `parts`, joined, as lines no wider than `width`; a part that is too wide is cut."""
    lines = [""]
    for part in parts:
        joined = f"{lines[-1]}{between}{part}" if lines[-1] else part
        if lines[-1] and _wide(joined, size, weight) > width:
            lines.append(part)
        else:
            lines[-1] = joined
        while _wide(lines[-1], size, weight) > width:
            cut = len(lines[-1]) - 1
            while cut > 1 and _wide(lines[-1][:cut], size, weight) > width:
                cut -= 1
            lines[-1:] = [lines[-1][:cut], lines[-1][cut:]]
    return [(line, size, weight) for line in lines]


@cache
def _renderer() -> Any:
    from matplotlib.backends.backend_agg import RendererAgg

    return RendererAgg(1, 1, DPI)


def _wide(text: str, size: float, weight: str) -> float:
    from matplotlib.font_manager import FontProperties

    font = FontProperties(size=size, weight=weight)
    return _renderer().get_text_width_height_descent(text, font, False)[0] * 72 / DPI


def _counted(number: Any, name: str) -> str:
    """'1,566 patients', '1 lesion in a view'."""
    if str(number) in ("<NA>", "nan"):
        return f"{name} not known"
    noun, *rest = name.split(" ")
    one = "entry" if noun == "entries" else noun.removesuffix("s")
    return " ".join([f"{number:,}", one if number == 1 else noun, *rest])


def _counts(row: Series, units: Mapping[str, str]) -> list[str]:
    return [_counted(row[unit], name) for unit, name in units.items()]


def _main_box(axes: Axes, top: float, row: Series, units: Mapping[str, str]) -> float:
    """Draw what remains after a step; returns where its box ends."""
    width = MAIN - 2 * PAD
    counts = _counts(row, units)
    if row["step"] == "dataset" and row["entries"] != row["images"] and "entries" not in units:
        counts.insert(0, _counted(row["entries"], "entries"))
    lines = wrapped(row["description"].split(), width, 10, "bold")
    lines += wrapped(counts, width, 9, between=" · ")
    bottom = _write(axes, MIDDLE, top + PAD, lines, horizontalalignment="center") + PAD
    return _frame(axes, MIDDLE - MAIN / 2, top, MAIN, bottom)


def _exclusion_box(
    axes: Axes,
    top: float,
    rows: DataFrame,
    before: Any,
    remaining: Series,
    units: Mapping[str, str],
) -> float:
    """Draw what a step excluded, for each reason; returns where its box ends."""
    left, width = MIDDLE + ASIDE, WIDTH - MARGIN - MIDDLE - ASIDE
    x, inner = left + PAD, width - 2 * PAD
    unit = list(units)[-1]
    heading = f"Excluded: {_counted(rows[unit].sum(), units[unit])}"
    y = _write(axes, x, top + PAD, wrapped([heading], inner, 9, "bold"))
    for _, row in rows.iterrows():
        counts = _counts(row, units) if row["patients"] else [_counted(row["entries"], "entries")]
        y = _write(axes, x, y + 2, wrapped(row["description"].split(), inner, 8.5))
        y = _write(axes, x, y, wrapped(counts, inner, 8, between=" · "), color=GREY)
    gone = _counted(before["patients"] - remaining["patients"], "patients")
    y = _write(axes, x, y + 2, wrapped(f"{gone} excluded altogether".split(), inner, 8.5))
    return _frame(axes, left, top, width, y + PAD)


def _draw_partitions(axes: Axes, top: float, rows: DataFrame, known: list[str]) -> float:
    """Draw the partitions below a line that leads to each; returns where their boxes end."""
    rail, start = top + GAP, top + 2.2 * GAP
    bottom = start
    axes.plot([MIDDLE, MIDDLE], [top, rail], **FRAME)
    axes.plot([MIDDLE - COLUMN - GAP, MIDDLE + COLUMN + GAP], [rail, rail], **FRAME)
    size = 9 if rows["images"].max() < 1_000_000 else 7.5
    for number, (_, part) in enumerate(rows.groupby("partition", sort=False)):
        left = MARGIN + number * (COLUMN + GAP)
        _arrow(axes, rail, start, x=left + COLUMN / 2)
        bottom = _partition_box(axes, left, start, part, known, size)
    return bottom


def _partition_box(
    axes: Axes, left: float, top: float, part: DataFrame, known: list[str], size: float
) -> float:
    """Draw a partition's counts, of all and by class; returns where its box ends."""
    from matplotlib.patches import Rectangle

    partition = part["partition"].iloc[0]
    colour = PARTITION_COLOURS[partition]
    ends = [left + place * COLUMN for place in NUMBERS_END]
    y = _write(
        axes, left + PAD, top + PAD + 3, [(partition.capitalize(), 10, "bold")], color=colour
    )
    table = [("", 8.0, GREY, [label or "all" for label in part["label"]])]
    for unit in known:
        numbers = ["–" if str(value) == "<NA>" else f"{value:,}" for value in part[unit]]
        table.append((unit, size, "black", numbers))
    for name, letters, grey, cells in table:
        for x, cell in zip(ends, cells, strict=True):
            style = {"color": grey, "horizontalalignment": "right"}
            _write(axes, x, y + 2, [(cell, letters, "normal")], **style)
        y = _write(axes, left + PAD, y + 2, [(name, letters, "normal")])
    bottom = _frame(axes, left, top, COLUMN, y + PAD)
    axes.add_patch(Rectangle((left, top), COLUMN, 3, facecolor=colour, edgecolor="none"))
    return bottom


def _write(axes: Axes, x: float, top: float, lines: Lines, **style: Any) -> float:
    """Write lines, one below the other; returns where they end."""
    style = {"verticalalignment": "baseline", "parse_math": False} | style
    for text, size, weight in lines:
        top += size * LEADING
        axes.text(x, top - 0.3 * size, text, fontsize=size, fontweight=weight, **style)
    return top


def _frame(axes: Axes, left: float, top: float, width: float, bottom: float) -> float:
    from matplotlib.patches import Rectangle

    box = Rectangle((left, top), width, bottom - top, fill=False, edgecolor="black", linewidth=0.9)
    axes.add_patch(box)
    return bottom


def _arrow(axes: Axes, top: float, bottom: float, x: float = MIDDLE) -> float:
    style = {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, **FRAME}
    axes.annotate("", (x, bottom), (x, top), arrowprops=style)
    return bottom


def describe(table: DataFrame) -> str:
    """What remains after each step of the first fold, and in each partition."""
    first = table[table["fold"] == table["fold"].min()]
    remains = first[(first["reason"] == "") & (first["partition"] == "")]
    steps = [
        f"{row.description}: {row.images:,} images of {row.patients:,} patients"
        for row in remains.itertuples()
    ]
    whole = first[(first["partition"] != "") & (first["label"] == "")]
    parts = [f"{row.description.lower()} {row.images:,}" for row in whole.itertuples()]
    return f"{'; '.join(steps)}. Images by partition: {', '.join(parts)}."


FIGURE = Figure(
    name="flow",
    schema="flow",
    section="flow",
    title="From the dataset to the partitions",
    caption="""
From the dataset to the partitions: what each step excluded, with its reason. An exclusion counts
the patients, breasts and lesions that lost at least one image there; those with other images
remain, so read from the boxes how many remain.
""",
    draw=draw,
    describe=describe,
    category="1 Dataset",
)
