"""Train one network on one fold with one seed, and predict images with it."""

from __future__ import annotations

import hashlib
import json
import platform
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from mammo.dataset.tensors import Shards
from mammo.hashing import sha256
from mammo.log import InputError, some
from mammo.model.augmentation import IDENTITY
from mammo.model.batches import plain_data, training_data
from mammo.model.devices import shared_batch
from mammo.model.networks import build
from mammo.model.optimizers import OPTIMIZERS
from mammo.model.phases import TRAINED, Phase, phases
from mammo.model.settings import Augmentation, Training

if TYPE_CHECKING:
    import keras

    from mammo.model.checkpoint import Checkpoint

PERMUTATION = 2**31  # a stream of random numbers that needs no epoch: beyond all of them


class Labelled(NamedTuple):
    """The images of a partition: their rows in the array of pixels, and labels (1: malignant)."""

    rows: np.ndarray
    labels: np.ndarray


def train_network(
    pixels: np.ndarray | Shards,
    images: pd.DataFrame,
    seed: int,
    network: str,
    training: Training,
    augmentation: Augmentation,
    checkpoint: tuple[str | Path, str],
    weights: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> tuple[keras.Model, pd.DataFrame]:
    """(model, history): the network with the weights of its best epoch, and a row per epoch.

    pixels: uint8 (n, size, size). images: the manifest's rows with `row`, their place in pixels.
    network: its name. weights: a file of those that its backbone begins with; None: random ones.
    checkpoint: (path, key) of the file that each epoch is saved to, and that a killed training is
    resumed from. callbacks: further ones, called before the checkpoint's.
    Raises InputError if the loss diverges, or if the weights are those of another network.
    """
    import keras
    import tensorflow as tf

    from mammo.model.fine_tuning import load_weights

    keras.utils.set_random_seed(seed)
    model = build(network, pixels.shape[1], training.precision)
    print(f"{network}: {model.count_params():,} parameters")
    if weights:
        load_weights(model, weights)

    partitions = {part: _labelled(images, part) for part in ("training", "validation")}
    for partition, part in partitions.items():
        print(f"{partition}: {len(part.rows)} images, {part.labels.mean():.1%} malignant")

    gpus = tf.distribute.get_strategy().num_replicas_in_sync
    counts = [len(part.rows) for part in partitions.values()]
    batch_size = shared_batch(training.batch_size, counts, gpus)

    *earlier, last = phases(training, pretrained=weights is not None)
    fixed = (pixels, partitions, batch_size, seed, training, augmentation, checkpoint, callbacks)
    for phase in earlier:
        _train_phase(model, phase, *fixed)
    progress = _train_phase(model, last, *fixed)

    history = _history(progress, [*earlier, last])
    print(f"kept epoch {progress.stop.best_epoch + 1} of {len(history)}")
    if training.precision == "float32":
        return model, history
    # So that what is predicted, explained and exported is the same.
    full = build(network, pixels.shape[1])
    full.set_weights(model.get_weights())
    return full, history


def _train_phase(
    model: keras.Model,
    phase: Phase,
    pixels: np.ndarray | Shards,
    partitions: dict[str, Labelled],
    batch_size: int,
    seed: int,
    training: Training,
    augmentation: Augmentation,
    checkpoint: tuple[str | Path, str],
    callbacks: Sequence[keras.callbacks.Callback],
) -> Checkpoint:
    """Train a model for the epochs of a phase that its checkpoint does not have yet."""
    import keras

    from mammo.model.callbacks import ScheduleRate, SeedDropout
    from mammo.model.checkpoint import Checkpoint
    from mammo.model.fine_tuning import let_train

    stop = keras.callbacks.EarlyStopping(
        "val_loss", patience=phase.patience, restore_best_weights=True
    )
    progress = Checkpoint(*checkpoint, stop, phase.start)
    last = phase.end == training.epochs  # it goes on in any case, to restore what was trained
    if progress.epochs >= phase.end and not last:
        return progress

    if phase.trained != "all":
        let_train(model, phase.trained)
        print(
            f"from epoch {phase.start + 1} on {TRAINED[phase.trained]} is trained, at a learning"
            f" rate of {phase.learning_rate:g}"
        )
    losses = {
        "binary_crossentropy": keras.losses.BinaryCrossentropy,
        "focal": keras.losses.BinaryFocalCrossentropy,
    }
    model.compile(
        OPTIMIZERS[training.optimizer].make(phase.learning_rate),
        loss=losses[training.loss](label_smoothing=training.label_smoothing),
        metrics=["accuracy"],
    )

    learned, held_out = partitions["training"], partitions["validation"]
    model.fit(
        training_data(pixels, *learned, seed, batch_size, augmentation, progress.epochs),
        steps_per_epoch=-(-len(learned.rows) // batch_size),
        initial_epoch=progress.epochs,
        epochs=progress.epochs if progress.stopped else phase.end,
        validation_data=plain_data(pixels, *held_out, batch_size),
        class_weight=class_weights(learned.labels, training.class_weights),
        callbacks=[SeedDropout(seed), ScheduleRate(phase, progress), *callbacks, stop, progress],
        shuffle=False,  # the data come shuffled
        verbose=2,
    )
    return progress


def _labelled(images: pd.DataFrame, partition: str) -> Labelled:
    """The images of one partition."""
    part = images[images["partition"] == partition]
    labels = (part["label"] == "malignant").to_numpy(np.float32)
    return Labelled(part["row"].to_numpy(np.int64), labels)


def _history(progress: Checkpoint, trained: list[Phase]) -> pd.DataFrame:
    """history.csv without its origin. Raises InputError where a loss is no number."""
    history = pd.DataFrame(progress.history)[["loss", "accuracy", "val_loss", "val_accuracy"]]
    finite = np.isfinite(history.to_numpy()).all(axis=1)
    if not finite.all():
        bad = int(np.argmin(finite))
        phase = next(phase for phase in trained if phase.start <= bad < phase.end)
        raise InputError(
            f"The loss was no longer a number in epoch {bad + 1}: training.{phase.rate_key}"
            f" {phase.learning_rate:g} is too high."
        )
    history.insert(0, "epoch", range(1, len(history) + 1))
    history["kept"] = (history["epoch"] == progress.stop.best_epoch + 1).astype(int)
    return history


def class_weights(labels: np.ndarray, kind: str) -> dict[int, float] | None:
    """How much each class counts in the loss, {label: weight}; None if `kind` is none.

    balanced: inversely to its frequency, with a mean of 1 over the images.
    """
    if kind == "none":
        return None
    return {label: len(labels) / (2 * max(int((labels == label).sum()), 1)) for label in (0, 1)}


def predict(
    model: keras.Model,
    pixels: np.ndarray | Shards,
    images: pd.DataFrame,
    batch_size: int,
    views: Iterable[np.ndarray] = (IDENTITY,),
) -> pd.DataFrame:
    """Rows of predictions.csv: `images` with labels of 0 and 1, and probabilities of malignant.

    A probability is the mean over the views, warps (v, 8) of the image.
    """
    rows = images["row"].to_numpy(np.int64)
    labels = (images["label"] == "malignant").to_numpy(np.float32)
    seen = [
        model.predict(plain_data(pixels, rows, labels, batch_size, view), verbose=0)[:, 0]
        for view in views
    ]
    return images.assign(label=labels.astype(int), probability=np.mean(seen, axis=0))


def decoded_images(
    manifest: pd.DataFrame,
    index: pd.DataFrame,
    fold: int,
    manifest_path: str | Path,
    excluded_path: str | Path,
) -> pd.DataFrame:
    """The manifest's images of a fold that could be decoded, with their `row` in the pixels.

    The paths are for messages: of the manifest, and of the list of what could not be decoded.

    Raises InputError where training or validation is left without images of both classes.
    """
    wanted = manifest[manifest["fold"] == fold]
    images = wanted.merge(index, on="image_id", validate="1:1", suffixes=("", "_decoded"))
    if undecoded := len(wanted) - len(images):
        print(
            f"{undecoded} images of the manifest are excluded: they could not be decoded"
            f" ({excluded_path})"
        )
    classes = images.groupby("partition")["label"].nunique()
    lacking = [part for part in ("training", "validation") if classes.get(part, 0) < 2]
    if lacking:
        raise InputError(
            f"{manifest_path}: of {some(lacking)}, no images of both classes could be decoded:"
            f" see {excluded_path}."
        )
    return images


def dealt_labels(images: pd.DataFrame, seed: int) -> pd.DataFrame:
    """`images`, rows of a manifest, with uninformative labels: permuted among whole patients.

    Among the patients of a partition as many images are malignant as before, to within a patient's.
    A patient of several partitions, in a split that leaks, has one label in all of them.
    """
    rng = np.random.default_rng([seed, PERMUTATION])
    patients = images.assign(malignant=images["label"] == "malignant").groupby("patient_id")
    counts = patients.agg(
        images=("label", "size"),
        malignant=("malignant", "sum"),
        where=("partition", lambda partitions: " ".join(sorted({*partitions}))),
    )
    labels: dict[str, str] = {}
    for _, group in counts.groupby("where"):
        group = group.iloc[rng.permutation(len(group))]
        # Counting through all images, where the middle of each patient's lies.
        middle = group["images"].cumsum() - group["images"] / 2
        chosen = np.where(middle < group["malignant"].sum(), "malignant", "benign")
        labels |= dict(zip(group.index, chosen, strict=True))
    return images.assign(label=images["patient_id"].map(labels))


def checkpoint_key(files: Iterable[str | Path], *settings: Any) -> str:
    """A hash of what a training's result depends on: its input files, settings, and software."""
    import keras
    import tensorflow as tf

    versions = [tf.__version__, keras.__version__, np.__version__, platform.machine()]
    parts = [[sha256(path) for path in files], settings, *versions]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def save_model(model: keras.Model, path: str | Path, origin: dict[str, str]) -> None:
    """Write a .keras file that says in its origin.json which dataset it was trained on."""
    model.save(path)
    with zipfile.ZipFile(path, "a") as archive:  # Keras reads the parts that it knows
        archive.writestr("origin.json", json.dumps(origin))
