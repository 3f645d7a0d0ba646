"""Make the phantom edition: a small CBIS-DDSM in the Kaggle layout, drawn from a seed, with the real set's traps planted.

The best AUROC to expect is 1 - lookalikes: of each class that share of lesions is drawn like the other class, so
whoever tells every drawing right has sensitivity and specificity 1 - lookalikes, and the area under the ROC curve through
that one point is 1 - lookalikes too.
"""

from pathlib import Path

from mammo.dataset.phantom.build import build
from mammo.log import log_to

if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        params = snakemake.params
        build(
            Path(snakemake.output.planted).parent,
            params.patients,
            params.seed,
            params.lookalikes,
            snakemake.threads,
        )
