"""How an experiment does in each subgroup of its test images."""

from mammo.log import step
from mammo.statistics.characteristics import with_crop_size
from mammo.statistics.subgroups import described, subgroups
from mammo.tables import read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        inputs, region = snakemake.input, snakemake.params.region
        scores = read_table(inputs.scores, "scores")
        lesions = with_crop_size(
            read_table(inputs.lesions, "lesions"), read_table(inputs.files, "files")
        )
        variables = described(read_table(inputs.images, "images"), lesions, region)
        origin = {column: scores[column].iloc[0] for column in ("experiment", "dataset", "leaks")}
        table = subgroups(scores, variables, snakemake.params.evaluation).assign(**origin)
        write_table(table, snakemake.output[0], "subgroups")
        print(table.drop(columns=[*origin, "metric", "confidence"]).to_string(index=False))
