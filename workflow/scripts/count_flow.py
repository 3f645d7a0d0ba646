"""Count what the dataset holds, what each step leaves out and why, and what each partition ends up with."""

from mammo.log import step
from mammo.split.flow import count_flow, read_account
from mammo.tables import write_table

if __name__ == "__main__":
    with step(snakemake):
        account = read_account(snakemake.input)
        flow = count_flow(**account, region=snakemake.params.region)
        of_all = {column: account["manifest"][column].iloc[0] for column in ("dataset", "leaks")}
        write_table(flow.assign(**of_all), snakemake.output[0], "flow")
        print(flow[flow["fold"] == 0].drop(columns=["fold", "description"]).to_string(index=False))
