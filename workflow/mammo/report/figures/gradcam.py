"""The Grad-CAM gallery: what the model saw and what contributed to its predictions.

The most confident mistakes come first. Everything is placed by hand, in inches: a layout engine
takes seconds for so many tiles. The tiles of a section are one picture.
"""

from typing import Any

from mammo.estimates import Estimate
from mammo.report.figure import Array, Axes, Canvas, DataFrame, Figure
from mammo.report.phrases import why_not
from mammo.report.style import GREY, PALETTE, level_of, new_figure
from mammo.words import OUTCOMES, number

SECTIONS = {
    "false_negative": "False negatives: malignant, predicted benign",
    "false_positive": "False positives: benign, predicted malignant",
    "true_positive": "True positives: malignant, predicted malignant",
    "true_negative": "True negatives: benign, predicted benign",
}
EXPLANATION = (
    "Above: what the model saw, with the lesion's outline. Below: what contributed to the "
    "predicted class, from nothing to the image's own maximum.\n"
    "Predicted malignant at or above a probability of 0.5. Of each outcome the most confident "
    "predictions, from the left."
)
COLUMNS = 8
TILE, GAP = 128, 8  # pixels
INCH = 1.2  # of a tile
PITCH = INCH * (TILE + GAP) / TILE
RISE = INCH * (2 * TILE + GAP) / TILE  # of the two tiles of an image
MARGIN, HEAD, HEADING, WORDS, NONE = 0.2, 1.35, 0.27, 0.68, 0.3  # inches
WIDTH = COLUMNS * PITCH - GAP / TILE * INCH + 2 * MARGIN
OUTLINE, OPACITY = PALETTE[5], 0.7
LINE = 23  # letters of a name below a tile


def shown_rows(rows: DataFrame) -> DataFrame:
    """The rows of gradcam.csv that the gallery shows: of each outcome the most confident."""
    import pandas as pd

    sure = (rows["probability"] - 0.5).abs()
    order = rows.assign(sure=sure).sort_values(["sure", "image_id"], ascending=[False, True])
    parts = [order[order["outcome"] == outcome].head(COLUMNS) for outcome in SECTIONS]
    return rows.loc[pd.concat(parts).index]


def draw_gallery(
    rows: DataFrame,
    images: Array,
    maps: Array,
    masks: Array,
    energy: DataFrame,
    edition: str,
) -> Canvas:
    """The gallery of `shown_rows`.

    images, maps and masks are theirs, uint8 (n, size, size); energy is gradcam_energy.csv.
    """
    counts = rows["outcome"].value_counts()
    heights = [2 * INCH + WORDS if counts.get(outcome) else NONE for outcome in SECTIONS]
    banner = 0.35 * (energy["leaks"] != "").any()
    height = banner + HEAD + sum(heights) + HEADING * len(SECTIONS) + MARGIN
    figure = new_figure(WIDTH, height)

    def write(x: float, y: float, words: str, size: float, **style: Any) -> None:
        style = {"va": "top", "fontsize": size, "parse_math": False} | style
        figure.text(x / WIDTH, 1 - y / height, words, **style)

    y = banner + MARGIN
    run = energy.iloc[0]
    write(
        MARGIN,
        y,
        f"Grad-CAM of the model's predictions, {edition} dataset: {run['experiment']}, fold "
        f"{run['fold']}, seed {run['seed']}",
        12,
    )
    words = "\n".join([EXPLANATION, *energy_words(energy)])
    write(MARGIN, y + 0.3, words, 8, color=GREY, linespacing=1.35)
    _draw_scale(figure, height, y)
    y = banner + HEAD
    for (outcome, heading), tall in zip(SECTIONS.items(), heights, strict=True):
        here = (rows["outcome"] == outcome).to_numpy().nonzero()[0]
        write(MARGIN, y, heading, 10, fontweight="bold")
        y += HEADING
        if len(here):
            part = rows.iloc[here]
            outlined = ((part["reason"] == "") | part["chance"].notna()).to_numpy()
            place = (MARGIN / WIDTH, 1 - (y + RISE) / height)
            axes = figure.add_axes((*place, 1 - 2 * MARGIN / WIDTH, RISE / height), label=outcome)
            _draw_tiles(axes, images[here], maps[here], masks[here], outlined)
            for column, row in enumerate(part.itertuples()):
                words = f"malignant: {row.probability:.3f}\n{_energy(row)}\n{_short(row.image_id)}"
                write(MARGIN + column * PITCH, y + RISE + 0.04, words, 6, linespacing=1.25)
        else:
            write(MARGIN, y, "none", 8, color=GREY)
        y += tall
    return figure


def energy_words(energy: DataFrame) -> list[str]:
    """Lines on how much of the maps' energy lies inside the outlines, from gradcam_energy.csv."""
    rows = energy[energy["group"] == "all"].set_index("measure")
    inside, chance, others = (
        Estimate.of_row(rows.loc[name]) for name in ("energy_inside", "chance", "energy_in_others")
    )
    if inside.value is None:
        return [f"The proportion inside the outlines is not known: {why_not(inside.reason)}."]
    images, level = rows.loc["energy_inside", "n"], level_of(energy)
    lines = [
        f"Of all {images} test images with an outline, a mean proportion of {inside} of a map's "
        f"sum lies inside it{level and f' (in brackets the {level})'}; "
        f"of a uniform map {number(chance.value)} would."
    ]
    if others.value is not None:
        lines.append(
            f"Inside the outlines of other patients' lesions, laid over it, lies "
            f"{number(others.value)}: maps that do not follow their own lesion reach as much."
        )
    return lines


def _energy(row: Any) -> str:
    if row.chance != row.chance:
        return "no outline"
    if row.energy_inside != row.energy_inside:
        return f"map is zero, outline {number(row.chance)}"
    return f"inside {number(row.energy_inside)}, chance {number(row.chance)}"


def _draw_tiles(axes: Axes, images: Array, maps: Array, masks: Array, outlined: Array) -> None:
    """The tiles of a section as one picture, with the outline of each lesion over both of its."""
    import numpy as np
    from PIL.Image import Resampling

    shape = (2 * TILE + GAP, COLUMNS * (TILE + GAP) - GAP)
    picture, inside = np.ones((*shape, 3)), np.full(shape, np.nan)
    for place, (image, heat, mask) in enumerate(zip(images, maps, masks, strict=True)):
        grey = np.repeat(_tile(image, Resampling.BOX)[..., None], 3, axis=2)
        heated = _heated(grey, _tile(heat, Resampling.BILINEAR)[..., None])
        across = slice(place * (TILE + GAP), place * (TILE + GAP) + TILE)
        for top, tile in ((0, grey), (TILE + GAP, heated)):
            picture[top : top + TILE, across] = tile
            if outlined[place]:
                inside[top : top + TILE, across] = _tile(mask, Resampling.BILINEAR)
    axes.imshow(picture, interpolation="none", aspect="auto")
    axes.axis("off")
    if np.nanmax(inside, initial=0) > 0.5:
        axes.contour(np.ma.masked_invalid(inside), [0.5], colors=[OUTLINE], linewidths=0.9)


def _heated(grey: Any, heat: Array) -> Array:
    """A map's colours over an image: the hotter, the less of the image shines through."""
    from matplotlib import colormaps

    opacity = OPACITY * heat
    return (1 - opacity) * grey + opacity * colormaps["inferno"](heat[..., 0])[..., :3]


def _tile(pixels: Array, how: Any) -> Array:
    """uint8 (size, size) as float (TILE, TILE) in the range 0–1."""
    import numpy as np
    from PIL import Image

    return np.asarray(Image.fromarray(pixels).resize((TILE, TILE), how), float) / 255


def _draw_scale(figure: Canvas, height: float, y: float) -> None:
    """The legend of the map's colours, over a middle grey."""
    import numpy as np

    place = ((WIDTH - MARGIN - INCH) / WIDTH, 1 - (y + 0.3) / height)
    axes = figure.add_axes((*place, INCH / WIDTH, 0.12 / height))
    heat = np.linspace(0, 1, 256)[None, :, None]
    axes.imshow(_heated(0.5, heat), aspect="auto", extent=(0, 1, 0, 1))
    axes.grid(False)
    axes.set_yticks([])
    axes.set_xticks([0, 1], ["nothing", "maximum"], fontsize=6)
    axes.tick_params(length=0, pad=2)


def _short(name: str) -> str:
    """A name in two lines at most, without the middle of a longer one.

    What cannot be printed becomes a question mark.
    """
    name = "".join(letter if letter.isprintable() else "?" for letter in name)
    if len(name) > 2 * LINE:
        name = f"{name[: LINE - 1]}…{name[-LINE:]}"
    # Broken where a word ends, if that leaves room for the rest.
    at = 1 + max(name[:LINE].rfind(mark) for mark in "_/- ")
    at = at if len(name) > LINE >= len(name) - at else LINE
    return f"{name[:at]}\n{name[at:]}".strip()


def describe(table: DataFrame) -> str:
    """How many images of each outcome the gallery shows."""
    counts = table["outcome"].value_counts()
    shown = [f"{counts[outcome]} {OUTCOMES[outcome]}" for outcome in SECTIONS if outcome in counts]
    return (
        "Test images with their Grad-CAM maps, the most confident of each outcome at a "
        f"probability of 0.5, not calibrated: {', '.join(shown)}."
    )


FIGURE = Figure(
    name="gradcam",
    schema="gradcam",
    section="gradcam",
    title="Grad-CAM",
    caption="""
Grad-CAM (Selvaraju et al. 2017, doi 10.1109/ICCV.2017.74) of test images by the first run of an
experiment: at the last convolution, of the logit, toward the predicted class. First the false
negatives and false positives that the model was most confident of, then its most confident correct
predictions. They are made at a probability of 0.5, not calibrated, so their numbers differ from
those at the thresholds chosen on validation. The line is the lesion's outline, where the dataset
has a mask; the CSV holds the rows shown. Bright places contributed to the prediction; that does
not make them the reason that a radiologist would give.
""",
    describe=describe,
)
