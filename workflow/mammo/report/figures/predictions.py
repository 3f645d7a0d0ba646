"""The gallery of predicted images, beside each the training images that are most similar to it."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from mammo.report.figure import Array, Axes, Canvas, DataFrame, Figure
from mammo.report.style import CLASS_COLOURS, GREY, WARNING, new_figure
from mammo.words import OPERATING_POINTS

MOST = 40  # images that it shows
DPI = 200  # as figures are saved
# Inches: the page's width and margin, an image's side, that of a training image beside it, the room
# between two of these, a line of text.
WIDTH, MARGIN, TILE, SMALL, GAP, LINE = 11.6, 0.12, 1.3, 0.39, 0.065, 0.125
COLUMNS = 4

Line = tuple[str, str, str]  # text, colour, weight


def gallery(
    rows: DataFrame,
    tiles: Sequence[Array],
    neighbours: Sequence[Array] | None,
    settings: Mapping[str, Any],
    predicted: int,
    files: int,
) -> Canvas:
    """The gallery of the `rows` of predictions.csv, in their order.

    tiles: uint8 (n, size, size), the images.
    neighbours: for each the most similar training images (up to 3, size, size), or None where
        these are not at hand, and stand there by name.
    settings: the exported model's.
    predicted, files: how many files had a probability, of how many.

    What comes from file names is drawn as it is, whatever it holds.
    """
    import numpy as np

    records = rows.to_dict("records")
    words = [_words(row, settings["thresholds"]) for row in records]
    starts = range(0, len(records), COLUMNS)
    lines = [max(map(len, words[start : start + COLUMNS])) for start in starts]
    first = 0.85 if settings["leaks"] else 0.6
    tops = np.cumsum([first, *(TILE + LINE * (number + 2) for number in lines)])
    height = tops[-1] + 0.4
    figure = new_figure(WIDTH, height)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    _draw_head(axes, len(records), predicted, files, settings)
    page = np.full((round(height * DPI), round(WIDTH * DPI)), 255, np.uint8)
    for number, row in enumerate(records):
        left, top = MARGIN + number % COLUMNS * WIDTH / COLUMNS, tops[number // COLUMNS]
        _put(page, tiles[number], left, top, TILE)
        _draw_words(axes, left, top, words[number], warned=bool(row["warnings"]))
        pictures = None if neighbours is None else neighbours[number]
        _draw_neighbours(axes, page, left + TILE + 0.1, top, row, pictures)
    if not records:
        none = "No file could be predicted; predictions.csv gives the reason for each."
        _write(axes, MARGIN, height - 0.45, none, 9)
    # One picture for all images: a picture for each would take ten times as long to draw.
    picture = np.repeat(page[..., None], 3, axis=2)
    axes.imshow(picture, extent=(0, WIDTH, height, 0), interpolation="none", zorder=0)
    axes.set(xlim=(0, WIDTH), ylim=(height, 0))
    foot = (
        "Not for clinical use. Beside each image: the most similar training images, by the "
        f"model's features. Model {model_name(settings)}, trained on dataset {settings['dataset']}."
    )
    _write(axes, MARGIN, height - 0.12, foot, 6.5, GREY)
    return figure


def model_name(settings: Mapping[str, Any]) -> str:
    """The name of an exported model's folder under results/models/: of one fold, or of all."""
    return f"{settings['experiment']}-fold{'s' if settings['fold'] is None else settings['fold']}"


def _draw_head(
    axes: Axes, shown: int, predicted: int, files: int, settings: Mapping[str, Any]
) -> None:
    """The title, the operating points, and a banner where the model's split leaks."""
    most = f"the {shown} highest of " if shown < predicted else ""
    rest = f"; {files - predicted} of {files} files excluded" if files > predicted else ""
    title = f"Probability of malignant: {most}{predicted} images{rest}"
    _write(axes, MARGIN, 0.25, title, 10, weight="bold")
    points = []
    for point, chosen in settings["thresholds"].items():
        at = chosen["threshold"]
        where = "not defined" if at is None else f"at or above {at:.2f}"
        points.append(f"{OPERATING_POINTS[point].name}: {where}")
    words = f"Calibrated. Predicted malignant at the operating points: {', '.join(points)}."
    _write(axes, MARGIN, 0.43, words, 7.5, GREY)
    if settings["leaks"]:
        text = f"NOT EVIDENCE OF PERFORMANCE: the model's split {settings['leaks']}"
        box = {"facecolor": WARNING, "edgecolor": "none", "boxstyle": "square,pad=0.3"}
        style = {"fontsize": 8, "fontweight": "bold", "parse_math": False}
        axes.text(MARGIN + 0.05, 0.66, text, color="white", bbox=box, **style)


def _words(row: Mapping[str, Any], thresholds: Mapping[str, Any]) -> list[Line]:
    """What stands below an image: the prediction, the file's name, warnings."""
    predictions = {point: row[point] for point in thresholds if row[point]}
    positive = [point for point, label in predictions.items() if label == "malignant"]
    where = "at every operating point"
    if 0 < len(positive) < len(predictions):
        where = "at " + ", ".join(OPERATING_POINTS[point].short for point in positive)
    label = "malignant" if positive else "benign"
    lines: list[Line] = [
        (f"{row['probability']:.2f}  {label} {where}", CLASS_COLOURS[label], "bold")
    ]
    name = "".join(
        letter if letter.isprintable() else ascii(letter)[1:-1] for letter in row["file"]
    )
    lines += [(part, "black", "normal") for part in _shortened(textwrap.wrap(name, 44), 2)]
    warnings: list[str] = []
    for text in filter(None, row["warnings"].split("; ")):
        warnings += textwrap.wrap(text, 46)
    return lines + [(part, WARNING, "normal") for part in _shortened(warnings, 6)]


def _shortened(lines: list[str], most: int) -> list[str]:
    return lines if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1]} …"]


def _draw_words(axes: Axes, left: float, top: float, lines: list[Line], warned: bool) -> None:
    """The lines below an image, and a frame around one with a warning."""
    from matplotlib.patches import Rectangle

    if warned:
        frame = Rectangle((left, top), TILE, TILE, fill=False, edgecolor=WARNING, linewidth=2.5)
        axes.add_patch(frame)
    for number, (text, colour, weight) in enumerate(lines):
        _write(axes, left, top + TILE + 0.15 + number * LINE, text, 7, colour, weight)


def _draw_neighbours(
    axes: Axes,
    page: Array,
    left: float,
    top: float,
    row: Mapping[str, Any],
    pictures: Array | None,
) -> None:
    """The most similar training images with their labels and distances, or their names."""
    for place in range(3):
        nearest = f"nearest_{place + 1}"
        if not row.get(nearest):
            continue
        x, y = left, top + place * (SMALL + GAP)
        names: list[str] = []
        if pictures is None:
            names = _shortened(textwrap.wrap(row[nearest], 25), 2)
        else:
            _put(page, pictures[place], x, y, SMALL)
            x += SMALL + 0.07
        label = row[f"{nearest}_label"]
        words = f"{label}, at {row[f'{nearest}_distance']:.2f}"
        _write(axes, x, y + 0.1, words, 6.5, CLASS_COLOURS[label])
        for number, name in enumerate(names, 1):
            _write(axes, x, y + 0.1 + number * 0.11, name, 6.5, GREY)


def _put(page: Array, pixels: Array, left: float, top: float, side: float) -> None:
    """Put an image on the page, a uint8 array of DPI pixels an inch."""
    from PIL import Image

    x, y, width = (round(length * DPI) for length in (left, top, side))
    tile = Image.fromarray(pixels).resize((width, width), Image.Resampling.BOX)
    page[y : y + width, x : x + width] = tile


def _write(
    axes: Axes,
    x: float,
    y: float,
    text: str,
    size: float,
    colour: str = "black",
    weight: str = "normal",
) -> None:
    style = {"verticalalignment": "baseline", "parse_math": False}
    axes.text(x, y, text, fontsize=size, color=colour, fontweight=weight, **style)


FIGURE = Figure(
    name="predictions",
    schema="predicted",
    section="",
    title="Predictions",
    caption="""
Images that were not in the dataset, the most suspicious first: the calibrated probability of
malignant, the prediction at each operating point, the most similar training images by the model's
features, and a warning where an image is out of distribution. The probability of an image with a
warning may mean nothing, and one without a warning is not proven to be in distribution.
Not for clinical use.
""",
    category="3 Predictions",
)
