"""Find duplicates among ROI crops and whole images: equal bytes, equal pixels, near-duplicates."""

from mammo.dataset.duplicates import count_words, find_duplicates
from mammo.log import step
from mammo.tables import read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        files = read_table(snakemake.input.files, "files")
        pairs = find_duplicates(snakemake.params.path, files, snakemake.threads)
        write_table(pairs, snakemake.output[0], "duplicates")
        print(*count_words(files, pairs), sep="\n")
