"""The ways from images to a trained network that are compared: this workflow's, and what people would write.

All train the original network in batches of 64, on all cores, with the original's augmentation where there is any. Each returns the
seconds after which each epoch ended, imports not counted, and the model, which takes float32 images of 0 to 255 (n, size, size, 3).
"""

import os
import tempfile
import time

import numpy as np
import pandas as pd

from mammo.dataset.decoding import decode_images
from mammo.dataset.settings import Image
from mammo.model.devices import use_devices
from mammo.model.settings import Augmentation, Training
from mammo.model.training import train_network

BATCH = 64
AUGMENTATION = Augmentation.default()  # the original's


class Clock:
    """Seconds since it was made, at each end of an epoch that it was told of."""

    def __init__(self, before=0.0):
        self.begun, self.ends = time.perf_counter() - before, []

    def tell(self):
        self.ends.append(time.perf_counter() - self.begun)

    @property
    def callback(self):
        import keras

        return keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: self.tell())

    @property
    def begins(self):
        """For a training whose epochs end after its callbacks: as the next epoch begins."""
        import keras

        def begin(epoch, logs):
            if epoch:
                self.tell()

        return keras.callbacks.LambdaCallback(on_epoch_begin=begin)


def train_ours(pixels, images, epochs, clock, precision="float32"):
    """train_network of this workflow; pixels: uint8 (n, size, size); images: row, label, …."""
    training = Training.default(
        epochs=epochs, patience=epochs, batch_size=BATCH, precision=precision
    )
    with tempfile.TemporaryDirectory() as scratch:
        saved = f"{scratch}/checkpoint.npz", "key"
        model, _ = train_network(
            pixels, images, 1, "seed_cnn", training, AUGMENTATION, saved, callbacks=[clock.begins]
        )
    clock.tell()
    return model


def this_workflow(folder, size, epochs):
    """Decode each image once, and then train on what was decoded; the first of the seconds is when the images were decoded."""
    files = sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*.jpg"))
    images = pd.DataFrame(
        {"file": files, "label": [file.split("/")[0] for file in files], "row": range(len(files))}
    )
    images["partition"] = np.where(np.arange(len(files)) % 5, "training", "validation")
    settings = Image.default(size=size)
    with tempfile.TemporaryDirectory() as scratch:
        decoding = Clock()
        assert not any(
            decode_images(folder, images, settings, os.cpu_count(), f"{scratch}/pixels.npy")
        )
        decoding.tell()
        use_devices(os.cpu_count())  # the two are steps, each in a process of its own
        import keras  # noqa: F401  (that the clock does not count it)

        training = Clock(decoding.ends[0])
        pixels = np.load(f"{scratch}/pixels.npy", mmap_mode="r")
        model = train_ours(pixels, images, epochs, training)
    return decoding.ends + training.ends, model


def generator(folder, size, epochs):
    """(a) The original notebook's: ImageDataGenerator.flow_from_directory."""
    import keras
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    from mammo.model.networks import seed_cnn

    clock = Clock()
    drawn = ImageDataGenerator(
        rescale=1 / 255, rotation_range=20, width_shift_range=0.2, height_shift_range=0.2, shear_range=0.2,
        zoom_range=0.2, horizontal_flip=True, validation_split=0.2,
    )  # fmt: skip
    plain = ImageDataGenerator(rescale=1 / 255, validation_split=0.2)
    read = {"target_size": (size, size), "batch_size": BATCH, "class_mode": "binary"}
    training = drawn.flow_from_directory(folder, subset="training", **read)
    validation = plain.flow_from_directory(folder, subset="validation", shuffle=False, **read)
    whole = seed_cnn(size)
    model = keras.Sequential(whole.layers[1:])  # the generator rescales
    model.compile("adam", loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(
        training, validation_data=validation, epochs=epochs, callbacks=[clock.callback], verbose=0
    )
    return clock.ends, whole


def dataset(folder, size, epochs, cached=False):
    """(b) Keras 3's: image_dataset_from_directory, augmentation layers, prefetch."""
    import keras
    import tensorflow as tf

    from mammo.model.networks import seed_cnn

    clock = Clock()
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
    training, validation = keras.utils.image_dataset_from_directory(
        folder, subset="both", verbose=False, **read
    )
    if cached:
        training, validation = training.cache(), validation.cache()
    training = training.map(
        lambda x, y: (augment(x, training=True), y), num_parallel_calls=tf.data.AUTOTUNE
    )
    training, validation = (
        training.prefetch(tf.data.AUTOTUNE),
        validation.prefetch(tf.data.AUTOTUNE),
    )
    model = seed_cnn(size)
    model.compile("adam", loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(
        training, validation_data=validation, epochs=epochs, callbacks=[clock.callback], verbose=0
    )
    return clock.ends, model


def cached_dataset(folder, size, epochs):
    """(b) with .cache() behind the decoding."""
    return dataset(folder, size, epochs, cached=True)


def limit(count, epochs):
    """(c) `fit` on float32 arrays in memory, without augmentation."""
    from mammo.model.networks import seed_cnn

    pixels, labels = made_up(count)
    images = np.repeat(pixels[..., None], 3, axis=-1).astype(np.float32)
    model, clock = seed_cnn(64), Clock()
    model.compile("adam", loss="binary_crossentropy", metrics=["accuracy"])
    held = (images[:BATCH], labels[:BATCH])
    model.fit(
        images,
        labels,
        batch_size=BATCH,
        epochs=epochs,
        validation_data=held,
        callbacks=[clock.callback],
        verbose=0,
    )
    return clock.ends, model


def on_tensors(count, epochs, deterministic=True, precision="float32"):
    """This workflow's training on as many images, with augmentation."""
    if deterministic:
        use_devices(os.cpu_count())
    pixels, labels = made_up(count)
    images = pd.DataFrame({"row": range(count), "label": np.where(labels, "malignant", "benign")})
    images = pd.concat(
        [images.assign(partition="training"), images.head(BATCH).assign(partition="validation")]
    )
    clock = Clock()
    return clock.ends, train_ours(pixels, images, epochs, clock, precision)


def made_up(count):
    return np.random.default_rng(1).integers(0, 255, (count, 64, 64), np.uint8), np.arange(
        count
    ) % 2


def seconds(way, *arguments):
    """What a way's clock says, for `apart`: a model stays in its process."""
    return way(*arguments)[0]
