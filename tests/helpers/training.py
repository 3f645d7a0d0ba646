"""Small trainings: their settings, images that can be learned, and one that is killed."""

import numpy as np
import pandas as pd

from mammo.model.settings import Augmentation, Training

NOTHING = Augmentation.default(rotation=0, shift=0, shear=0, zoom=0, horizontal_flip=False)


def training_of(**changes) -> Training:
    """The settings of a training of two epochs, with some keys changed."""
    few = {"epochs": 2, "batch_size": 16, "fine_tuning_rate": 0.0001}
    return Training.default(**few | changes)


def bright_images(counts: dict[str, int], size: int) -> tuple[np.ndarray, pd.DataFrame]:
    """(pixels, rows of a manifest): images whose class shows in their brightness.

    counts: of the images of each partition. The pixels are in another order than the rows.
    """
    rng, count = np.random.default_rng(0), sum(counts.values())
    label, place = np.arange(count) % 2, rng.permutation(count)
    pixels = np.zeros((count, size, size), np.uint8)
    grey = rng.normal(60 + 130 * label[:, None, None], 20, (count, size, size))
    pixels[place] = grey.clip(0, 255).astype(np.uint8)
    table = pd.DataFrame(
        {
            "image_id": [f"i{number}" for number in range(count)],
            "patient_id": [f"p{number}" for number in range(count)],
            "label": np.where(label, "malignant", "benign"),
            "partition": np.repeat([*counts], [*counts.values()]),
            "row": place,
        }
    )
    return pixels, table


class Killed(Exception):
    """What ends a training in the middle."""


def killed_at(epoch: int):
    """A callback that ends a training as an epoch begins, counted from 0, as a kill does."""
    import keras

    class Kill(keras.callbacks.Callback):
        def on_epoch_begin(self, number, logs=None):
            if number == epoch:
                raise Killed

    return Kill()
