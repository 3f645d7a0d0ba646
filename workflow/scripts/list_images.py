"""List the images of a region: the file of each, what it shows, and the lesions that have none."""

import json
from pathlib import Path

from mammo.dataset.regions import list_images
from mammo.dataset.settings import Image
from mammo.log import step
from mammo.tables import read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        inputs, outputs = snakemake.input, snakemake.output
        images, excluded = list_images(
            read_table(inputs.lesions, "lesions"),
            read_table(inputs.files, "files"),
            read_table(inputs.excluded, "excluded"),
            Image(**snakemake.params.region),
        )
        dataset = json.loads(Path(inputs.fingerprint).read_text())["fingerprint"]
        write_table(images.assign(dataset=dataset), outputs.images, "images")
        write_table(excluded.assign(dataset=dataset), outputs.excluded, "excluded")
        print(
            f"{len(images)} images, {images['patient_id'].nunique()} patients;"
            f" {len(excluded)} lesions excluded"
        )
