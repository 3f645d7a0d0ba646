"""Write the model.json of an exported network: what its export found, and how well it does on test images, with intervals."""

from mammo.log import step
from mammo.model.description import main

if __name__ == "__main__":
    with step(snakemake):
        fold = snakemake.wildcards.get("fold")
        main(
            snakemake.input,
            snakemake.output[0],
            None if fold is None else int(fold),
            snakemake.params.evaluation,
        )
