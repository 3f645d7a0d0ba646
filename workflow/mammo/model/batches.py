"""Batches of images for TensorFlow: augmented ones for training, plain ones for all else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from mammo.dataset.tensors import Shards
from mammo.model.augmentation import IDENTITY, augment, columns, draw, warped
from mammo.model.settings import Augmentation

if TYPE_CHECKING:
    import tensorflow as tf

# Each use of a random generator has a stream of its own.
ORDER, AUGMENTATION = 0, 1


def epoch_batches(
    epoch: int,
    pixels: np.ndarray | Shards,
    rows: np.ndarray,
    labels: np.ndarray,
    seed: int,
    batch_size: int,
    augmentation: Augmentation,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield the training batches of one epoch.

    A batch is uint8 images (n, size, size, 1), what is drawn for each by `augmentation.draw`,
    float32 (n, …), and labels (n, 1). The last batch may be smaller.
    Order and draws depend on the seed and the epoch alone.
    """
    order = np.random.default_rng([seed, epoch, ORDER]).permutation(len(rows))
    rng = np.random.default_rng([seed, epoch, AUGMENTATION])
    drawn = draw(rng, len(rows), pixels.shape[1], augmentation)
    for start in range(0, len(rows), batch_size):
        chosen = order[start : start + batch_size]
        yield pixels[rows[chosen]][..., None], drawn[chosen], labels[chosen][:, None]


def training_data(
    pixels: np.ndarray | Shards,
    rows: np.ndarray,
    labels: np.ndarray,
    seed: int,
    batch_size: int,
    augmentation: Augmentation,
    first_epoch: int = 0,
) -> tf.data.Dataset:
    """(float32 images (n, size, size, 3), labels (n, 1)), epoch after epoch without end.

    It begins with the epoch `first_epoch`.
    """
    import tensorflow as tf

    size = pixels.shape[1]
    spec = (
        tf.TensorSpec((None, size, size, 1), tf.uint8),
        tf.TensorSpec((None, columns(augmentation)), tf.float32),
        tf.TensorSpec((None, 1), tf.float32),
    )

    def batches(epoch: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        return epoch_batches(int(epoch), pixels, rows, labels, seed, batch_size, augmentation)

    def one_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
        return tf.data.Dataset.from_generator(batches, args=(epoch,), output_signature=spec)

    def augmented(images: tf.Tensor, drawn: tf.Tensor, labels: tf.Tensor) -> tuple:
        return tf.repeat(augment(images, drawn, augmentation), 3, axis=-1), labels

    # One dataset of all epochs, rather than one begun anew for each: so no epoch waits for its
    # first batch.
    epochs = tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max)
    return (
        epochs.flat_map(one_epoch)
        .map(augmented, num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(tf.data.AUTOTUNE)
    )


def plain_data(
    pixels: np.ndarray | Shards,
    rows: np.ndarray,
    labels: np.ndarray,
    batch_size: int,
    view: np.ndarray = IDENTITY,
) -> tf.data.Dataset:
    """(float32 images (n, size, size, 3), labels (n, 1)) in the order of `rows`.

    view: the warp (8,) through which all images are seen.
    """
    import tensorflow as tf

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
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
