"""What each step took, as a table, and what to ask a cluster for, as part of a profile."""

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
