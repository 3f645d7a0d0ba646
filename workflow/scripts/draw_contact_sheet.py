"""A contact sheet of one class: a sample of its lesions as crop, mask and whole image."""

import json
from pathlib import Path

from mammo.log import step
from mammo.report.figures.contact_sheet import draw_contact_sheet
from mammo.report.style import bear_fingerprint
from mammo.tables import left_in, read_table

if __name__ == "__main__":
    with step(snakemake):
        lesions = read_table(snakemake.input.lesions, "lesions")
        excluded = read_table(snakemake.input.excluded, "excluded").query("region == ''")
        lesions = left_in(lesions, excluded)
        dataset = json.loads(Path(snakemake.input.fingerprint).read_text())["fingerprint"]
        figure = draw_contact_sheet(Path(snakemake.params.path), lesions, snakemake.wildcards.label)
        bear_fingerprint(figure, dataset)
        figure.savefig(snakemake.output[0], dpi=150, metadata={"Dataset": dataset})
        print(f"drew {snakemake.output[0]}")
