"""The flow diagram, drawn from flow.csv in the manner of STARD: what remains down the middle, what is left out to its right.

P. M. Bossuyt et al., STARD 2015, BMJ 351 (2015) h5527, doi 10.1136/bmj.h5527, item 19. All lengths are in points.
"""

import pandas as pd
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle

from mammo.report.figures.style import COLOURS

WIDTH, MARGIN, PAD, GAP = 620, 14, 8, 14
MIDDLE, MAIN, ASIDE = (
    WIDTH / 2,
    316,
    22,
)  # the line down the middle, its boxes' width, how far beside it what is left out stands
LEADING = 1.35  # a line's height, in font sizes
GREY = "#555555"
UNITS = ["patients", "breasts", "lesions", "images"]
NOTE = (
    "What is left out counts the patients, breasts and lesions that lost an image there; those that have others stay. In the "
    "partitions, who has benign and malignant images counts in both columns."
)


def flow_diagram(table, edition):
    """A Figure of the first fold of `table`, which is flow.csv; steps that left nothing out are not drawn.

    Of whole images, what comes before they are gathered is counted in lesions in a view. Above it is room for the banner of a
    split that leaks, below it for the dataset's fingerprint: both are put on every figure alike.
    """
    folds = sorted(table["fold"].unique())
    table = table[table["fold"] == folds[0]]
    figure = Figure()
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    fold = f", fold {folds[0]}, one of {len(folds)}" if len(folds) > 1 else ""
    title = f"From the dataset to the partitions, {edition} edition{fold}"
    y = _write(axes, MARGIN, MARGIN, wrapped(title.split(), WIDTH - 2 * MARGIN, 12))

    steps = [
        (step, rows) for step, rows in table.groupby("step", sort=False) if step != "partitions"
    ]
    gathered = (
        [step for step, _ in steps].index("whole_images")
        if "whole_images" in table["step"].tolist()
        else 0
    )
    known = [unit for unit in UNITS if table[unit].gt(0).any()]
    # A repeat is listed by the dataset, but is no lesion of its own.
    of_none = ((table["reason"] != "") & (table["patients"] == 0)).any()
    before = None
    for number, (step, rows) in enumerate(steps):
        units = {unit: unit for unit in known}
        if number < gathered:
            name = "entries" if of_none else "lesions in a view"
            units = {unit: unit for unit in known if unit != "images"} | {"entries": name}
        left_out, remaining = rows[rows["reason"] != ""], rows[rows["reason"] == ""].iloc[0]
        if len(left_out):
            bottom = _left_out_box(axes, y + GAP, left_out, before, remaining, units)
            axes.plot(
                [MIDDLE, MIDDLE + ASIDE], [(y + GAP + bottom) / 2] * 2, color="black", linewidth=0.9
            )
            y = _arrow(axes, y, bottom + GAP)
        elif step == "whole_images":
            y = _arrow(axes, y, y + 2 * GAP)
        elif step != "dataset":
            continue
        else:
            y += GAP
        y = _main_box(axes, y, remaining, units)
        before = remaining
    y = _partition_boxes(axes, y, table[table["step"] == "partitions"], known)
    y = _write(axes, MARGIN, y + GAP, wrapped(NOTE.split(), WIDTH - 2 * MARGIN, 7), color=GREY)
    height = y + 16
    banner = 18 + 0.02 * height if (table["leaks"] != "").any() else 0
    figure.set_size_inches(WIDTH / 72, (height + banner) / 72)
    axes.set(xlim=(0, WIDTH), ylim=(height, -banner))
    return figure


def wrapped(parts, width, size, weight="normal", between=" "):
    """The `parts`, joined, as lines (text, size, weight) no wider than `width`; a part that is too wide by itself is cut."""
    lines = [""]
    for part in parts:
        joined = f"{lines[-1]}{between}{part}" if lines[-1] else part
        if lines[-1] and _wide(joined, size, weight) > width:
            lines.append(part)
        else:
            lines[-1] = joined
        while _wide(lines[-1], size, weight) > width:
            cut = next(
                n
                for n in range(len(lines[-1]) - 1, 0, -1)
                if n == 1 or _wide(lines[-1][:n], size, weight) <= width
            )
            lines[-1:] = [lines[-1][:cut], lines[-1][cut:]]
    return [(line, size, weight) for line in lines]


def _wide(text, size, weight):
    return RendererAgg(1, 1, 72).get_text_width_height_descent(
        text, FontProperties(size=size, weight=weight), False
    )[0]


def _counted(number, name):
    """'1,566 patients', '1 lesion in a view'."""
    if pd.isna(number):
        return f"{name} not known"
    noun, *rest = name.split(" ")
    one = "entry" if noun == "entries" else noun.removesuffix("s")
    return " ".join([f"{number:,}", one if number == 1 else noun, *rest])


def _counts(row, units):
    return [_counted(row[unit], name) for unit, name in units.items()]


def _main_box(axes, top, row, units):
    """Draw what remains after a step; returns where its box ends."""
    width = MAIN - 2 * PAD
    counts = _counts(row, units)
    if row["step"] == "dataset" and row["entries"] != row["images"] and "entries" not in units:
        counts.insert(0, _counted(row["entries"], "entries"))
    lines = wrapped(row["description"].split(), width, 10, "bold") + wrapped(
        counts, width, 9, between=" · "
    )
    bottom = _write(axes, MIDDLE, top + PAD, lines, horizontalalignment="center") + PAD
    return _frame(axes, MIDDLE - MAIN / 2, top, MAIN, bottom)


def _left_out_box(axes, top, rows, before, remaining, units):
    """Draw what a step left out, for each reason; returns where its box ends."""
    left, width = MIDDLE + ASIDE, WIDTH - MARGIN - MIDDLE - ASIDE
    inner = width - 2 * PAD
    unit = list(units)[-1]
    lost = rows[unit].sum()
    y = _write(
        axes,
        left + PAD,
        top + PAD,
        wrapped([f"Left out: {_counted(lost, units[unit])}"], inner, 9, "bold"),
    )
    for _, row in rows.iterrows():
        counts = _counts(row, units) if row["patients"] else [_counted(row["entries"], "entries")]
        y = _write(axes, left + PAD, y + 2, wrapped(row["description"].split(), inner, 8.5))
        y = _write(axes, left + PAD, y, wrapped(counts, inner, 8, between=" · "), color=GREY)
    gone = _counted(before["patients"] - remaining["patients"], "patients")
    y = _write(axes, left + PAD, y + 2, wrapped(f"{gone} left out altogether".split(), inner, 8.5))
    return _frame(axes, left, top, width, y + PAD)


def _partition_boxes(axes, top, rows, known):
    """Draw the three partitions below a line that leads to each, with their counts by class; returns where their boxes end."""
    width = (WIDTH - 2 * MARGIN - 2 * GAP) / 3
    rail, start = top + GAP, top + 2.2 * GAP
    size = 9 if rows["images"].max() < 1_000_000 else 7.5
    axes.plot([MIDDLE, MIDDLE], [top, rail], color="black", linewidth=0.9)
    axes.plot(
        [MIDDLE - width - GAP, MIDDLE + width + GAP], [rail, rail], color="black", linewidth=0.9
    )
    for number, (partition, part) in enumerate(rows.groupby("partition", sort=False)):
        left = MARGIN + number * (width + GAP)
        _arrow(axes, rail, start, x=left + width / 2)
        columns = dict(zip((0.47, 0.715, 0.96), part.to_dict("records"), strict=True))
        y = _write(
            axes,
            left + PAD,
            start + PAD + 3,
            [(partition.capitalize(), 10, "bold")],
            color=COLOURS[partition],
        )
        for place, counts in columns.items():
            _write(axes, left + place * width, y + 2, [(counts["label"] or "all", 8, "normal")], color=GREY, horizontalalignment="right")  # fmt: skip
        y += 2 + 8 * LEADING
        for unit in known:
            for place, counts in columns.items():
                number_text = "–" if pd.isna(counts[unit]) else f"{counts[unit]:,}"
                _write(
                    axes,
                    left + place * width,
                    y + 2,
                    [(number_text, size, "normal")],
                    horizontalalignment="right",
                )
            y = _write(axes, left + PAD, y + 2, [(unit, size, "normal")])
        bottom = _frame(axes, left, start, width, y + PAD)
        axes.add_patch(
            Rectangle((left, start), width, 3, facecolor=COLOURS[partition], edgecolor="none")
        )
    return bottom


def _write(axes, x, top, lines, **style):
    """Write lines (text, size, weight), one below the other; returns where they end."""
    for text, size, weight in lines:
        top += size * LEADING
        baseline = top - 0.3 * size
        axes.text(x, baseline, text, fontsize=size, fontweight=weight, verticalalignment="baseline", parse_math=False, **style)  # fmt: skip
    return top


def _frame(axes, left, top, width, bottom):
    axes.add_patch(
        Rectangle((left, top), width, bottom - top, fill=False, edgecolor="black", linewidth=0.9)
    )
    return bottom


def _arrow(axes, top, bottom, x=MIDDLE):
    style = {"arrowstyle": "-|>", "color": "black", "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (x, bottom), (x, top), arrowprops=style)
    return bottom
