"""How much of Grad-CAM's energy falls inside the lesions' masks, against chance."""

from mammo.log import step
from mammo.statistics.energy import measure_energy
from mammo.statistics.settings import Evaluation
from mammo.tables import origin_of, read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        rows = read_table(snakemake.input.table, "gradcam")
        table = measure_energy(rows, Evaluation(**snakemake.params.evaluation))
        run = {column: rows[column].iloc[0] for column in ("experiment", "fold", "seed")}
        write_table(table.assign(**run, **origin_of(rows)), snakemake.output[0], "gradcam_energy")
        columns = ["group", "measure", "value", "low", "high", "n", "reason"]
        print(table[columns].to_string(index=False))
