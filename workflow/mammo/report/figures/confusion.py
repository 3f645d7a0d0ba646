"""Confusion matrices at the operating points."""

from mammo.estimates import Estimate
from mammo.report.figure import Axes, Canvas, DataFrame, Figure, Panel
from mammo.report.style import PALETTE, Experiment, by_experiment, head, in_brackets, say
from mammo.words import CLASSES, OPERATING_POINTS, percentage

POSITIVE_FIRST = CLASSES[::-1]
# By true class, then by predicted class, positive first.
CELLS = (("true_positives", "false_negatives"), ("false_positives", "true_negatives"))


def draw(table: DataFrame, edition: str) -> Canvas:
    """The confusion matrix of the test images at each operating point.

    Cells hold numbers of images, and percentages of the true class.
    """
    table = _test_images(table)
    title = f"Confusion matrices by image, test partition, {edition} dataset{in_brackets(table)}"
    return by_experiment(table, title, (7.8, 3.8), _draw_panel, columns=1)


def _draw_panel(panel: Panel, experiment: Experiment) -> None:
    rows = experiment.rows
    size = "" if rows["n"].isna().all() else f": {rows['n'].max()} images"
    style = {"fontsize": 9.5, "fontweight": "bold", "parse_math": False}
    panel.suptitle(experiment.name + size, x=0.01, horizontalalignment="left", **style)
    panels = panel.subplots(1, len(OPERATING_POINTS))
    for axes, (point, words) in zip(panels, OPERATING_POINTS.items(), strict=True):
        values = rows[rows["point"] == point].set_index("metric")
        head(axes, words.name, _threshold(values))
        _draw_matrix(axes, values)


def _threshold(values: DataFrame) -> str:
    threshold = values["threshold"].iloc[0]
    if threshold == threshold:
        return f"malignant at or above {threshold:.2f}"
    return "" if values["value"].isna().all() else "a threshold for each fold"


def _draw_matrix(axes: Axes, values: DataFrame) -> None:
    """A matrix, and below it sensitivity and specificity; or the reason why there is none."""
    axes.set(xlim=(0, 2), ylim=(2, 0), aspect="equal", ylabel="True class")
    axes.set_xticks([0.5, 1.5], POSITIVE_FIRST, fontsize=9)
    axes.set_yticks([0.5, 1.5], POSITIVE_FIRST, fontsize=9, rotation=90, va="center")
    axes.tick_params(length=0)
    axes.grid(False)
    axes.spines[["top", "right"]].set_visible(True)
    if values["value"].isna().all():
        axes.set_xlabel("Predicted class")
        say(axes, values["reason"].iloc[0])
        return
    for row, names in enumerate(CELLS):
        counts = [values.loc[name, "value"] for name in names]
        for column, count in enumerate(counts):
            _draw_cell(axes, row, column, count, sum(counts))
    axes.axhline(1, color="white", linewidth=2)
    rates = [
        f"{name} {Estimate.of_row(values.loc[name])}" for name in ("sensitivity", "specificity")
    ]
    axes.set_xlabel("\n".join(["Predicted class", "", *rates]), fontsize=8.5)


def _draw_cell(axes: Axes, row: int, column: int, count: float, total: float) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    shades = LinearSegmentedColormap.from_list("percentages", ["white", PALETTE[5]])
    part = count / total if total else 0
    square = ([column, column + 1], row, row + 1)
    axes.fill_between(*square, color=shades(part), linewidth=0)
    words = f"{count:.0f}" + (f"\n{percentage(part, 0)}" if total else "")
    axes.text(column + 0.5, row + 0.5, words, ha="center", va="center", fontsize=11)


def _test_images(table: DataFrame) -> DataFrame:
    return table[(table["partition"] == "test") & (table["level"] == "image")]


def describe(table: DataFrame) -> str:
    """The four counts at each operating point."""
    sentences = []
    for point, rows in _test_images(table).groupby("point", sort=False):
        value = rows.set_index("metric")["value"]
        at = f"At the {OPERATING_POINTS[point].name}"
        if value.isna().all():
            sentences.append(f"{at} there is no confusion matrix.")
            continue
        counts = [
            f"{value[name]:.0f} {name.replace('_', ' ')}" for names in CELLS for name in names
        ]
        sentences.append(f"{at}: {', '.join(counts)}.")
    return " ".join(sentences)


FIGURE = Figure(
    name="confusion",
    schema="confusion",
    section="operating-points",
    title="Confusion matrices",
    caption="""
True and predicted class of the test images at each operating point, which was chosen on
validation: numbers, and percentages of the images of that true class. Sensitivity and specificity
with confidence intervals from a cluster bootstrap by patient.
""",
    draw=draw,
    describe=describe,
    gathered="described",
)
