"""Decode one shard of a region's images, each once; list those that cannot be decoded."""

from mammo.dataset.decoding import decode_images, rows_of_shard
from mammo.dataset.settings import Image
from mammo.log import step
from mammo.tables import count_rows, read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        table, outputs, params = snakemake.input.images, snakemake.output, snakemake.params
        image = Image(**params.image)
        start, stop = rows_of_shard(snakemake.wildcards.shard, count_rows(table))
        images = read_table(table, "images", rows=(start, stop))
        problems = decode_images(params.path, images, image, snakemake.threads, outputs.pixels)
        images = images.assign(row=range(start, stop), detail=problems, reason="cannot_decode")
        failed = images["detail"].notna()
        write_table(images[~failed], outputs.index, "index")
        write_table(images[failed], outputs.excluded, "excluded")
        print(
            f"{(~failed).sum()} images of {image.size} x {image.size}; {failed.sum()} could not be"
            " decoded"
        )
