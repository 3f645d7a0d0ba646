"""A contact sheet of one class: a sample of its lesions, each as crop, mask and full image, to be looked at."""

import numpy as np
from matplotlib.figure import Figure

from mammo.dataset.images import decode

LESIONS, SIDE, GAP = 24, 240, 6
COLOUR = (230, 159, 0)  # of the mask's outline on the full image


def draw_contact_sheet(folder, lesions, label):
    """A Figure of up to 24 lesions of the class `label`, each the first of a patient, evenly over the table; names above.

    Of each: its crop, its mask, and its full image with the mask's outline, as far as the dataset has them. What is missing
    or does not decode keeps its place, empty, and says so.
    """
    roles = [
        role for role in ("crop", "mask", "full") if (lesions[f"{role}_file"] != "").any()
    ] or ["crop"]
    shown = (lesions[[f"{role}_file" for role in roles]] != "").any(axis=1)
    lesions = lesions[shown & (lesions["label"] == label)].drop_duplicates("patient_id")
    chosen = (
        lesions.iloc[np.unique(np.linspace(0, len(lesions) - 1, LESIONS).round().astype(int))]
        if len(lesions)
        else lesions
    )
    columns = {1: 8, 2: 4, 3: 3}[len(roles)]
    rows = max(1, -(-len(chosen) // columns))
    width = 11 / columns
    height = rows * (width / len(roles) + 0.22) + 0.5
    figure = Figure(figsize=(11, height))
    # By hand: a layout engine takes seconds for so many axes.
    figure.subplots_adjust(
        left=0.01, right=0.99, bottom=0.05 / height, top=1 - 0.6 / height, wspace=0.06, hspace=0.2
    )
    words = {
        "crop": "crop",
        "mask": "mask",
        "full": "full image" + (" with the mask's outline" if "mask" in roles else ""),
    }
    figure.suptitle(
        f"{label}: the first lesion of {len(chosen)} of {len(lesions)} patients; {', '.join(words[role] for role in roles)}",
        y=1 - 0.1 / height, va="top", fontsize=10,
    )  # fmt: skip
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes:
        ax.axis("off")
    for ax, (_, lesion) in zip(axes, chosen.iterrows(), strict=False):
        ax.set_title(
            _wrapped(lesion["image_id"], 150 // columns), fontsize=6, pad=2, parse_math=False
        )
        tiles = {role: _tile(folder, lesion[f"{role}_file"]) for role in roles}
        ax.imshow(_strip(tiles))
        for place, tile in enumerate(tiles.values()):
            if isinstance(tile, str):
                ax.text(
                    place * (SIDE + GAP) + SIDE / 2,
                    SIDE / 2,
                    tile,
                    ha="center",
                    va="center",
                    fontsize=6,
                )
    return figure


def _tile(folder, file):
    """A uint8 array (SIDE, SIDE) of the whole image, or why there is none."""
    if not file:
        return "none"
    try:
        return decode(folder / file, SIDE, "pad")
    except ValueError:
        return "cannot\nbe decoded"


def _strip(tiles):
    """The tiles side by side, uint8 (SIDE, width, 3), with the outline of the mask drawn on the full image."""
    shown = [
        np.full((SIDE, SIDE, 3), 235, np.uint8)
        if isinstance(tile, str)
        else np.repeat(tile[..., None], 3, 2)
        for tile in tiles.values()
    ]
    if all(not isinstance(tiles.get(role, ""), str) for role in ("mask", "full")):
        white = tiles["mask"] > 127
        inner = white.copy()
        for axis in (0, 1):
            for step in (-2, 2):
                inner &= np.roll(white, step, axis)
        shown[list(tiles).index("full")][white & ~inner] = COLOUR
    gap = np.full((SIDE, GAP, 3), 255, np.uint8)
    return np.concatenate([part for tile in shown for part in (tile, gap)][:-1], axis=1)


def _wrapped(name, width):
    return "\n".join(name[i : i + width] for i in range(0, min(len(name), 2 * width), width))
