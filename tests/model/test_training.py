"""Training: the original's network and augmentation, determinism, and what is saved. Imports TensorFlow."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mammo.log import InputError
from mammo.model.augmentation import affine_transforms
from mammo.model.devices import use_devices
from mammo.model.training import (
    checkpoint_key,
    epoch_batches,
    plain_data,
    predict,
    seed_dropout,
    train_network,
    training_data,
)

use_devices(2)
import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

from mammo.model.networks import seed_cnn  # noqa: E402

ORIGINAL = {
    "rotation": 20,
    "shift": 0.2,
    "shear": 0.2,
    "zoom": 0.2,
    "horizontal_flip": True,
    "test_views": 1,
}
NOTHING = {
    "rotation": 0,
    "shift": 0,
    "shear": 0,
    "zoom": 0,
    "horizontal_flip": False,
    "test_views": 1,
}
TRAINING = {
    "epochs": 2, "batch_size": 16, "learning_rate": 0.001, "schedule": "constant", "patience": 3, "loss": "binary_crossentropy",
    "label_smoothing": 0, "class_weights": "none", "frozen_epochs": 5, "fine_tuning_rate": 0.0001, "precision": "float32", "threads": 2,
}  # fmt: skip


def test_the_network_is_the_original_studys():
    model = seed_cnn(64)
    assert model.count_params() == 822_337
    assert model.input_shape == (None, 64, 64, 3)
    names = [type(layer).__name__ for layer in model.layers]
    assert names == [
        "Rescaling",
        "Conv2D",
        "MaxPooling2D",
        "Conv2D",
        "MaxPooling2D",
        "Flatten",
        "Dense",
        "Dropout",
        "Dense",
    ]
    assert [layer.count_params() for layer in model.layers if layer.count_params()] == [
        896,
        18_496,
        802_880,
        65,
    ]
    assert model.layers[0].scale == 1 / 255
    assert model.layers[7].rate == 0.3
    assert [model.layers[i].activation.__name__ for i in (1, 3, 6, 8)] == [
        "relu",
        "relu",
        "relu",
        "sigmoid",
    ]


def warp(images, transforms):
    return keras.ops.convert_to_numpy(
        keras.ops.image.affine_transform(
            images.astype("float32"), transforms, fill_mode="nearest", data_format="channels_last"
        )
    )


class Drawn:
    """A random generator that returns given draws, in the order in which affine_transforms asks for them."""

    def __init__(self, rotation, shear, shift, zoom, flip):
        self.uniforms = [[rotation], [shear], [[s] for s in shift], [[z] for z in zoom]]
        self.flip = flip

    def uniform(self, low, high, size):
        return np.array(self.uniforms.pop(0), float)

    def random(self, count):
        return np.array([0.0 if self.flip else 1.0])


@settings(max_examples=30, deadline=None)
@given(
    st.floats(-20, 20), st.floats(-0.2, 0.2), st.tuples(*[st.floats(-0.2, 0.2)] * 2), st.tuples(*[st.floats(0.8, 1.2)] * 2), st.booleans()
)  # fmt: skip
def test_a_warp_is_what_image_data_generator_makes_of_the_same_draws(
    rotation, shear, shift, zoom, flip
):
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    smooth = np.random.default_rng(0).random((8, 8, 1)).astype("float32")
    image = (
        keras.ops.convert_to_numpy(
            keras.ops.image.resize(
                smooth, (64, 64), interpolation="bicubic", data_format="channels_last"
            )
        )
        * 255
    )
    drawn = {
        "theta": rotation,
        "tx": shift[0] * 64,
        "ty": shift[1] * 64,
        "shear": shear,
        "zx": zoom[0],
        "zy": zoom[1],
    }
    theirs = ImageDataGenerator(fill_mode="nearest").apply_transform(
        image, drawn | {"flip_horizontal": flip}
    )
    ours = warp(
        image[None], affine_transforms(Drawn(rotation, shear, shift, zoom, flip), 1, 64, ORIGINAL)
    )[0]
    # The two interpolate alike but clamp a little differently at the border of the image.
    assert np.abs(ours - theirs).mean() < 0.1
    assert np.abs(ours - theirs).max() < 5


def test_warps_are_drawn_from_the_originals_ranges():
    transforms = affine_transforms(np.random.default_rng(0), 20_000, 64, ORIGINAL).astype(float)
    a, b, c, d, e, f = transforms[:, :6].T
    assert (transforms[:, 6:] == 0).all()
    flipped = a < 0
    assert flipped.mean() == pytest.approx(0.5, abs=0.02)
    a = np.where(flipped, -a, a)
    d = np.where(flipped, -d, d)
    zoom_x = np.hypot(a, d)
    rotation = np.rad2deg(np.arctan2(d, a))
    assert zoom_x.min() >= 0.8 - 1e-6
    assert zoom_x.max() <= 1.2 + 1e-6
    assert zoom_x.mean() == pytest.approx(1, abs=0.005)
    assert zoom_x.std() == pytest.approx(0.4 / 12**0.5, abs=0.005)
    assert np.abs(rotation).max() <= 20 + 1e-4
    assert rotation.std() == pytest.approx(40 / 12**0.5, abs=0.2)
    # Where the centre of the image comes from: a shift of up to a fifth of the side, turned with the image.
    centre = (
        np.stack([transforms[:, 0] * 31.5 + b * 31.5 + c, transforms[:, 3] * 31.5 + e * 31.5 + f])
        - 31.5
    )
    assert np.hypot(*centre).max() <= 0.2 * 64 * 2**0.5 + 1e-3
    assert centre.std(axis=1) == pytest.approx(0.4 * 64 / 12**0.5, abs=0.2)


def test_without_augmentation_images_are_as_they_are():
    pixels = np.random.default_rng(0).integers(0, 255, (5, 64, 64), np.uint8)
    transforms = affine_transforms(np.random.default_rng(0), 5, 64, NOTHING)
    assert np.array_equal(warp(pixels[..., None], transforms)[..., 0], pixels)


@pytest.fixture
def checkpoint(tmp_path):
    return tmp_path / "checkpoints" / "run.npz", "key"


@pytest.fixture
def images():
    """60 images whose class shows in their brightness, in three partitions; pixels in another order than the rows."""
    rng = np.random.default_rng(0)
    label = np.arange(60) % 2
    place = rng.permutation(60)
    pixels = np.zeros((60, 64, 64), np.uint8)
    pixels[place] = (
        rng.normal(60 + 130 * label[:, None, None], 20, (60, 64, 64)).clip(0, 255).astype(np.uint8)
    )
    table = pd.DataFrame(
        {
            "image_id": [f"i{n}" for n in range(60)],
            "patient_id": [f"p{n}" for n in range(60)],
            "label": np.where(label, "malignant", "benign"),
            "partition": ["training"] * 40 + ["validation"] * 10 + ["test"] * 10,
            "row": place,
        }
    )
    return pixels, table


def test_an_epoch_holds_each_image_once_with_its_label_and_depends_on_seed_and_epoch_alone(images):
    pixels, table = images
    rows, labels = table["row"].to_numpy(), (table["label"] == "malignant").to_numpy(np.float32)

    def epoch(number, seed=1):
        batches = list(epoch_batches(number, pixels, rows, labels, seed, 16, ORIGINAL))
        return [np.concatenate(parts) for parts in zip(*batches, strict=True)]

    seen, warps, seen_labels = epoch(3)
    bright = seen.mean(axis=(1, 2, 3)) > 125
    assert np.array_equal(bright, seen_labels[:, 0] == 1)
    assert sorted(seen.reshape(60, -1).tolist()) == sorted(pixels.reshape(60, -1).tolist())
    assert all(
        np.array_equal(a, b) for a, b in zip(epoch(3), (seen, warps, seen_labels), strict=True)
    )
    assert not np.array_equal(epoch(4)[0], seen)
    assert not np.array_equal(epoch(4)[1], warps)
    assert not np.array_equal(epoch(3, seed=2)[0], seen)


def test_training_data_runs_through_the_epochs_in_order(images):
    pixels, table = images
    rows, labels = table["row"].to_numpy(), (table["label"] == "malignant").to_numpy(np.float32)
    data = iter(training_data(pixels, rows, labels, 1, 16, ORIGINAL))
    for epoch in range(2):
        for raw, warps, wanted_labels in epoch_batches(
            epoch, pixels, rows, labels, 1, 16, ORIGINAL
        ):
            got, got_labels = next(data)
            assert got.shape == (len(raw), 64, 64, 3)
            assert np.array_equal(got_labels, wanted_labels)
            assert np.allclose(got[..., 1], warp(raw, warps)[..., 0], atol=1e-3)


def test_validation_data_are_as_they_are_and_in_order(images):
    pixels, table = images
    rows = table["row"].to_numpy()
    got = np.concatenate(
        [batch.numpy() for batch, _ in plain_data(pixels, rows, np.zeros(60, np.float32), 16)]
    )
    assert np.array_equal(got[..., 0], pixels[rows])
    assert np.array_equal(got[..., 2], pixels[rows])


def test_same_seed_same_weights_another_seed_others(images, tmp_path):
    pixels, table = images
    first, again, other = (
        train_network(
            pixels, table, seed, "seed_cnn", TRAINING, ORIGINAL, (tmp_path / f"{run}.npz", "key")
        )
        for run, seed in enumerate((1, 1, 2))
    )
    for a, b in zip(first[0].get_weights(), again[0].get_weights(), strict=True):
        assert np.array_equal(a, b)
    pd.testing.assert_frame_equal(first[1], again[1])
    assert any(
        not np.array_equal(a, b)
        for a, b in zip(first[0].get_weights(), other[0].get_weights(), strict=True)
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_training_learns_and_keeps_the_weights_of_the_best_epoch(
    images, checkpoint, tmp_path, seed
):
    pixels, table = images
    model, history = train_network(
        pixels, table, seed, "seed_cnn", TRAINING | {"epochs": 60}, NOTHING, checkpoint
    )
    assert history["kept"].sum() == 1
    kept = history[history["kept"] == 1].iloc[0]
    assert kept["val_loss"] == history["val_loss"].min()
    assert len(history) in (kept["epoch"] + 3, 60)
    predictions = predict(model, pixels, table, 16)
    validation = predictions[predictions["partition"] == "validation"]
    p = validation["probability"].to_numpy(float)
    loss = -np.mean(np.log(np.where(validation["label"] == 1, p, 1 - p)))
    assert loss == pytest.approx(
        kept["val_loss"], rel=1e-2
    )  # the weights that predict are those of the kept epoch
    test = predictions[predictions["partition"] == "test"]
    assert ((test["probability"] > 0.5) == (test["label"] == 1)).mean() >= 0.9
    model.save(tmp_path / "model.keras")
    back = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(
        predict(back, pixels, table, 16)["probability"], predictions["probability"]
    )


def test_a_loss_that_is_no_number_is_told(images, checkpoint):
    pixels, table = images
    with pytest.raises(InputError, match="learning_rate 1e\\+38 is too high"):
        train_network(
            pixels,
            table,
            1,
            "seed_cnn",
            TRAINING | {"learning_rate": 1e38, "epochs": 3},
            NOTHING,
            checkpoint,
        )


def test_dropout_depends_on_seed_and_epoch_alone():
    model = seed_cnn(64)
    image = tf.ones((4, 64, 64, 3)) * 100

    def drop(epoch, steps):
        seed_dropout(model, 7, epoch)
        return [model(image, training=True).numpy() for _ in range(steps)][-1]

    first = drop(2, 1)
    drop(1, 5)
    assert np.array_equal(drop(2, 1), first)
    assert not np.array_equal(drop(3, 1), first)


def test_each_epoch_of_a_training_seeds_its_dropout(images, checkpoint, monkeypatch):
    pixels, table = images
    seen = []
    monkeypatch.setattr(
        "scripts.train_network.seed_dropout", lambda model, seed, epoch: seen.append((seed, epoch))
    )
    train_network(pixels, table, 5, "seed_cnn", TRAINING, NOTHING, checkpoint)
    assert seen == [(5, 0), (5, 1)]


class Cut(Exception):
    """What ends a training in the middle."""


def cut_off(images, checkpoint, training, epoch, monkeypatch):
    """Train until `epoch` begins, counted from 0, and stop as a killed process does: without a word to Keras."""

    def seed_and_stop(model, seed, number):
        if number == epoch:
            raise Cut
        seed_dropout(model, seed, number)

    with monkeypatch.context() as patched, pytest.raises(Cut):
        patched.setattr("scripts.train_network.seed_dropout", seed_and_stop)
        train_network(*images, 1, "seed_cnn", training, ORIGINAL, checkpoint)


@pytest.mark.parametrize("epoch", [1, 3])
def test_a_training_that_was_cut_off_ends_as_if_it_had_not_been(
    images, checkpoint, tmp_path, monkeypatch, capfd, epoch
):
    training = TRAINING | {"epochs": 5, "patience": 2}
    whole = train_network(
        *images, 1, "seed_cnn", training, ORIGINAL, (tmp_path / "whole.npz", "key")
    )
    cut_off(images, checkpoint, training, epoch, monkeypatch)
    capfd.readouterr()
    model, history = train_network(*images, 1, "seed_cnn", training, ORIGINAL, checkpoint)
    assert f"training goes on after epoch {epoch}" in capfd.readouterr().out
    pd.testing.assert_frame_equal(history, whole[1], check_exact=True)
    for a, b in zip(model.get_weights(), whole[0].get_weights(), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize(
    "epochs, patience", [(3, 3), (60, 1)], ids=["all epochs", "early stopping"]
)
def test_a_training_that_had_come_to_its_end_trains_no_more(images, checkpoint, epochs, patience):
    training = TRAINING | {"epochs": epochs, "patience": patience}
    first, again = (
        train_network(*images, 1, "seed_cnn", training, ORIGINAL, checkpoint) for _ in range(2)
    )
    assert len(first[1]) < 60
    pd.testing.assert_frame_equal(first[1], again[1], check_exact=True)
    for a, b in zip(first[0].get_weights(), again[0].get_weights(), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("what", ["another key", "cut short", "no such file"])
def test_a_checkpoint_that_does_not_fit_is_not_used(images, checkpoint, monkeypatch, capfd, what):
    path, key = checkpoint
    cut_off(images, checkpoint, TRAINING, 1, monkeypatch)
    if what == "cut short":
        path.write_bytes(path.read_bytes()[:1000])
    if what == "no such file":
        path.unlink()
    _, history = train_network(
        *images,
        1,
        "seed_cnn",
        TRAINING,
        ORIGINAL,
        (path, "other" if what == "another key" else key),
    )
    assert len(history) == 2
    said = capfd.readouterr().out
    assert "training goes on" not in said
    assert ("training starts afresh" in said) == (what != "no such file")


def test_a_checkpoint_is_for_the_same_inputs_settings_and_code_alone(tmp_path):
    files = {name: tmp_path / name for name in ("manifest", "index", "pixels", "more")}
    for path in files.values():
        path.write_text("as it was")
    inputs = SimpleNamespace(
        manifest=files["manifest"],
        index=files["index"],
        pixels=[files["pixels"], files["more"]],
        weights=[],
    )
    settings = [0, 1, TRAINING, ORIGINAL, False, "code"]
    key = checkpoint_key(inputs, *settings)
    assert checkpoint_key(inputs, *settings) == key
    others = [2, 3, TRAINING | {"epochs": 3}, ORIGINAL | {"zoom": 0}, True, "other code"]
    keys = [
        checkpoint_key(inputs, *settings[:n], other, *settings[n + 1 :])
        for n, other in enumerate(others)
    ]
    for path in files.values():
        path.write_text("changed")
        keys.append(checkpoint_key(inputs, *settings))
        path.write_text("as it was")
    assert len({key, *keys}) == 1 + len(others) + len(files)


def test_what_a_checkpoint_leaves_is_removed(checkpoint):
    from mammo.model.checkpoint import remove

    path, _ = checkpoint
    path.parent.mkdir()
    for name in ("run.npz", "run.123.part", "run2.npz"):
        (path.parent / name).write_text("")
    remove(path)
    assert [file.name for file in path.parent.iterdir()] == ["run2.npz"]
    remove(path.with_name("run2.npz"))
    assert not path.parent.exists()
    remove(path)
