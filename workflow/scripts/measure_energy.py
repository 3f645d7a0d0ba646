"""How much of Grad-CAM's energy falls inside the lesions' masks, against chance, with intervals from drawing patients."""

from mammo.log import step
from mammo.statistics.energy import measure_energy
from mammo.tables import read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        rows = read_table(snakemake.input.table, "gradcam")
        run = {
            column: rows[column].iloc[0]
            for column in ("experiment", "fold", "seed", "dataset", "leaks")
        }
        table = measure_energy(rows, snakemake.params.evaluation).assign(**run)
        write_table(table, snakemake.output[0], "gradcam_energy")
        print(
            table[["group", "measure", "value", "low", "high", "n", "reason"]].to_string(
                index=False
            )
        )
