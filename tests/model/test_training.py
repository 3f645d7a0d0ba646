"""Training: determinism, early stopping, what each setting changes, and what is predicted."""

import functools

import numpy as np
import pandas as pd
import pytest

from helpers.training import NOTHING, bright_images, training_of
from mammo.log import InputError
from mammo.model.augmentation import IDENTITY
from mammo.model.devices import use_devices
from mammo.model.networks import build, load_model, seed_cnn
from mammo.model.optimizers import OPTIMIZERS
from mammo.model.settings import Augmentation
from mammo.model.training import (
    class_weights,
    decoded_images,
    predict,
    save_model,
    train_network,
)

use_devices(2)
import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

from mammo.model.callbacks import SeedDropout, seed_dropout  # noqa: E402

ORIGINAL = Augmentation.default()


@pytest.fixture(scope="module")
def images():
    return bright_images({"training": 40, "validation": 10, "test": 10}, 64)


@pytest.fixture
def checkpoint(tmp_path):
    return tmp_path / "checkpoints" / "run.npz", "key"


@pytest.mark.slow
def test_same_seed_same_weights_another_seed_others(images, tmp_path):
    first, again, other = (
        train_network(
            *images, seed, "seed_cnn", training_of(), ORIGINAL, (tmp_path / f"{run}.npz", "key")
        )
        for run, seed in enumerate((1, 1, 2))
    )
    differs = False
    for a, b, c in zip(*(model.get_weights() for model, _ in (first, again, other)), strict=True):
        assert np.array_equal(a, b)
        differs |= not np.array_equal(a, c)
    assert differs
    pd.testing.assert_frame_equal(first[1], again[1])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_training_learns_and_keeps_the_weights_of_the_best_epoch(
    images, checkpoint, tmp_path, seed
):
    pixels, table = images
    training = training_of(epochs=60)
    model, history = train_network(*images, seed, "seed_cnn", training, NOTHING, checkpoint)
    assert history["kept"].sum() == 1
    kept = history[history["kept"] == 1].iloc[0]
    assert kept["val_loss"] == history["val_loss"].min()
    assert len(history) in (kept["epoch"] + 3, 60)
    predictions = predict(model, pixels, table, 16)
    validation = predictions[predictions["partition"] == "validation"]
    p = validation["probability"].to_numpy(float)
    loss = -np.mean(np.log(np.where(validation["label"] == 1, p, 1 - p)))
    # The weights that predict are those of the kept epoch.
    assert loss == pytest.approx(kept["val_loss"], rel=1e-2)
    test = predictions[predictions["partition"] == "test"]
    assert ((test["probability"] > 0.5) == (test["label"] == 1)).mean() >= 0.9
    save_model(model, tmp_path / "model.keras", {"dataset": "d", "leaks": ""})
    again = predict(load_model(tmp_path / "model.keras"), pixels, table, 16)
    assert np.array_equal(again["probability"], predictions["probability"])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_has_the_learning_rate_that_it_is_given(name):
    optimizer = OPTIMIZERS[name].make(0.02)
    assert float(optimizer.learning_rate) == pytest.approx(0.02)
    assert OPTIMIZERS[name].description


def test_optimizers_are_kerass_own_with_their_defaults():
    adam, adamw, sgd = (OPTIMIZERS[name].make(0.1) for name in ("adam", "adamw", "sgd"))
    wanted = keras.optimizers.Adam(0.1).get_config()
    assert adam.get_config() | {"name": ""} == wanted | {"name": ""}
    assert adamw.weight_decay == 0.004
    assert sgd.momentum == 0.9


def test_a_loss_that_is_no_number_is_reported(images, checkpoint):
    training = training_of(learning_rate=1, epochs=3).model_copy(update={"learning_rate": 1e38})
    with pytest.raises(InputError, match="learning_rate 1e\\+38 is too high"):
        train_network(*images, 1, "seed_cnn", training, NOTHING, checkpoint)


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
    seen = []
    monkeypatch.setattr(
        "mammo.model.callbacks.seed_dropout", lambda model, *args: seen.append(args)
    )
    train_network(*images, 5, "seed_cnn", training_of(), NOTHING, checkpoint)
    assert seen == [(5, 0), (5, 1)]
    assert SeedDropout(5).seed == 5


def test_balanced_classes_count_alike():
    labels = np.array([0, 0, 0, 1], np.float32)
    weights = class_weights(labels, "balanced")
    assert weights == {0: 4 / 6, 1: 2.0}
    assert sum(weights[label] for label in labels) == pytest.approx(len(labels))
    assert class_weights(labels, "none") is None


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A function from changed keys to the weights after two epochs of training, and the history.

    Classes are not balanced.
    """
    pixels, table = bright_images({"training": 24, "validation": 8, "test": 8}, 32)
    table = table[(table["label"] == "benign") | (table["image_id"].str[1:].astype(int) % 4 == 1)]
    folder = tmp_path_factory.mktemp("learned")

    @functools.cache
    def train(**changes):
        saved = folder / f"{changes}.npz", "key"
        training = training_of(**changes)
        model, history = train_network(pixels, table, 1, "gap_cnn", training, NOTHING, saved)
        assert {variable.dtype for variable in model.weights} == {"float32"}
        assert {layer.compute_dtype for layer in model.layers} == {"float32"}
        return np.concatenate([array.ravel() for array in model.get_weights()]), history

    return train


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("optimizer", "adamw"),
        ("optimizer", "sgd"),
        ("loss", "focal"),
        ("label_smoothing", 0.2),
        ("class_weights", "balanced"),
        ("schedule", "cosine"),
        ("precision", "mixed_bfloat16"),
    ],
)
def test_each_setting_changes_what_is_learned(learned, key, value):
    (plain, before), (other, after) = learned(), learned(**{key: value})
    assert not np.array_equal(plain, other)
    assert np.isfinite(after["val_loss"]).all()
    first = after["loss"][0] / before["loss"][0]
    if key == "loss":  # cross-entropy times (1 - p)², a quarter where a network is uncertain
        assert 0.1 < first < 0.6


def test_a_prediction_is_the_mean_over_views():
    pixels, table = bright_images({"test": 40}, 32)
    model = build("gap_cnn", 32)
    flip = np.array([-1, 0, 31, 0, 1, 0, 0, 0], np.float32)
    both = predict(model, pixels, table, 16, [IDENTITY, flip])["probability"]
    each = [predict(model, seen, table, 16)["probability"] for seen in (pixels, pixels[:, :, ::-1])]
    assert np.allclose(both, np.mean(each, axis=0), atol=1e-6)
    assert not np.allclose(both, each[0], atol=1e-6)


def test_images_that_could_not_be_decoded_are_excluded_and_none_left_of_a_class_is_an_error(capsys):
    _, manifest = bright_images({"training": 4, "validation": 4, "test": 2}, 8)
    index = manifest[["image_id", "row"]]
    manifest = manifest.drop(columns="row").assign(fold=0)
    found = decoded_images(manifest, index.drop([0, 9]), 0, "m.csv", "e.csv")
    assert found["image_id"].tolist() == [f"i{number}" for number in range(1, 9)]
    assert "2 images of the manifest are excluded" in capsys.readouterr().out
    with pytest.raises(InputError, match=r"m\.csv: of validation, no images of both .* see e\.csv"):
        decoded_images(manifest, index.drop([4, 6]), 0, "m.csv", "e.csv")
