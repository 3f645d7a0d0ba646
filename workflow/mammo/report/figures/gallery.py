"""The gallery of Grad-CAM: what the network saw and what spoke for its call, the most confident mistakes first.

Everything is placed by hand, in inches: a layout engine takes seconds for so many tiles. The tiles of a section are one picture.
"""

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from PIL import Image

from mammo.report.figures.style import PALETTE

SECTIONS = {
    "false_negative": "Missed cancers: malignant, called benign",
    "false_positive": "False alarms: benign, called malignant",
    "true_positive": "Called malignant, and malignant",
    "true_negative": "Called benign, and benign",
}
COLUMNS = 8
TILE, GAP = 128, 8  # pixels
INCH = 1.2  # of a tile
MARGIN, HEAD, HEADING, WORDS, NONE = 0.2, 1.35, 0.27, 0.68, 0.3  # inches
OUTLINE = PALETTE[5]
HEAT, OPACITY = colormaps["inferno"], 0.7
GREY = "#555555"


def shown_rows(rows):
    """The rows of gradcam.csv that the gallery shows, in its order: of each section those that the network was most sure of."""
    sure = (rows["probability"] - 0.5).abs()
    order = rows.assign(sure=sure).sort_values(["sure", "image_id"], ascending=[False, True])
    parts = [order[order["outcome"] == outcome].head(COLUMNS) for outcome in SECTIONS]
    return rows.loc[[index for part in parts for index in part.index]]


def gallery(rows, images, maps, masks, energy, edition):
    """A Figure. rows: those of `shown_rows`; images, maps and masks: uint8 (n, size, size), theirs; energy: gradcam_energy.csv."""
    counts = rows["outcome"].value_counts()
    heights = [2 * INCH + WORDS if counts.get(outcome) else NONE for outcome in SECTIONS]
    banner = 0.35 * any(energy["leaks"] != "")
    pitch = INCH * (TILE + GAP) / TILE
    width = COLUMNS * pitch - GAP / TILE * INCH + 2 * MARGIN
    height = banner + HEAD + sum(heights) + HEADING * len(SECTIONS) + MARGIN
    figure = Figure(figsize=(width, height))

    def write(x, y, words, size, **style):
        figure.text(
            x / width, 1 - y / height, words, va="top", fontsize=size, parse_math=False, **style
        )

    y = banner + MARGIN
    run = energy.iloc[0]
    write(MARGIN, y, f"What spoke for the network's calls: Grad-CAM, {edition} edition, {run['experiment']}, fold {run['fold']}, seed {run['seed']}", 12)  # fmt: skip
    write(
        MARGIN,
        y + 0.3,
        "\n".join([*EXPLANATION, *energy_words(energy)]),
        8,
        color=GREY,
        linespacing=1.35,
    )
    _scale(figure, width, height, y)
    y = banner + HEAD
    for (outcome, heading), tall in zip(SECTIONS.items(), heights, strict=True):
        here = np.flatnonzero(rows["outcome"] == outcome)
        write(MARGIN, y, heading, 10, fontweight="bold")
        y += HEADING
        if len(here):
            part = rows.iloc[here]
            axes = figure.add_axes((0, 0, 1, 1), label=outcome)
            _draw(
                axes,
                images[here],
                maps[here],
                masks[here],
                (part["reason"] == "") | part["chance"].notna(),
            )
            rise = (2 * TILE + GAP) / TILE * INCH
            axes.set_position(
                (MARGIN / width, 1 - (y + rise) / height, 1 - 2 * MARGIN / width, rise / height)
            )
            for place, row in enumerate(part.itertuples()):
                words = f"malignant: {row.probability:.3f}\n{_energy(row)}\n{_short(row.image_id)}"
                write(MARGIN + place * pitch, y + rise + 0.04, words, 6, linespacing=1.25)
        else:
            write(MARGIN, y, "none", 8, color=GREY)
        y += tall
    return figure


EXPLANATION = [
    "Above what the network saw, with the lesion's outline; below what spoke for the class that it called, from nothing to the image's own most.",
    "A call is malignant from a probability of 0.5 on. Of each kind those that the network was most sure of, from the left.",
]


def energy_words(energy):
    """Lines that tell how much of the maps' energy lies inside the outlines, from gradcam_energy.csv."""
    rows = energy[energy["group"] == "all"].set_index("measure")
    inside = rows.loc["energy_inside"]
    if np.isnan(inside["value"]):
        return [f"How much of it lies inside the outlines is not known: {inside['reason']}."]
    lines = [f"Of all {inside['n']} test images with an outline, {_value(inside)} of a map's sum lies inside it on average; of an even map {_share(rows.loc['chance', 'value'])} would."]  # fmt: skip
    if not np.isnan(others := rows.loc["energy_in_others", "value"]):
        lines.append(f"Inside the outlines of other patients' lesions, laid over it, lies {_share(others)}: maps that do not follow their own lesion reach as much.")  # fmt: skip
    return lines


def _value(row):
    interval = "" if np.isnan(row["low"]) else f" [{_share(row['low'])}, {_share(row['high'])}]"
    return _share(row["value"]) + interval


def _share(value):
    return (
        f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"
    )  # of whole images, lesions are a hundredth


def _energy(row):
    if np.isnan(row.chance):
        return "no outline"
    if np.isnan(row.energy_inside):
        return f"map is zero, outline {_share(row.chance)}"
    return f"inside {_share(row.energy_inside)}, chance {_share(row.chance)}"


def _draw(axes, images, maps, masks, outlined):
    """The tiles of a section as one picture, and the outlines over both of each lesion's."""
    shape = (2 * TILE + GAP, COLUMNS * (TILE + GAP) - GAP)
    picture, inside = np.ones((*shape, 3)), np.full(shape, np.nan)
    for place, (image, heat, mask) in enumerate(zip(images, maps, masks, strict=True)):
        grey = np.repeat(_tile(image, Image.Resampling.BOX)[..., None], 3, axis=2)
        heat = _tile(heat, Image.Resampling.BILINEAR)
        opacity = OPACITY * heat[..., None]
        across = slice(place * (TILE + GAP), place * (TILE + GAP) + TILE)
        for top, tile in {
            0: grey,
            TILE + GAP: (1 - opacity) * grey + opacity * HEAT(heat)[..., :3],
        }.items():
            picture[top : top + TILE, across] = tile
            if outlined.iloc[place]:
                inside[top : top + TILE, across] = _tile(mask, Image.Resampling.BILINEAR)
    axes.imshow(picture, interpolation="none", aspect="auto")
    axes.axis("off")
    if np.nanmax(inside, initial=0) > 0.5:
        axes.contour(np.ma.masked_invalid(inside), [0.5], colors=[OUTLINE], linewidths=0.9)


def _tile(pixels, how):
    """uint8 (size, size) as float (TILE, TILE) of 0 to 1."""
    return np.asarray(Image.fromarray(pixels).resize((TILE, TILE), how), float) / 255


def _scale(figure, width, height, y):
    """The legend of the heat's colours, over a middle grey."""
    axes = figure.add_axes(
        ((width - MARGIN - INCH) / width, 1 - (y + 0.3) / height, INCH / width, 0.12 / height)
    )
    heat = np.linspace(0, 1, 256)[None, :, None]
    axes.imshow(
        OPACITY * heat * HEAT(heat[..., 0])[..., :3] + (1 - OPACITY * heat) * 0.5,
        aspect="auto",
        extent=(0, 1, 0, 1),
    )
    axes.grid(False)
    axes.set_yticks([])
    axes.set_xticks([0, 1], ["nothing", "most"], fontsize=6)
    axes.tick_params(length=0, pad=2)


def _short(name, line=23):
    """A name in two lines at most, the middle of a longer one left out; what cannot be printed as a question mark."""
    name = "".join(letter if letter.isprintable() else "?" for letter in name)
    if len(name) > 2 * line:
        name = f"{name[: line - 1]}…{name[-line:]}"
    # Broken where a word ends, if that leaves room for the rest.
    at = 1 + max(name[:line].rfind(mark) for mark in "_/- ")
    at = at if len(name) > line >= len(name) - at else line
    return f"{name[:at]}\n{name[at:]}".strip()
