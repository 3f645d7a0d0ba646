"""A contact sheet of one class: a sample of its lesions as crop, mask and whole image."""

from pathlib import Path
from typing import Any

from mammo.report.figure import Array, Axes, Canvas, DataFrame, Figure
from mammo.report.style import new_figure

LESIONS, SIDE, GAP = 24, 240, 6
COLUMNS = {1: 8, 2: 4, 3: 3}  # by the number of images of a lesion
WIDTH = 11  # inches
OUTLINE = (230, 159, 0)  # of the mask on the whole image


def draw_contact_sheet(folder: Path, lesions: DataFrame, label: str) -> Canvas:
    """A figure of up to 24 lesions of the class `label`, evenly over the table; names above.

    Each is the first of a patient, and shown by its crop, its mask, and its whole image with the
    mask's outline, as far as the dataset has them. What is missing or does not decode keeps its
    place, empty, and says so.
    """
    import numpy as np

    files = {role: f"{role}_file" for role in ("crop", "mask", "full")}
    roles = [role for role, file in files.items() if (lesions[file] != "").any()] or ["crop"]
    shown = (lesions[[files[role] for role in roles]] != "").any(axis=1)
    lesions = lesions[shown & (lesions["label"] == label)].drop_duplicates("patient_id")
    places = np.linspace(0, len(lesions) - 1, LESIONS if len(lesions) else 0)
    chosen = lesions.iloc[np.unique(places.round().astype(int))]
    columns = COLUMNS[len(roles)]
    rows = max(1, -(-len(chosen) // columns))
    height = rows * (WIDTH / columns / len(roles) + 0.22) + 0.5
    figure = new_figure(WIDTH, height)
    # By hand: a layout engine takes seconds for so many axes.
    edges = {"left": 0.01, "right": 0.99, "bottom": 0.05 / height, "top": 1 - 0.6 / height}
    figure.subplots_adjust(**edges, wspace=0.06, hspace=0.2)
    outlined = " with the mask's outline" if "mask" in roles else ""
    words = {"crop": "crop", "mask": "mask", "full": f"whole image{outlined}"}
    title = f"{label}: the first lesion of {len(chosen)} of {len(lesions)} patients; " + ", ".join(
        words[role] for role in roles
    )
    figure.suptitle(title, y=1 - 0.1 / height, va="top", fontsize=10)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.axis("off")
    for axes, (_, lesion) in zip(panels, chosen.iterrows(), strict=False):
        name = _wrapped(lesion["image_id"], 150 // columns)
        axes.set_title(name, fontsize=6, pad=2, parse_math=False)
        _draw_strip(axes, {role: _tile(folder, lesion[files[role]]) for role in roles})
    return figure


def _tile(folder: Path, file: str) -> Array | str:
    """The image as uint8 (SIDE, SIDE), or why there is none."""
    from mammo.dataset.images import decode

    if not file:
        return "none"
    try:
        return decode(folder / file, SIDE, "pad")
    except ValueError:
        return "cannot\nbe decoded"


def _draw_strip(axes: Axes, tiles: dict[str, Any]) -> None:
    """The tiles side by side, with the outline of the mask on the whole image."""
    import numpy as np

    parts = {}
    for place, (role, tile) in enumerate(tiles.items()):
        if isinstance(tile, str):
            parts[role] = np.full((SIDE, SIDE, 3), 235, np.uint8)
            middle = (place * (SIDE + GAP) + SIDE / 2, SIDE / 2)
            axes.text(*middle, tile, ha="center", va="center", fontsize=6)
        else:
            parts[role] = np.repeat(tile[..., None], 3, 2)
    if not any(isinstance(tiles.get(role, ""), str) for role in ("mask", "full")):
        parts["full"][_outline(tiles["mask"])] = OUTLINE
    gap = np.full((SIDE, GAP, 3), 255, np.uint8)
    pieces = [piece for part in parts.values() for piece in (part, gap)][:-1]
    axes.imshow(np.concatenate(pieces, axis=1))


def _outline(mask: Array) -> Array:
    """The inner rim of a mask, two pixels wide."""
    import numpy as np

    white = mask > 127
    inner = white.copy()
    for axis in (0, 1):
        for step in (-2, 2):
            inner &= np.roll(white, step, axis)
    return white & ~inner


def _wrapped(name: str, width: int) -> str:
    return "\n".join(name[i : i + width] for i in range(0, min(len(name), 2 * width), width))


FIGURE = Figure(
    name="contact_sheet",
    schema="lesions",
    section="contact-sheets",
    title="Contact sheet",
    caption="""
Lesions of one class, the first of up to 24 patients, evenly over the dataset: the crop of each
and, where the dataset has them, its mask and its whole image with the mask's outline. Look for
masks, black squares and lettering among the crops: none belongs there.
""",
    category="1 Dataset",
)
