"""Get the weights of a backbone as keras.applications publishes them."""

from mammo.log import step
from mammo.model.download import cached, fetch

if __name__ == "__main__":
    with step(snakemake):
        address, digest = snakemake.params.published
        fetch(address, digest, snakemake.output[0], cached(address.rpartition("/")[2]))
