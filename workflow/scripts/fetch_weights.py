"""Get the weights of a backbone as keras.applications publishes them: from Keras' own cache, or by a download."""

from mammo.log import step
from mammo.model.weights import cached, fetch

if __name__ == "__main__":
    with step(snakemake):
        address, digest = snakemake.params.published
        fetch(address, digest, snakemake.output[0], cached(address.rpartition("/")[2]))
