"""A contact sheet of one class: a sample of its lesions, each as crop, mask and full image, to be looked at."""

import json
from pathlib import Path

from mammo.log import step
from mammo.report.figures.contact_sheet import draw_contact_sheet
from mammo.tables import read_table

if __name__ == "__main__":
    with step(snakemake):
        lesions = read_table(snakemake.input.lesions, "lesions")
        rows_lost = read_table(snakemake.input.excluded, "excluded").query("region == ''")[
            "image_id"
        ]
        lesions = lesions[~lesions["image_id"].isin(rows_lost)]
        dataset = json.loads(Path(snakemake.input.fingerprint).read_text())["fingerprint"]
        figure = draw_contact_sheet(Path(snakemake.params.path), lesions, snakemake.wildcards.label)
        figure.text(
            0.99, 0.001, f"dataset {dataset}", ha="right", va="bottom", fontsize=6, color="#777777"
        )
        figure.savefig(snakemake.output[0], dpi=150, metadata={"Dataset": dataset})
        print(f"drew {snakemake.output[0]}")
