"""A training that was killed ends, bit for bit, as one that was not."""

import numpy as np
import pandas as pd
import pytest

from helpers.training import NOTHING, Killed, bright_images, killed_at, training_of
from mammo.model.devices import use_devices
from mammo.model.settings import Augmentation
from mammo.model.training import checkpoint_key, train_network

use_devices(2)
import keras  # noqa: E402

from mammo.model.checkpoint import remove  # noqa: E402
from mammo.model.fine_tuning import backbone  # noqa: E402
from mammo.model.networks import build  # noqa: E402

ORIGINAL = Augmentation.default()


@pytest.fixture(scope="module")
def images():
    return bright_images({"training": 40, "validation": 10, "test": 10}, 64)


@pytest.fixture
def checkpoint(tmp_path):
    return tmp_path / "checkpoints" / "run.npz", "key"


def train(images, training, checkpoint, **more):
    return train_network(*images, 1, "seed_cnn", training, ORIGINAL, checkpoint, **more)


def train_until(images, training, checkpoint, epoch):
    with pytest.raises(Killed):
        train(images, training, checkpoint, callbacks=[killed_at(epoch)])


def assert_same(first, second):
    """Two trainings, each (model, history), ended alike."""
    pd.testing.assert_frame_equal(first[1], second[1], check_exact=True)
    for a, b in zip(first[0].get_weights(), second[0].get_weights(), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("epoch", "optimizer"), [(1, "adam"), (3, "adam"), (3, "adamw"), (3, "sgd")]
)
def test_a_training_that_was_killed_ends_as_if_it_had_not_been(
    images, checkpoint, tmp_path, capfd, epoch, optimizer
):
    training = training_of(epochs=5, patience=2, optimizer=optimizer)
    whole = train(images, training, (tmp_path / "whole.npz", "key"))
    train_until(images, training, checkpoint, epoch)
    capfd.readouterr()
    resumed = train(images, training, checkpoint)
    assert f"training goes on after epoch {epoch}" in capfd.readouterr().out
    assert_same(resumed, whole)


@pytest.mark.slow
@pytest.mark.parametrize(
    "epochs, patience", [(3, 3), (60, 1)], ids=["all epochs", "early stopping"]
)
def test_a_training_that_had_come_to_its_end_trains_no_more(images, checkpoint, epochs, patience):
    training = training_of(epochs=epochs, patience=patience)
    first, again = (train(images, training, checkpoint) for _ in range(2))
    assert len(first[1]) < 60
    assert_same(first, again)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["another key", "cut short", "no such file"])
def test_a_checkpoint_that_does_not_fit_is_not_used(images, checkpoint, capfd, what):
    path, key = checkpoint
    train_until(images, training_of(), checkpoint, 1)
    if what == "cut short":
        path.write_bytes(path.read_bytes()[:1000])
    if what == "no such file":
        path.unlink()
    _, history = train(images, training_of(), (path, "other" if what == "another key" else key))
    assert len(history) == 2
    said = capfd.readouterr().out
    assert "training goes on" not in said
    assert ("training starts afresh" in said) == (what != "no such file")


@pytest.mark.slow
def test_training_in_phases_goes_on_where_it_was_killed(tmp_path, capfd):
    """Within a phase and between the two, and what the phases have trained."""
    images = bright_images({"training": 24, "validation": 8}, 32)
    training = training_of(epochs=4, frozen_epochs=2, schedule="cosine", fine_tuning_rate=0.001)
    given = build("gap_cnn", 32)
    path = f"{tmp_path}/given.weights.h5"
    backbone(given).save_weights(path)

    def train(name, callbacks=()):
        saved = tmp_path / name, "key"
        return train_network(*images, 1, "gap_cnn", training, NOTHING, saved, path, callbacks)

    whole = train("whole.npz")
    for epoch in (1, 2, 3):
        with pytest.raises(Killed):
            train("cut.npz", [killed_at(epoch)])
    assert_same(train("cut.npz"), whole)
    said = capfd.readouterr().out
    rate = "is trained, at a learning rate of 0.001"
    assert f"from epoch 1 on the head alone {rate}" in said
    assert f"from epoch 3 on all but the backbone's batch normalisation {rate}" in said
    assert "training goes on after epoch 3" in said

    with np.load(tmp_path / "whole.npz") as file:
        last = build("gap_cnn", 32)
        last.set_weights([file[f"weights{n}"] for n in range(len(last.weights))])
    for layer, other in zip(backbone(last).layers, backbone(given).layers, strict=True):
        for a, b in zip(layer.get_weights(), other.get_weights(), strict=True):
            assert np.array_equal(a, b) == isinstance(layer, keras.layers.BatchNormalization)


def test_a_checkpoint_is_for_the_same_inputs_settings_and_code_alone(tmp_path):
    files = [tmp_path / name for name in ("manifest", "index", "pixels", "more", "weights")]
    for path in files:
        path.write_text("as it was")
    training, augmentation = (section.model_dump() for section in (training_of(), ORIGINAL))
    settings = [0, 1, training, augmentation, False, "code"]
    key = checkpoint_key(files, *settings)
    assert checkpoint_key(files, *settings) == key
    others = [2, 3, training | {"epochs": 3}, augmentation | {"zoom": 0}, True, "other code"]
    keys = [
        checkpoint_key(files, *settings[:n], other, *settings[n + 1 :])
        for n, other in enumerate(others)
    ]
    for path in files:
        path.write_text("changed")
        keys.append(checkpoint_key(files, *settings))
        path.write_text("as it was")
    assert len({key, *keys}) == 1 + len(others) + len(files)


def test_what_a_checkpoint_leaves_is_removed(checkpoint):
    path, _ = checkpoint
    path.parent.mkdir()
    for name in ("run.npz", "run.123.part", "run2.npz"):
        (path.parent / name).write_text("")
    remove(path)
    assert [file.name for file in path.parent.iterdir()] == ["run2.npz"]
    remove(path.with_name("run2.npz"))
    assert not path.parent.exists()
    remove(path)
