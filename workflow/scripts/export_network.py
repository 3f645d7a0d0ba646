"""Export the networks of a fold, or of all, as one that averages them, with all that predicting takes where there is no TensorFlow and no dataset."""

from mammo.log import step
from mammo.model.export import main

if __name__ == "__main__":
    with step(snakemake):
        fold = snakemake.wildcards.get("fold")
        fold = None if fold is None else int(fold)
        main(
            snakemake.input,
            snakemake.output,
            snakemake.wildcards.experiment,
            fold,
            snakemake.params,
        )
