"""Count what the dataset holds, what each step leaves out and why, and what each partition ends up with."""

from lib.flow import count_flow
from lib.log import log_to
from lib.tables import read_table, write_table

if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        inputs = snakemake.input
        manifest = read_table(inputs.manifest, "manifest")
        flow = count_flow(
            read_table(inputs.lesions, "lesions"),
            read_table(inputs.excluded, "excluded"),
            read_table(inputs.images, "images"),
            read_table(inputs.region_excluded, "excluded"),
            read_table(inputs.undecoded, "excluded"),
            manifest,
            read_table(inputs.split_excluded, "excluded"),
            snakemake.params.region,
        )
        of_all = {column: manifest[column].iloc[0] for column in ("dataset", "leaks")}
        write_table(flow.assign(**of_all), snakemake.output[0], "flow")
        print(flow[flow["fold"] == 0].drop(columns=["fold", "description"]).to_string(index=False))
