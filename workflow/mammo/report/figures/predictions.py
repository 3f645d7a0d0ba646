"""The gallery of predicted images: each as the network saw it, what it says of it, and the training images that are nearest."""

import textwrap

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from mammo.report.figures.style import PALETTE

MOST = 40  # images that it shows
DPI = 200  # as figures are saved
# Inches: the page's width and margin, an image's side, that of a training image beside it, the room between two, a line of text.
WIDTH, MARGIN, TILE, SMALL, GAP, LINE = 11.6, 0.12, 1.3, 0.39, 0.065, 0.125
COLUMNS = 4
WARNING, GREY = "#C0232C", "#555555"
CALLS = {"malignant": PALETTE[1], "benign": PALETTE[0]}
POINTS = {"youden": "Youden", "sensitivity_90": "sensitivity 0.90", "half": "one half"}


def gallery(rows, tiles, neighbours, settings, predicted, files):
    """A Figure of the `rows` of predictions.csv, in their order.

    tiles: uint8 (n, size, size), the images. neighbours: for each the nearest training images (up to 3, size, size), or None
    where these are not at hand, and stand there by name. settings: the network's. predicted, files: how many files had a
    probability, of how many. What comes from file names is drawn as it is, whatever it holds.
    """
    rows = rows.to_dict("records")
    words = [_words(row, settings["thresholds"]) for row in rows]
    lines = [
        max(map(len, words[start : start + COLUMNS])) for start in range(0, len(rows), COLUMNS)
    ]
    top = 0.85 if settings["leaks"] else 0.6
    tops = np.cumsum([top, *(TILE + LINE * (number + 2) for number in lines)])
    height = tops[-1] + 0.4
    figure = Figure(figsize=(WIDTH, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    _head(axes, len(rows), predicted, files, settings)
    page = np.full((round(height * DPI), round(WIDTH * DPI)), 255, np.uint8)
    for number, row in enumerate(rows):
        left, top = MARGIN + number % COLUMNS * WIDTH / COLUMNS, tops[number // COLUMNS]
        _put(page, tiles[number], left, top, TILE)
        if row["warnings"]:
            axes.add_patch(
                Rectangle((left, top), TILE, TILE, fill=False, edgecolor=WARNING, linewidth=2.5)
            )
        for line, (text, colour, weight) in enumerate(words[number]):
            _write(axes, left, top + TILE + 0.15 + line * LINE, text, 7, colour, weight)
        for place in range(3):
            if not row.get(f"nearest_{place + 1}"):
                continue
            beside, below = left + TILE + 0.1, top + place * (SMALL + GAP)
            label, name, apart = (
                row[f"nearest_{place + 1}{part}"] for part in ("_label", "", "_distance")
            )
            if neighbours is None:
                named = _shortened(textwrap.wrap(name, 25), 2)
            else:
                _put(page, neighbours[number][place], beside, below, SMALL)
                named, beside = [], beside + SMALL + 0.07
            for line, text in enumerate([f"{label}, at {apart:.2f}", *named]):
                _write(
                    axes,
                    beside,
                    below + 0.1 + line * 0.11,
                    text,
                    6.5,
                    GREY if line else CALLS[label],
                )
    if not rows:
        _write(
            axes,
            MARGIN,
            height - 0.45,
            "No file could be shown; predictions.csv tells why of each.",
            9,
        )
    # One picture for all images: a picture for each would take ten times as long to draw.
    axes.imshow(
        np.repeat(page[..., None], 3, axis=2),
        extent=(0, WIDTH, height, 0),
        interpolation="none",
        zorder=0,
    )
    axes.set(xlim=(0, WIDTH), ylim=(height, 0))
    network = f"{model_name(settings)}, trained on dataset {settings['dataset']}"
    beside = "Beside each image: the nearest training images, by the features that the network makes of it."
    _write(
        axes, MARGIN, height - 0.12, f"Not for clinical use. {beside} Network {network}.", 6.5, GREY
    )
    return figure


def model_name(settings):
    """The name of an exported network, that of its folder under results/models/: of one fold, or of all."""
    return f"{settings['experiment']}-fold{'s' if settings['fold'] is None else settings['fold']}"


def _head(axes, shown, predicted, files, settings):
    """The title, the operating points, and a banner where the network's split leaks."""
    most = f"the {shown} highest of " if shown < predicted else ""
    rest = f"; {files - predicted} of {files} files could not be shown" if files > predicted else ""
    _write(
        axes,
        MARGIN,
        0.25,
        f"Probability of malignant: {most}{predicted} images{rest}",
        10,
        weight="bold",
    )
    points = ", ".join(
        f"{POINTS.get(point, point)}: "
        + ("none" if told["threshold"] is None else f"from {told['threshold']:.2f} on")
        for point, told in settings["thresholds"].items()
    )
    _write(
        axes,
        MARGIN,
        0.43,
        f"Calibrated. Called malignant, at the operating points: {points}.",
        7.5,
        GREY,
    )
    if settings["leaks"]:
        text = f"NOT EVIDENCE OF PERFORMANCE: the network's split {settings['leaks']}"
        box = {"facecolor": WARNING, "edgecolor": "none", "boxstyle": "square,pad=0.3"}
        axes.text(
            MARGIN + 0.05,
            0.66,
            text,
            color="white",
            fontsize=8,
            fontweight="bold",
            bbox=box,
            parse_math=False,
        )


def _words(row, thresholds):
    """What stands below an image, as lines (text, colour, weight)."""
    calls = {point: row[point] for point in thresholds if row[point]}
    malignant = [
        POINTS.get(point, point) for point, called in calls.items() if called == "malignant"
    ]
    where = (
        f"at {', '.join(malignant)}"
        if 0 < len(malignant) < len(calls)
        else "at every operating point"
    )
    called = "malignant" if malignant else "benign"
    lines = [(f"{row['probability']:.2f}  {called} {where}", CALLS[called], "bold")]
    name = "".join(
        letter if letter.isprintable() else ascii(letter)[1:-1] for letter in row["file"]
    )
    lines += [(part, "black", "normal") for part in _shortened(textwrap.wrap(name, 44), 2)]
    warned = [
        part
        for text in filter(None, row["warnings"].split("; "))
        for part in textwrap.wrap(text, 46)
    ]
    return lines + [(part, WARNING, "normal") for part in _shortened(warned, 6)]


def _shortened(lines, most):
    return lines if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1]} …"]


def _put(page, pixels, left, top, side):
    """Put an image on the page, a uint8 array of DPI pixels an inch."""
    x, y, side = (round(length * DPI) for length in (left, top, side))
    page[y : y + side, x : x + side] = Image.fromarray(pixels).resize(
        (side, side), Image.Resampling.BOX
    )


def _write(axes, x, y, text, size, colour="black", weight="normal"):
    axes.text(
        x,
        y,
        text,
        fontsize=size,
        color=colour,
        fontweight=weight,
        verticalalignment="baseline",
        parse_math=False,
    )
