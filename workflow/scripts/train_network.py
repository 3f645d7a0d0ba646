"""Train one network on one fold with one seed, save it, and predict every image of the manifest with it."""

import hashlib
import json
import platform
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from lib.augmentation import affine_transforms
from lib.devices import shared_batch, use_devices
from lib.hashing import sha256
from lib.log import InputError, log_to, some
from lib.tables import read_table, write_table
from lib.tensors import Shards

SHUFFLE, WARP = 0, 1  # what a random generator is for: each use has a stream of its own
DEAL = 2**31  # for one that needs no epoch: beyond all of them


def epoch_batches(epoch, pixels, rows, labels, seed, batch_size, augmentation):
    """Yield the training batches of one epoch: uint8 images (n, size, size, 1), warps (n, 8), labels (n, 1).

    Order and warps depend on the seed and the epoch alone. The last batch may be smaller.
    """
    order = np.random.default_rng([seed, epoch, SHUFFLE]).permutation(len(rows))
    warps = affine_transforms(np.random.default_rng([seed, epoch, WARP]), len(rows), pixels.shape[1], augmentation)
    for start in range(0, len(rows), batch_size):
        chosen = order[start : start + batch_size]
        yield pixels[rows[chosen]][..., None], warps[chosen], labels[chosen][:, None]


def training_data(pixels, rows, labels, seed, batch_size, augmentation, first_epoch=0):
    """A tf.data.Dataset of (float32 images (n, size, size, 3), labels), one epoch after the other without end, from `first_epoch` on."""
    import keras
    import tensorflow as tf

    size = pixels.shape[1]
    spec = (
        tf.TensorSpec((None, size, size, 1), tf.uint8),
        tf.TensorSpec((None, 8), tf.float32),
        tf.TensorSpec((None, 1), tf.float32),
    )

    def one_epoch(epoch):
        batches = lambda epoch: epoch_batches(int(epoch), pixels, rows, labels, seed, batch_size, augmentation)  # noqa: E731
        return tf.data.Dataset.from_generator(batches, args=(epoch,), output_signature=spec)

    def warp(images, warps, labels):
        images = keras.ops.image.affine_transform(
            tf.cast(images, tf.float32),
            warps,
            interpolation="bilinear",
            fill_mode="nearest",
            data_format="channels_last",
        )
        return tf.repeat(images, 3, axis=-1), labels

    # The dataset is made of epochs, rather than begun anew for each: nothing waits for its first batch when an epoch begins.
    epochs = tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max)
    return epochs.flat_map(one_epoch).map(warp, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def plain_data(pixels, rows, labels, batch_size):
    """A tf.data.Dataset of (float32 images (n, size, size, 3), labels) in the order of `rows`, as they are."""
    import tensorflow as tf

    def batches():
        for start in range(0, len(rows), batch_size):
            chosen = slice(start, start + batch_size)
            yield pixels[rows[chosen]][..., None], labels[chosen][:, None]

    spec = (tf.TensorSpec((None, *pixels.shape[1:], 1), tf.uint8), tf.TensorSpec((None, 1), tf.float32))
    data = tf.data.Dataset.from_generator(batches, output_signature=spec)
    steps = -(-len(rows) // batch_size)
    data = data.apply(tf.data.experimental.assert_cardinality(steps))
    return data.map(lambda images, labels: (tf.repeat(tf.cast(images, tf.float32), 3, axis=-1), labels)).prefetch(1)


def train_network(pixels, images, seed, training, augmentation, checkpoint):
    """(model, history): the network with the weights of its best epoch, and a DataFrame with a row per epoch.

    pixels: uint8 (n, size, size), an array or Shards. images: the manifest's rows with `row`, their place in pixels.
    checkpoint: (path, key) of the file that each epoch is saved to, and that a training which was killed goes on from.
    Raises InputError if the loss stops being a number.
    """
    import keras
    import tensorflow as tf

    from lib.checkpoint import Checkpoint
    from lib.networks import seed_cnn

    keras.utils.set_random_seed(seed)
    model = seed_cnn(pixels.shape[1])
    if pixels.shape[1] == 64 and model.count_params() != 822_337:
        raise AssertionError(
            f"seed_cnn has {model.count_params()} weights at 64 pixels; the original study's network has 822,337"
        )
    model.compile(keras.optimizers.Adam(training["learning_rate"]), loss="binary_crossentropy", metrics=["accuracy"])

    rows, labels = {}, {}
    for partition in ("training", "validation"):
        part = images[images["partition"] == partition]
        rows[partition] = part["row"].to_numpy(np.int64)
        labels[partition] = (part["label"] == "malignant").to_numpy(np.float32)
        print(f"{partition}: {len(part)} images, {labels[partition].mean():.1%} malignant")

    gpus = tf.distribute.get_strategy().num_replicas_in_sync
    batch_size = shared_batch(training["batch_size"], [len(part) for part in rows.values()], gpus)
    stop = keras.callbacks.EarlyStopping("val_loss", patience=training["patience"], restore_best_weights=True)
    saved = Checkpoint(*checkpoint, stop)
    model.fit(
        training_data(pixels, rows["training"], labels["training"], seed, batch_size, augmentation, saved.epochs),
        steps_per_epoch=-(-len(rows["training"]) // batch_size),
        initial_epoch=saved.epochs,
        epochs=saved.epochs if saved.stopped else training["epochs"],
        validation_data=plain_data(pixels, rows["validation"], labels["validation"], batch_size),
        callbacks=[
            keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: seed_dropout(model, seed, epoch)),
            stop,
            saved,
        ],
        shuffle=False,  # the data come shuffled
        verbose=2,
    )
    history = pd.DataFrame(saved.history)[["loss", "accuracy", "val_loss", "val_accuracy"]]
    if not np.isfinite(history.to_numpy()).all():
        bad = int(np.argmax(~np.isfinite(history.to_numpy()).all(axis=1))) + 1
        raise InputError(
            f"The loss was no longer a number in epoch {bad}: training.learning_rate {training['learning_rate']:g} is too high."
        )
    history.insert(0, "epoch", range(1, len(history) + 1))
    history["kept"] = (history["epoch"] == stop.best_epoch + 1).astype(int)
    print(f"kept epoch {stop.best_epoch + 1} of {len(history)}")
    return model, history


def seed_dropout(model, seed, epoch):
    """Let what dropout draws in an epoch depend on the seed and the epoch alone, not on the epochs before."""
    for number, layer in enumerate(model.layers):
        if hasattr(layer, "seed_generator"):
            state = np.random.default_rng([seed, epoch, 2 + number]).integers(0, 2**31, 2)
            layer.seed_generator.state.assign(state.astype(layer.seed_generator.state.dtype))


def predict(model, pixels, images, batch_size):
    """Rows of predictions.csv, a DataFrame: the probability of malignant for every row of `images`."""
    rows, labels = images["row"].to_numpy(np.int64), (images["label"] == "malignant").to_numpy(np.float32)
    probability = model.predict(plain_data(pixels, rows, labels, batch_size), verbose=0)[:, 0]
    return images.assign(label=labels.astype(int), probability=probability)


def dealt_labels(images, seed):
    """`images`, rows of a manifest, with labels that tell nothing: dealt out anew to whole patients, whatever they show.

    Among the patients of a partition as many images are malignant as before, to within a patient's. A patient of several
    partitions, in a split that leaks, has one label in all of them.
    """
    rng = np.random.default_rng([seed, DEAL])
    patients = images.assign(malignant=images["label"] == "malignant").groupby("patient_id")
    patients = patients.agg(
        images=("label", "size"),
        malignant=("malignant", "sum"),
        where=("partition", lambda of: " ".join(sorted({*of}))),
    )
    labels = {}
    for _, group in patients.groupby("where"):
        group = group.iloc[rng.permutation(len(group))]
        middle = group["images"].cumsum() - group["images"] / 2  # of each one's images, counted through all
        labels |= dict(
            zip(group.index, np.where(middle < group["malignant"].sum(), "malignant", "benign"), strict=True)
        )
    return images.assign(label=images["patient_id"].map(labels))


def checkpoint_key(inputs, *settings):
    """What a training's result depends on, as a hash: the content of its input files, its settings, and what computes it."""
    import keras
    import tensorflow as tf

    files = [sha256(path) for path in [inputs.manifest, inputs.index, *inputs.pixels]]
    parts = [files, settings, tf.__version__, keras.__version__, np.__version__, platform.machine()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def main(inputs, output, params, fold, seed):
    manifest = read_table(inputs.manifest, "manifest")
    images = manifest[manifest["fold"] == fold].merge(
        read_table(inputs.index, "index"), on="image_id", validate="1:1", suffixes=("", "_decoded")
    )
    if undecoded := len(manifest[manifest["fold"] == fold]) - len(images):
        print(
            f"{undecoded} images of the manifest are left out: they could not be decoded (excluded.csv of the tensors)"
        )
    present = images.groupby("partition")["label"].unique()
    if gone := [part for part in ("training", "validation") if part not in present or len(present[part]) < 2]:
        raise InputError(
            f"{inputs.manifest}: of {some(gone)}, no images of both classes could be decoded: see {Path(inputs.index).parent}/excluded.csv."
        )
    if params.shuffled_labels:
        images = dealt_labels(images, seed)
        print("a control: the labels of all partitions were shuffled among patients, so that there is nothing to learn")
    pixels = Shards(inputs.pixels)
    training, augmentation = params.training, params.augmentation
    strategy = use_devices(training["threads"], training["gpus"])
    import keras

    from lib.checkpoint import remove

    key = checkpoint_key(inputs, fold, seed, training, augmentation, params.shuffled_labels, params.code)
    with strategy.scope():
        model, history = train_network(pixels, images, seed, training, augmentation, (params.checkpoint, key))
    model.save(output.model)
    origin = {column: images[column].iloc[0] for column in ("dataset", "leaks")}
    with zipfile.ZipFile(output.model, "a") as archive:  # Keras reads the parts that it knows
        archive.writestr("origin.json", json.dumps(origin))
    if training["gpus"] > 1:
        model = keras.models.load_model(output.model, compile=False)  # on one GPU, which can take a batch of one image
    write_table(history.assign(**origin), output.history, "history")
    write_table(predict(model, pixels, images, training["batch_size"]), output.predictions, "predictions")
    remove(params.checkpoint)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            snakemake.input,
            snakemake.output,
            snakemake.params,
            int(snakemake.wildcards.fold),
            int(snakemake.wildcards.seed),
        )
