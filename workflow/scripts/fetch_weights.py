"""Get the weights of a backbone as keras.applications publishes them."""

from mammo.log import log_to
from mammo.model.download import cached, fetch

if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        address, digest = snakemake.params.published
        fetch(address, digest, snakemake.output[0], cached(address.rpartition("/")[2]))
