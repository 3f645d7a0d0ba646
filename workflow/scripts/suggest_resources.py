"""What each step took, as a table, and what to ask a cluster for, as the `set-resources` block of a Snakemake profile.

Memory is the largest resident set: the sum over a job's processes, with the pages of mapped files. Of the measures in a benchmark
file it alone does not lie below what a job may be killed for, where a scheduler adds up resident sets. (The proportional set divides
shared pages among all that map them, other jobs too; the unique set leaves them out.) Of mapped tensors it says too much
rather than too little. It is looked at every half second, later every 30, so that a peak may be missed: hence the headroom.
"""

from pathlib import Path

from mammo.log import step
from mammo.study.resources import as_profile, measured
from mammo.tables import write_table

if __name__ == "__main__":
    with step(snakemake):
        output = snakemake.output
        table = measured(Path(output.table).parent / "benchmarks", snakemake.params.rules)
        write_table(table, output.table, "resources")
        Path(output.profile).write_text(as_profile(table), encoding="utf-8")
        print(f"{len(table)} steps, {table['jobs'].sum()} jobs")
