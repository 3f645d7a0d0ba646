"""Train one network on one fold with one seed, save it, and predict every image of the manifest with it."""

import hashlib
import json
import math
import platform
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from mammo.dataset.tensors import Shards
from mammo.hashing import sha256
from mammo.log import InputError, some
from mammo.model.augmentation import AS_IT_IS, affine_transforms, prediction_views, warped
from mammo.model.devices import shared_batch, use_devices
from mammo.tables import read_table, write_table

SHUFFLE, WARP = 0, 1  # what a random generator is for: each use has a stream of its own
PARTS = {"head": "the head alone", "fine": "all but the backbone's batch normalisation"}
DEAL = 2**31  # for one that needs no epoch: beyond all of them


def epoch_batches(epoch, pixels, rows, labels, seed, batch_size, augmentation):
    """Yield the training batches of one epoch: uint8 images (n, size, size, 1), warps (n, 8), labels (n, 1).

    Order and warps depend on the seed and the epoch alone. The last batch may be smaller.
    """
    order = np.random.default_rng([seed, epoch, SHUFFLE]).permutation(len(rows))
    warps = affine_transforms(
        np.random.default_rng([seed, epoch, WARP]), len(rows), pixels.shape[1], augmentation
    )
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
        batches = lambda epoch: epoch_batches(
            int(epoch), pixels, rows, labels, seed, batch_size, augmentation
        )
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
    return (
        epochs.flat_map(one_epoch)
        .map(warp, num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(tf.data.AUTOTUNE)
    )


def plain_data(pixels, rows, labels, batch_size, view=AS_IT_IS):
    """A tf.data.Dataset of (float32 images (n, size, size, 3), labels) in the order of `rows`, each seen by the warp `view`."""
    import tensorflow as tf

    def batches():
        for start in range(0, len(rows), batch_size):
            chosen = slice(start, start + batch_size)
            yield warped(pixels[rows[chosen]], view)[..., None], labels[chosen][:, None]

    spec = (
        tf.TensorSpec((None, *pixels.shape[1:], 1), tf.float32),
        tf.TensorSpec((None, 1), tf.float32),
    )
    data = tf.data.Dataset.from_generator(batches, output_signature=spec)
    steps = -(-len(rows) // batch_size)
    data = data.apply(tf.data.experimental.assert_cardinality(steps))
    return data.map(lambda images, labels: (tf.repeat(images, 3, axis=-1), labels)).prefetch(1)


def phases(training, pretrained):
    """[(start, end, learning rate, what is trained)], in epochs: of a backbone with weights its head alone comes first, and then all of it."""
    epochs = training["epochs"]
    if not pretrained:
        return [(0, epochs, training["learning_rate"], "all")]
    frozen = min(training["frozen_epochs"], epochs)
    both = [
        (0, frozen, training["learning_rate"], "head"),
        (frozen, epochs, training["fine_tuning_rate"], "fine"),
    ]
    return [phase for phase in both if phase[0] < phase[1]]


def scheduled(schedule, rate, epoch, epochs, losses, patience):
    """The learning rate of an epoch, counted from 0, of `epochs`; losses: those of validation in the epochs before it.

    cosine: falls from `rate` to nearly 0 along half a cosine (I. Loshchilov and F. Hutter, ICLR 2017). plateau: is halved when
    half of `patience` (rounded up) has passed without a lower loss, or since it was halved. constant: `rate`.
    """
    if schedule == "cosine":
        return rate * (1 + math.cos(math.pi * epoch / epochs)) / 2
    if schedule == "plateau":
        best, waited = math.inf, 0
        for loss in losses:
            waited = 0 if loss < best else waited + 1
            best = min(best, loss)
            if waited >= (patience + 1) // 2:
                rate, waited = rate / 2, 0
    return rate


def class_weights(labels, kind):
    """What each class counts in the loss, {label: weight}: balanced, so that both count alike and the mean is 1; None if `kind` is none."""
    if kind == "none":
        return None
    return {label: len(labels) / (2 * max(int((labels == label).sum()), 1)) for label in (0, 1)}


def build(name, size, precision="float32"):
    """The network of that name for images of size x size, uncompiled, that computes in `precision`. Its weights are float32."""
    import keras

    from mammo.model import networks

    keras.config.set_dtype_policy(precision)
    try:
        return getattr(networks, name)(size)
    finally:
        keras.config.set_dtype_policy("float32")


def train_network(pixels, images, seed, network, training, augmentation, checkpoint, weights=None):
    """(model, history): the network with the weights of its best epoch, and a DataFrame with a row per epoch.

    pixels: uint8 (n, size, size), an array or Shards. images: the manifest's rows with `row`, their place in pixels.
    network: its name. checkpoint: (path, key) of the file that each epoch is saved to, and that a training which was killed
    goes on from. weights: a file of those that its backbone begins with; None: it begins at random.
    Raises InputError if the loss stops being a number, or if the weights are those of another network.
    """
    import keras
    import tensorflow as tf

    from mammo.model.checkpoint import Checkpoint
    from mammo.model.fine_tuning import let_train, load_weights

    keras.utils.set_random_seed(seed)
    model = build(network, pixels.shape[1], training["precision"])
    print(f"{network}: {model.count_params():,} weights")
    if weights:
        load_weights(model, weights)

    rows, labels = {}, {}
    for partition in ("training", "validation"):
        part = images[images["partition"] == partition]
        rows[partition] = part["row"].to_numpy(np.int64)
        labels[partition] = (part["label"] == "malignant").to_numpy(np.float32)
        print(f"{partition}: {len(part)} images, {labels[partition].mean():.1%} malignant")

    gpus = tf.distribute.get_strategy().num_replicas_in_sync
    batch_size = shared_batch(training["batch_size"], [len(part) for part in rows.values()], gpus)
    losses = {
        "binary_crossentropy": keras.losses.BinaryCrossentropy,
        "focal": keras.losses.BinaryFocalCrossentropy,
    }
    loss = losses[training["loss"]](label_smoothing=training["label_smoothing"])
    for start, end, rate, part in phases(training, weights):
        last = end == training["epochs"]
        # Before the last phase nothing stops early; which epoch is the best one is asked of all together.
        patience, schedule = (
            (training["patience"], training["schedule"]) if last else (end + 1, "constant")
        )
        stop = keras.callbacks.EarlyStopping(
            "val_loss", patience=patience, restore_best_weights=True
        )
        saved = Checkpoint(*checkpoint, stop, start)
        if saved.epochs >= end and not last:
            continue
        if weights:
            let_train(model, part)
            print(
                f"from epoch {start + 1} on {PARTS[part]} is trained, at a learning rate of {rate:g}"
            )
        model.compile(keras.optimizers.Adam(rate), loss=loss, metrics=["accuracy"])

        def begin(epoch, logs, start=start, end=end, rate=rate, schedule=schedule, saved=saved):
            seed_dropout(model, seed, epoch)
            before = [row["val_loss"] for row in saved.history[start:]]
            model.optimizer.learning_rate = scheduled(
                schedule, rate, epoch - start, end - start, before, training["patience"]
            )

        model.fit(
            training_data(
                pixels,
                rows["training"],
                labels["training"],
                seed,
                batch_size,
                augmentation,
                saved.epochs,
            ),
            steps_per_epoch=-(-len(rows["training"]) // batch_size),
            initial_epoch=saved.epochs,
            epochs=saved.epochs if saved.stopped else end,
            validation_data=plain_data(
                pixels, rows["validation"], labels["validation"], batch_size
            ),
            class_weight=class_weights(labels["training"], training["class_weights"]),
            callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=begin), stop, saved],
            shuffle=False,  # the data come shuffled
            verbose=2,
        )
    history = pd.DataFrame(saved.history)[["loss", "accuracy", "val_loss", "val_accuracy"]]
    if not np.isfinite(history.to_numpy()).all():
        bad = int(np.argmax(~np.isfinite(history.to_numpy()).all(axis=1))) + 1
        key = "fine_tuning_rate" if part == "fine" and bad > start else "learning_rate"
        raise InputError(
            f"The loss was no longer a number in epoch {bad}: training.{key} {training[key]:g} is too high."
        )
    history.insert(0, "epoch", range(1, len(history) + 1))
    history["kept"] = (history["epoch"] == stop.best_epoch + 1).astype(int)
    print(f"kept epoch {stop.best_epoch + 1} of {len(history)}")
    if (
        training["precision"] != "float32"
    ):  # what is predicted, explained and exported is the same then
        trained, model = model, build(network, pixels.shape[1])
        model.set_weights(trained.get_weights())
    return model, history


def seed_dropout(model, seed, epoch):
    """Let what dropout draws in an epoch depend on the seed and the epoch alone, not on the epochs before."""
    for number, layer in enumerate(model.layers):
        if hasattr(layer, "seed_generator"):
            state = np.random.default_rng([seed, epoch, 2 + number]).integers(0, 2**31, 2)
            layer.seed_generator.state.assign(state.astype(layer.seed_generator.state.dtype))


def predict(model, pixels, images, batch_size, views=(AS_IT_IS,)):
    """Rows of predictions.csv, a DataFrame: for every row of `images` the probability of malignant, the mean over the views (v, 8)."""
    rows, labels = (
        images["row"].to_numpy(np.int64),
        (images["label"] == "malignant").to_numpy(np.float32),
    )
    seen = [
        model.predict(plain_data(pixels, rows, labels, batch_size, view), verbose=0)[:, 0]
        for view in views
    ]
    return images.assign(label=labels.astype(int), probability=np.mean(seen, axis=0))


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
        middle = (
            group["images"].cumsum() - group["images"] / 2
        )  # of each one's images, counted through all
        labels |= dict(
            zip(
                group.index,
                np.where(middle < group["malignant"].sum(), "malignant", "benign"),
                strict=True,
            )
        )
    return images.assign(label=images["patient_id"].map(labels))


def checkpoint_key(inputs, *settings):
    """What a training's result depends on, as a hash: the content of its input files, its settings, and what computes it."""
    import keras
    import tensorflow as tf

    files = [
        sha256(path) for path in [inputs.manifest, inputs.index, *inputs.pixels, *inputs.weights]
    ]
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
    if gone := [
        part for part in ("training", "validation") if part not in present or len(present[part]) < 2
    ]:
        raise InputError(
            f"{inputs.manifest}: of {some(gone)}, no images of both classes could be decoded: see {Path(inputs.index).parent}/excluded.csv."
        )
    if params.shuffled_labels:
        images = dealt_labels(images, seed)
        print(
            "a control: the labels of all partitions were shuffled among patients, so that there is nothing to learn"
        )
    pixels = Shards(inputs.pixels)
    network, training, augmentation = params.network["name"], params.training, params.augmentation
    strategy = use_devices(training["threads"], training["gpus"])
    import keras

    from mammo.model.checkpoint import remove

    key = checkpoint_key(
        inputs, fold, seed, network, training, augmentation, params.shuffled_labels, params.code
    )
    weights = inputs.weights[0] if inputs.weights else None
    saved = params.checkpoint, key
    with strategy.scope():
        model, history = train_network(
            pixels, images, seed, network, training, augmentation, saved, weights
        )
    model.save(output.model)
    origin = {column: images[column].iloc[0] for column in ("dataset", "leaks")}
    with zipfile.ZipFile(output.model, "a") as archive:  # Keras reads the parts that it knows
        archive.writestr("origin.json", json.dumps(origin))
    if training["gpus"] > 1:
        model = keras.models.load_model(
            output.model, compile=False
        )  # on one GPU, which can take a batch of one image
    write_table(history.assign(**origin), output.history, "history")
    views = prediction_views(pixels.shape[1], augmentation)
    write_table(
        predict(model, pixels, images, training["batch_size"], views),
        output.predictions,
        "predictions",
    )
    remove(params.checkpoint)
