"""How an experiment does in each subgroup of its test images."""

from mammo.log import step
from mammo.statistics.characteristics import with_crop_size
from mammo.statistics.settings import Evaluation
from mammo.statistics.subgroups import described, subgroups
from mammo.tables import origin_of, read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        inputs = snakemake.input
        scores = read_table(inputs.scores, "scores")
        images = read_table(inputs.images, "images")
        files = read_table(inputs.files, "files")
        lesions = with_crop_size(read_table(inputs.lesions, "lesions"), files)
        variables = described(images, lesions, snakemake.params.region)
        table = subgroups(scores, variables, Evaluation(**snakemake.params.evaluation))
        origin = {"experiment": scores["experiment"].iloc[0], **origin_of(scores)}
        write_table(table.assign(**origin), snakemake.output[0], "subgroups")
        print(table.drop(columns=["metric", "confidence"]).to_string(index=False))
