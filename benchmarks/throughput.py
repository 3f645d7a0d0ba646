"""Images a second in training: ours with augmentation, beside `fit` on float32 arrays in memory without any, which is the limit.

    make bench

The original network at 64 pixels in batches of 64, on two threads. Each way trains in a process of its own, by turns; its first epoch,
which builds the graph, does not count. Ours is measured as it is, with
mixed_bfloat16, and with TensorFlow's determinism off.
Writes benchmarks/throughput.csv.
"""

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "workflow"))

BATCH = 64
AUGMENTATION = {"rotation": 20, "shift": 0.2, "shear": 0.2, "zoom": 0.2, "horizontal_flip": True}
TRAINING = {"batch_size": BATCH, "learning_rate": 0.001, "schedule": "constant", "loss": "binary_crossentropy",
            "label_smoothing": 0, "class_weights": "none", "precision": "float32"}  # fmt: skip
# What is compared: (name, way, beside which, at least).
COMPARISONS = [
    ("training with augmentation, beside fit on arrays without", "ours", "limit", 0.95),
    ("the same with mixed_bfloat16, beside fit in float32", "bfloat16", "limit", 1.6),
    ("determinism on, beside off", "ours", "nondeterministic", 0.95),
]


def in_process(way, count, epochs):
    """Images a second of the median epoch, the first left out."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    import numpy as np
    import pandas as pd
    import tensorflow as tf

    import scripts.train_network as ours
    from lib.networks import seed_cnn

    tf.config.threading.set_intra_op_parallelism_threads(2)
    tf.config.threading.set_inter_op_parallelism_threads(2)
    if way in ("ours", "bfloat16"):
        tf.config.experimental.enable_op_determinism()
    pixels = np.random.default_rng(1).integers(0, 255, (count, 64, 64), np.uint8)
    begins = []
    if way == "limit":
        model = seed_cnn(64)
        model.compile("adam", loss="binary_crossentropy", metrics=["accuracy"])
        images, labels = np.repeat(pixels[..., None], 3, axis=-1).astype(np.float32), np.arange(count) % 2
        clock = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: begins.append(time.perf_counter()))
        held = (images[:BATCH], labels[:BATCH])
        model.fit(images, labels, batch_size=BATCH, epochs=epochs, validation_data=held, callbacks=[clock], verbose=0)
    else:
        images = pd.DataFrame({"row": range(count), "label": np.where(np.arange(count) % 2, "malignant", "benign")})
        images["partition"] = "training"
        images = pd.concat([images, images.head(BATCH).assign(partition="validation")])
        seed_dropout = ours.seed_dropout

        def timed(model, seed, epoch):  # called as each epoch begins
            begins.append(time.perf_counter())
            seed_dropout(model, seed, epoch)

        ours.seed_dropout = timed
        with tempfile.TemporaryDirectory() as scratch:
            training = TRAINING | {"epochs": epochs, "patience": epochs}
            training |= {"precision": "mixed_bfloat16"} if way == "bfloat16" else {}
            ours.train_network(
                pixels, images, 1, "seed_cnn", training, AUGMENTATION, (f"{scratch}/checkpoint.npz", "key")
            )
    return count / statistics.median(b - a for a, b in itertools.pairwise(begins))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--images", type=int, default=4096)
    arguments.add_argument("--epochs", type=int, default=8)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--out", type=Path, default=HERE, help="the folder to write to")
    arguments.add_argument("--one", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.one:
        print(in_process(given.one, given.images, given.epochs))
        return
    ways = list(dict.fromkeys(way for _, *pair, _ in COMPARISONS for way in pair))
    rates = {way: [] for way in ways}
    for _ in range(given.rounds):
        for way in ways:
            command = [
                sys.executable,
                __file__,
                "--one",
                way,
                "--images",
                str(given.images),
                "--epochs",
                str(given.epochs),
            ]
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr[-3000:]
            rates[way].append(float(done.stdout.splitlines()[-1]))
    for name, way, beside, wanted in COMPARISONS:
        each = [a / b for a, b in zip(rates[way], rates[beside], strict=True)]
        ratio = statistics.median(rates[way]) / statistics.median(rates[beside])
        print(f"{name}: {ratio:.2f} ({min(each):.2f} to {max(each):.2f}), at least {wanted} wanted; "
              f"{statistics.median(rates[way]):.0f} and {statistics.median(rates[beside]):.0f} images/s")  # fmt: skip
    rows = ["way,round,images_per_second"]
    rows += [f"{way},{number},{rate:.1f}" for way in ways for number, rate in enumerate(rates[way])]
    (given.out / "throughput.csv").write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
