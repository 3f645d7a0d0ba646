"""The split manifest: training, validation and test by patient, stratified by label and kind."""

from mammo.log import step
from mammo.split.draw import split_patients
from mammo.split.groups import groups_of_images
from mammo.tables import read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        images = read_table(snakemake.input.images, "images")
        groups = groups_of_images(
            read_table(snakemake.input.duplicates, "duplicates"),
            images,
            read_table(snakemake.input.lesions, "lesions"),
        )
        manifest, excluded = split_patients(images, groups, snakemake.params.split)
        write_table(manifest, snakemake.output.manifest, "manifest")
        write_table(excluded, snakemake.output.excluded, "excluded")
        print(
            manifest.groupby(["fold", "partition", "label"]).agg(
                images=("image_id", "size"), patients=("patient_id", "nunique")
            )
        )
        print(
            excluded["reason"].value_counts().to_string() if len(excluded) else "nothing left out"
        )
