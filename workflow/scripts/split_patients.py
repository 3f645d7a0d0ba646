"""The split manifest: training, validation and test by patient, stratified by label and kind."""

from mammo.log import log_to
from mammo.split.assignment import split_patients
from mammo.split.groups import groups_of_images
from mammo.split.settings import Split
from mammo.tables import read_table, write_table

if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        inputs, outputs = snakemake.input, snakemake.output
        images = read_table(inputs.images, "images")
        lesions = read_table(inputs.lesions, "lesions")
        duplicates = read_table(inputs.duplicates, "duplicates")

        groups = groups_of_images(duplicates, images, lesions)
        manifest, excluded = split_patients(images, groups, Split(**snakemake.params.split))

        write_table(manifest, outputs.manifest, "manifest")
        write_table(excluded, outputs.excluded, "excluded")
        counts = {"images": ("image_id", "size"), "patients": ("patient_id", "nunique")}
        print(manifest.groupby(["fold", "partition", "label"]).agg(**counts))
        print("excluded:", excluded["reason"].value_counts().to_dict() or "nothing")
