"""Decode every usable image once, into one array that training maps into memory; list those that do not decode."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from lib.images import decode
from lib.log import InputError, log_to, some
from lib.tables import left_in, read_table, write_table


def decode_images(folder, lesions, size, workers, out):
    """Fill `out`, a uint8 array (n, size, size), with the n lesions' crops. Returns (index, excluded), both DataFrames.

    A row whose image does not decode stays zero and is in `excluded` instead of in `index`.
    """

    def one(row, file):
        try:
            out[row] = decode(folder / file, size)
        except ValueError as error:
            return f"{file}: {error}"
        return None

    # Pillow and NumPy let go of Python's lock while they work, so threads use all cores. NumPy's own threads would only get
    # in each other's way: small products took ten times as long.
    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        problems = list(pool.map(one, range(len(lesions)), lesions["crop_file"]))
    lesions = lesions.assign(row=range(len(lesions)), reason="cannot_decode", detail=problems)
    bad = lesions["detail"].notna()
    return lesions.loc[~bad, ["image_id", "row"]], lesions.loc[bad, ["image_id", "patient_id", "reason", "detail"]]


def main(folder, lesions, excluded, size, workers, output):
    lesions = left_in(read_table(lesions, "lesions"), read_table(excluded, "excluded"))
    pixels = np.lib.format.open_memmap(output.pixels, "w+", np.uint8, (len(lesions), size, size))
    index, undecoded = decode_images(Path(folder), lesions, size, workers, pixels)
    pixels.flush()
    if index.empty:
        raise InputError(
            f"{folder}: not one of {len(lesions)} images could be decoded: {some(undecoded['detail'], 3)}. Is the copy whole?"
        )
    write_table(index, output.index, "index")
    write_table(undecoded, output.excluded, "excluded")
    print(f"{len(index)} images of {size} x {size}; {len(undecoded)} could not be decoded")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            snakemake.params.path,
            snakemake.input.lesions,
            snakemake.input.excluded,
            snakemake.params.size,
            snakemake.threads,
            snakemake.output,
        )
