"""A contact sheet of one class: a sample of its crops, as the dataset has them, to be looked at."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from lib.images import decode
from lib.log import log_to
from lib.tables import left_in, read_table

COLUMNS, ROWS, SIDE = 8, 6, 160


def draw_contact_sheet(folder, lesions, label):
    """A Figure of up to 48 crops of the class `label`, each the first of a patient, evenly over the table; names above.

    An image that does not decode keeps its place, empty, and says so.
    """
    lesions = lesions[lesions["label"] == label].drop_duplicates("patient_id")
    chosen = (
        lesions.iloc[np.unique(np.linspace(0, len(lesions) - 1, COLUMNS * ROWS).round().astype(int))]
        if len(lesions)
        else lesions
    )
    rows = max(1, -(-len(chosen) // COLUMNS))
    height = rows * 1.55 + 0.5
    figure = Figure(figsize=(COLUMNS * 1.35, height))
    # By hand: a layout engine takes seconds for so many axes.
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.05 / height, top=1 - 0.6 / height, wspace=0.06, hspace=0.18)
    figure.suptitle(
        f"{label}: the first lesion of {len(chosen)} of {len(lesions)} patients", y=1 - 0.1 / height, va="top"
    )
    axes = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for ax in axes:
        ax.axis("off")
    for ax, lesion in zip(axes, chosen.itertuples(), strict=False):
        ax.set_title(_wrapped(lesion.image_id), fontsize=4.5, pad=2, parse_math=False)
        try:
            ax.imshow(decode(folder / lesion.crop_file, SIDE), cmap="gray", vmin=0, vmax=255)
        except ValueError:
            ax.text(0.5, 0.5, "cannot\nbe decoded", ha="center", va="center", fontsize=6)
    return figure


def _wrapped(name, width=34):
    return "\n".join(name[i : i + width] for i in range(0, min(len(name), 3 * width), width))


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        lesions = left_in(
            read_table(snakemake.input.lesions, "lesions"), read_table(snakemake.input.excluded, "excluded")
        )
        draw_contact_sheet(Path(snakemake.params.path), lesions, snakemake.wildcards.label).savefig(
            snakemake.output[0], dpi=150
        )
        print(f"drew {snakemake.output[0]}")
