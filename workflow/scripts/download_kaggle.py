"""Download CBIS-DDSM as published on Kaggle, and verify it."""

import time

from mammo.dataset.download.kaggle import download_kaggle
from mammo.dataset.download.records import absolute, closing_words, write_record
from mammo.log import step

if __name__ == "__main__":
    with step(snakemake):
        start = time.monotonic()
        folder = absolute(snakemake.params.path) / "kaggle"
        found = download_kaggle(folder)
        found |= {"seconds": round(time.monotonic() - start, 1), "configfile": "config/kaggle.yaml"}
        write_record(snakemake.output[0], path=str(folder), **found)
        print(*closing_words(snakemake.output[0]), sep="\n")
