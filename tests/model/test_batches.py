"""Batches: each image once an epoch with its label, augmented as drawn, in an order by the seed."""

import numpy as np
import pytest

from helpers.training import bright_images
from mammo.model.batches import epoch_batches, plain_data, training_data
from mammo.model.devices import use_devices
from mammo.model.settings import Augmentation

use_devices(2)
import keras  # noqa: E402

ORIGINAL = Augmentation.default()


@pytest.fixture(scope="module")
def images():
    """(pixels, rows, labels) of 60 images."""
    pixels, table = bright_images({"training": 60}, 64)
    labels = (table["label"] == "malignant").to_numpy(np.float32)
    return pixels, table["row"].to_numpy(), labels


def test_an_epoch_holds_each_image_once_with_its_label_and_depends_on_seed_and_epoch_alone(images):
    pixels = images[0]

    def epoch(number, seed=1):
        batches = list(epoch_batches(number, *images, seed, 16, ORIGINAL))
        return [np.concatenate(parts) for parts in zip(*batches, strict=True)]

    seen, drawn, labels = epoch(3)
    bright = seen.mean(axis=(1, 2, 3)) > 125
    assert np.array_equal(bright, labels[:, 0] == 1)
    assert sorted(seen.reshape(60, -1).tolist()) == sorted(pixels.reshape(60, -1).tolist())
    for a, b in zip(epoch(3), (seen, drawn, labels), strict=True):
        assert np.array_equal(a, b)
    assert not np.array_equal(epoch(4)[0], seen)
    assert not np.array_equal(epoch(4)[1], drawn)
    assert not np.array_equal(epoch(3, seed=2)[0], seen)


def test_training_data_run_through_the_epochs_in_order(images):
    data = iter(training_data(*images, 1, 16, ORIGINAL))
    for epoch in range(2):
        for raw, warps, labels in epoch_batches(epoch, *images, 1, 16, ORIGINAL):
            got, got_labels = next(data)
            wanted = keras.ops.image.affine_transform(
                raw.astype("float32"), warps, fill_mode="nearest", data_format="channels_last"
            )
            assert got.shape == (len(raw), 64, 64, 3)
            assert np.array_equal(got_labels, labels)
            wanted = keras.ops.convert_to_numpy(wanted)[..., 0]
            assert np.allclose(got[..., 1], wanted, atol=1e-3)


def test_plain_data_are_as_they_are_and_in_order(images):
    pixels, rows, labels = images
    batches = [batch.numpy() for batch, _ in plain_data(pixels, rows, labels, 16)]
    got = np.concatenate(batches)
    assert np.array_equal(got[..., 0], pixels[rows])
    assert np.array_equal(got[..., 2], pixels[rows])
