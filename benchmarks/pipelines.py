"""This workflow's way from JPEGs to a trained network beside three that people would write, on the same images.

    make bench

Ours decodes each image once and trains on what was decoded. The others are as Keras's documentation shows them: (a) the original
notebook's, ImageDataGenerator.flow_from_directory, (b) image_dataset_from_directory with augmentation layers, without and with
`.cache()`. All train the original network in batches of 64 with its augmentation, 80 % of the images for training and 20 % for
validation, in processes of their own that take turns. Time counts from the first file opened to the end of an epoch, without imports:
`cold` with nothing prepared, and of ours also `warm`, with the images decoded before. Writes benchmarks/pipelines.csv and .png.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "workflow"))

WAYS = {
    "ours": "this workflow",
    "generator": "(a) ImageDataGenerator",
    "dataset": "(b) image_dataset_from_directory",
    "cached": "(b) with cache()",
}
# Of the ratios at 10 epochs, cold, 64 pixels: what is asked for.
WANTED = {("full", "generator"): 20, ("full", "dataset"): 15, ("crop", "generator"): 2}


def in_process(way, folder, size, epochs):
    """Seconds after which each epoch ended, a list; of ours, in front, those after which the images were decoded."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from throughput import AUGMENTATION, BATCH, TRAINING

    from lib.devices import use_devices

    if way == "ours":
        use_devices(2)
    import keras
    import numpy as np
    import pandas as pd

    from lib.networks import seed_cnn

    ends, begun = [], time.perf_counter()
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter() - begun))
    if way == "ours":
        import scripts.train_network as ours
        from scripts.decode_images import decode_images

        files = sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*.jpg"))
        images = pd.DataFrame(
            {"file": files, "label": [file.split("/")[0] for file in files], "row": range(len(files))}
        )
        images["partition"] = np.where(np.arange(len(files)) % 5, "training", "validation")
        with tempfile.TemporaryDirectory() as scratch:
            pixels = np.lib.format.open_memmap(f"{scratch}/pixels.npy", "w+", np.uint8, (len(files), size, size))
            settings = {"region": "crop", "fit": "stretch", "size": size}
            assert not any(decode_images(folder, images, settings, 2, pixels))
            ends.append(time.perf_counter() - begun)
            training = TRAINING | {"epochs": epochs, "patience": epochs}
            seed_dropout = ours.seed_dropout

            def timed(model, seed, epoch):  # called as an epoch begins, so when the one before it has ended
                if epoch:
                    ends.append(time.perf_counter() - begun)
                seed_dropout(model, seed, epoch)

            ours.seed_dropout = timed
            ours.train_network(
                pixels, images, 1, "seed_cnn", training, AUGMENTATION, (f"{scratch}/checkpoint.npz", "key")
            )
            ends.append(time.perf_counter() - begun)
        return ends

    if way == "generator":
        from keras.src.legacy.preprocessing.image import ImageDataGenerator

        rescaled = seed_cnn(size)
        model = keras.Sequential(rescaled.layers[1:])  # the generator rescales
        drawn = ImageDataGenerator(
            rescale=1 / 255, rotation_range=20, width_shift_range=0.2, height_shift_range=0.2, shear_range=0.2,
            zoom_range=0.2, horizontal_flip=True, validation_split=0.2,
        )  # fmt: skip
        plain = ImageDataGenerator(rescale=1 / 255, validation_split=0.2)
        read = {"target_size": (size, size), "batch_size": BATCH, "class_mode": "binary"}
        training = drawn.flow_from_directory(folder, subset="training", **read)
        validation = plain.flow_from_directory(folder, subset="validation", shuffle=False, **read)
    else:
        import tensorflow as tf

        model = seed_cnn(size)
        augment = keras.Sequential(
            [
                keras.layers.RandomFlip("horizontal"),
                keras.layers.RandomRotation(20 / 360),
                keras.layers.RandomTranslation(0.2, 0.2),
                keras.layers.RandomZoom((-0.2, 0.2), (-0.2, 0.2)),
            ]
        )
        read = {
            "image_size": (size, size),
            "batch_size": BATCH,
            "label_mode": "binary",
            "validation_split": 0.2,
            "seed": 1,
        }
        training, validation = keras.utils.image_dataset_from_directory(folder, subset="both", verbose=False, **read)
        if way == "cached":
            training, validation = training.cache(), validation.cache()
        training = training.map(lambda x, y: (augment(x, training=True), y), num_parallel_calls=tf.data.AUTOTUNE)
        training, validation = training.prefetch(tf.data.AUTOTUNE), validation.prefetch(tf.data.AUTOTUNE)
    model.compile("adam", loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(training, validation_data=validation, epochs=epochs, callbacks=[clock], verbose=0)
    return ends


def timed(way, folder, size, epochs):
    """in_process, in a process of its own."""
    command = [sys.executable, __file__, "--one", json.dumps([way, str(folder), size, epochs])]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def measure(folder, kind, size, epochs, rounds):
    """Yield rows: of each round, way, state and number of epochs the seconds it took."""
    for number in range(rounds):
        for way in WAYS:
            ends = timed(way, folder, size, max(epochs))
            decoded = ends.pop(0) if way == "ours" else 0
            for state, less in [("cold", 0), *([("warm", decoded)] if way == "ours" else [])]:
                for epoch in epochs:
                    yield {"images": kind, "size": size, "way": way, "state": state, "round": number,
                           "epochs": epoch, "seconds": round(ends[epoch - 1] - less, 3)}  # fmt: skip


def ratios(table, kind, size, way, epochs):
    """(median of the others' time / median of ours, least, most of the rounds), all cold."""
    rows = table[
        (table["images"] == kind) & (table["size"] == size) & (table["epochs"] == epochs) & (table["state"] == "cold")
    ]
    ours, theirs = (rows[rows["way"] == name].sort_values("round")["seconds"].to_list() for name in ("ours", way))
    each = [b / a for a, b in zip(ours, theirs, strict=True)]
    return statistics.median(theirs) / statistics.median(ours), min(each), max(each)


def draw(table, path):
    from matplotlib.figure import Figure

    panels = list(table.groupby(["images", "size"], sort=False))
    figure = Figure(figsize=(4.4 * len(panels), 4), layout="constrained")
    for axes, ((kind, size), rows) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for (way, state), part in rows.groupby(["way", "state"], sort=False):
            seconds = part.groupby("epochs")["seconds"]
            line = axes.loglog(
                seconds.median(),
                "o--" if state == "warm" else "o-",
                label=WAYS[way] + (", decoded before" if state == "warm" else ""),
            )[0]
            axes.fill_between(
                seconds.min().index, seconds.min(), seconds.max(), color=line.get_color(), alpha=0.2, linewidth=0
            )
        axes.set_title(f"{ {'full': 'whole mammograms', 'crop': 'lesion crops'}[kind] }, {size} × {size}", loc="left")
        axes.set_xlabel("Epochs")
        axes.set_xticks(sorted(table["epochs"].unique()), sorted(table["epochs"].unique()))
        axes.minorticks_off()
        axes.grid(True, color="#dddddd", linewidth=0.5)
    figure.axes[0].set_ylabel("Seconds from the first file opened")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False)
    figure.savefig(path, dpi=150)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--full", type=int, default=40, help="whole mammograms to make")
    arguments.add_argument("--crops", type=int, default=1000, help="crops to make")
    arguments.add_argument("--sizes", type=int, nargs="+", default=[64, 224])
    arguments.add_argument("--epochs", type=int, nargs="+", default=[1, 3, 10, 30])
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--out", type=Path, default=HERE, help="the folder to write to")
    arguments.add_argument("--one", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.one:
        way, folder, size, epochs = json.loads(given.one)
        print(json.dumps(in_process(way, Path(folder), size, epochs)))
        return
    import pandas as pd
    from images import make_images

    found = []
    with tempfile.TemporaryDirectory() as scratch:
        for kind, count in [("full", given.full), ("crop", given.crops)]:
            if not count:
                continue
            make_images(Path(scratch, kind), kind, count)
            for size in given.sizes:
                found += measure(Path(scratch, kind), kind, size, given.epochs, given.rounds)
                table = pd.DataFrame(found)
                for way in list(WAYS)[1:]:
                    for epochs in given.epochs:
                        ratio, least, most = ratios(table, kind, size, way, epochs)
                        wanted = WANTED.get((kind, way)) if epochs == 10 and size == 64 else None
                        print(f"{kind} {size} px, {epochs} epochs, cold, {WAYS[way]} / ours: {ratio:.1f} ({least:.1f} to {most:.1f})"
                              + (f", at least {wanted} wanted" if wanted else ""), flush=True)  # fmt: skip
    table.to_csv(given.out / "pipelines.csv", index=False)
    draw(table, given.out / "pipelines.png")


if __name__ == "__main__":
    main()
