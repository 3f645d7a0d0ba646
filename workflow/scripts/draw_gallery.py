"""Draw the Grad-CAM gallery of one experiment, and list what it shows."""

import numpy as np

from mammo.dataset.tensors import Shards
from mammo.log import step
from mammo.report.figures.gradcam import draw_gallery, shown_rows
from mammo.report.style import marked
from mammo.stamps import save_figure
from mammo.tables import read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        inputs, output = snakemake.input, snakemake.output
        rows = shown_rows(read_table(inputs.table, "gradcam"))
        write_table(rows, output.csv, "gradcam")
        energy = read_table(inputs.energy, "gradcam_energy")
        index = read_table(inputs.index, "index")
        places = rows[["image_id"]].merge(index, on="image_id", validate="1:1")["row"]
        images = Shards(inputs.pixels)[places.to_numpy(np.int64)]
        here = rows["row"].to_numpy(np.int64)
        maps, masks = (np.load(path, mmap_mode="r")[here] for path in (inputs.maps, inputs.masks))
        figure = draw_gallery(rows, images, maps, masks, energy, snakemake.params.edition)
        figure = marked(figure, energy)
        save_figure(figure, [output.png, output.svg], output.csv, energy["dataset"].iloc[0])
        print(f"drew {len(rows)} images: {rows['outcome'].value_counts().to_dict()}")
