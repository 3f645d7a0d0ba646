"""Count what the dataset holds, what each step excludes and why, and what each partition holds."""

from mammo.log import log_to
from mammo.split.flow import count_flow, read_account
from mammo.tables import origin_of, write_table

if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        account = read_account(snakemake.input)
        flow = count_flow(account, snakemake.params.region)
        write_table(flow.assign(**origin_of(account.manifest)), snakemake.output[0], "flow")
        print(flow[flow["fold"] == 0].drop(columns=["fold", "description"]).to_string(index=False))
