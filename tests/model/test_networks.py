"""Networks and how they are trained: what their file says of them, weights from elsewhere, phases, rates, precision, views. Imports TensorFlow."""

import functools
import hashlib
import math
import urllib.error
import zipfile
from types import SimpleNamespace

import h5py
import numpy as np
import pandas as pd
import pytest

from mammo.log import InputError
from mammo.model import weights as fetch_weights
from mammo.model import zoo as backbones
from mammo.model.augmentation import AS_IT_IS, prediction_views, warped
from mammo.model.training import (
    build,
    class_weights,
    phases,
    predict,
    scheduled,
    seed_dropout,
    train_network,
    use_devices,
)
from mammo.model.zoo import count_weights, known, network_mistakes, pretrained, published

use_devices(2)
import keras  # noqa: E402
from keras.src.legacy.saving import legacy_h5_format  # noqa: E402

from mammo.model.export import convertible, joined  # noqa: E402
from mammo.model.exported_scores import across_folds  # noqa: E402
from mammo.model.fine_tuning import backbone, let_train, load_weights  # noqa: E402
from mammo.model.gradcam import grad_cam, last_convolution  # noqa: E402

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
    "label_smoothing": 0, "class_weights": "none", "frozen_epochs": 1, "fine_tuning_rate": 0.0001, "precision": "float32", "threads": 2,
}  # fmt: skip
SMALLEST = "mobilenet_v3_small"


@pytest.fixture(scope="module")
def images():
    """40 images of 32 x 32 whose class shows in their brightness: (pixels, rows of a manifest)."""
    label = np.arange(40) % 2
    pixels = np.random.default_rng(0).normal(60 + 130 * label[:, None, None], 20, (40, 32, 32))
    table = pd.DataFrame({
        "image_id": [f"i{n}" for n in range(40)], "patient_id": [f"p{n}" for n in range(40)],
        "label": np.where(label, "malignant", "benign"), "partition": ["training"] * 24 + ["validation"] * 8 + ["test"] * 8, "row": range(40),
    })  # fmt: skip
    return pixels.clip(0, 255).astype(np.uint8), table


@pytest.fixture(scope="module")
def published_file(tmp_path_factory):
    """Weights of the smallest backbone as keras.applications would publish them, but random: (file, the model they are of)."""
    keras.utils.set_random_seed(5)
    model = keras.applications.MobileNetV3Small(
        include_top=False, weights=None, input_shape=(32, 32, 3)
    )
    path = tmp_path_factory.mktemp("weights") / "mobilenet_notop.h5"
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    return str(path), model


# What is known of the networks


def test_the_facts_of_the_backbones_are_those_of_keras_and_of_their_own_code():
    from keras.src.applications import convnext, densenet, efficientnet_v2, mobilenet_v3, resnet

    said = {
        name: (facts["published"], facts["digest"])
        for name, facts in known().items()
        if "published" in facts
    }
    base = backbones.PUBLISHED
    assert said["mobilenet_v3_small"][1] == mobilenet_v3.WEIGHTS_HASHES["small_224_1.0_float"][1]
    assert said["efficientnet_v2_b0"][1] == efficientnet_v2.WEIGHTS_HASHES["b0"][1]
    assert said["resnet50"][1] == resnet.WEIGHTS_HASHES["resnet50"][1]
    assert said["convnext_tiny"][1] == convnext.WEIGHTS_HASHES["convnext_tiny"][1]
    assert base + said["densenet121"][0] == densenet.DENSENET121_WEIGHT_PATH_NO_TOP
    for name, module in [
        ("resnet50", resnet),
        ("convnext_tiny", convnext),
        ("efficientnet_v2_b0", efficientnet_v2),
    ]:
        assert base + said[name][0].rpartition("/")[0] + "/" == module.BASE_WEIGHTS_PATH


@pytest.mark.parametrize("name", known())
def test_a_network_is_what_its_facts_say(name):
    """Each takes the smallest image that it says it takes, and has the weights that it says."""
    facts = known()[name]
    model = build(name, facts.get("smallest", 16))
    assert model.name == name
    assert model.layers[-1].dtype_policy.name == "float32"
    assert model.output_shape == (None, 1)
    if "weights" in facts:
        part = backbone(model)
        assert part.count_params() == facts["weights"]
        assert len(model.layers) == len(part.layers) + 3
    assert "one sigmoid unit" in facts["words"]
    assert min(last_convolution(model).output.shape[1:3]) > 1


@pytest.mark.parametrize(
    ("name", "theirs"),
    [(SMALLEST, "mobilenet_v3"), ("resnet50", "resnet50"), ("densenet121", "densenet")],
)
def test_a_backbone_sees_what_its_own_preprocessing_makes_of_an_image(name, theirs):
    """As far as its first convolution, with Keras' own function in place of the layers before it."""
    model = build(name, 32)
    image = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    first = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    seen = keras.Model(model.inputs, first.input).predict(image, verbose=0)
    wanted = getattr(keras.applications, theirs).preprocess_input(image.copy())
    if name == SMALLEST:  # whose function leaves it to the network
        assert np.array_equal(wanted, image)
        wanted = image / 127.5 - 1
    edge = (seen.shape[1] - 32) // 2  # padding
    assert np.allclose(seen[:, edge : edge + 32, edge : edge + 32], wanted, atol=1e-4)


# Weights from elsewhere


def test_weights_as_they_are_published_are_loaded_and_counted(published_file, tmp_path):
    path, theirs = published_file
    image = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    wanted = theirs.predict(image, verbose=0)
    theirs.save_weights(tmp_path / "w.weights.h5")
    theirs.compile("adam", "mse")
    theirs.optimizer.build(theirs.trainable_variables)
    theirs.save(tmp_path / "w.keras")  # with an optimizer, whose moments are no weights
    for file in (path, f"{tmp_path}/w.weights.h5", f"{tmp_path}/w.keras"):
        model = build(SMALLEST, 32)
        load_weights(model, file)
        assert np.array_equal(backbone(model).predict(image, verbose=0), wanted)
        assert count_weights(file) == known()[SMALLEST]["weights"]
        assert [*network_mistakes(settings(SMALLEST, file))] == []


def settings(name, weights="none", size=64):
    return {"network": {"name": name, "weights": str(weights)}, "image": {"size": size}}


def test_what_a_network_cannot_take_is_told(published_file, tmp_path):
    path, _ = published_file
    broken = tmp_path / "broken.h5"
    broken.write_bytes(b"no HDF5")
    zipped = tmp_path / "other.keras"
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("a", "b")
    for study, key, wanted in [
        (settings("resnet50", size=16), "size", "16, but the network resnet50 takes no images of fewer than 32 pixels"),
        (settings("gap_cnn", "imagenet"), "weights", "'imagenet', but gap_cnn begins at random: set it to none, or network.name to one of mobilenet_v3_small"),
        (settings("resnet50", tmp_path / "no.h5"), "weights", "does not exist; give none, imagenet, or a file of resnet50"),
        (settings("resnet50", "here.h5"), "weights", "does not exist (read from "),
        (settings("resnet50", tmp_path), "weights", "is a folder"),
        (settings("resnet50", broken), "weights", "cannot be read as weights"),
        (settings("resnet50", zipped), "weights", "cannot be read as weights"),
        (settings("resnet50", __file__), "weights", "its name ends in none of .h5, .keras"),
        (settings("resnet50", path), "weights", "holds 939,120 weights, those of mobilenet_v3_small; resnet50 has 23,587,712"),
    ]:  # fmt: skip
        [(_, where, what)] = network_mistakes(study)
        assert where == key
        assert wanted in what, what
    model = build(SMALLEST, 32)
    model.save_weights(tmp_path / "with_head.weights.h5")
    [(_, _, what)] = network_mistakes(settings(SMALLEST, tmp_path / "with_head.weights.h5"))
    assert "of another network, or with a head" in what
    with pytest.raises(InputError, match="not the weights of gap_cnn"):
        load_weights(build("gap_cnn", 32), path)


def test_published_weights_come_from_the_cache_or_a_download_and_are_verified(
    tmp_path, monkeypatch, capsys
):
    content, cache, output = b"weights", tmp_path / "keras/models/w.h5", tmp_path / "w.h5"
    digests = hashlib.md5(content).hexdigest(), hashlib.sha256(content).hexdigest()
    asked = []

    def open_address(address, timeout):
        asked.append(timeout)
        if address == "https://nowhere/w.h5":
            raise urllib.error.URLError(TimeoutError(110, "Connection timed out"))
        return open(tmp_path / "served", "rb")

    monkeypatch.setattr("urllib.request.urlopen", open_address)
    with pytest.raises(
        InputError,
        match=r"cannot be downloaded: Connection timed out\. Download https://nowhere/w\.h5 elsewhere",
    ) as told:
        fetch_weights.fetch("https://nowhere/w.h5", digests[0], output, cache)
    assert f"put it at {cache}, or name it by the key network.weights" in str(told.value)
    assert asked == [fetch_weights.WAIT]
    (tmp_path / "served").write_bytes(content)
    fetch_weights.fetch("https://there/w.h5", digests[1], output, cache)
    assert output.read_bytes() == content
    (tmp_path / "served").write_bytes(b"a page that asks who you are")
    with pytest.raises(
        InputError, match=r"https://there/w\.h5 is not the file that keras.applications publishes"
    ):
        fetch_weights.fetch("https://there/w.h5", digests[0], tmp_path / "other.h5", cache)
    cache.parent.mkdir(parents=True)
    cache.write_bytes(content)
    fetch_weights.fetch("https://nowhere/w.h5", digests[0], tmp_path / "other.h5", cache)
    assert (tmp_path / "other.h5").read_bytes() == content
    assert {path.name for path in tmp_path.iterdir()} == {
        "keras",
        "w.h5",
        "other.h5",
        "served",
    }  # nothing half written
    assert fetch_weights.cached("w.h5", {"KERAS_HOME": "/there"}).as_posix() == "/there/models/w.h5"
    assert fetch_weights.cached("w.h5", {}).as_posix().endswith("/.keras/models/w.h5")


def test_a_run_with_published_weights_waits_for_their_file():
    (file,) = pretrained({"name": "resnet50", "weights": "imagenet"})
    assert file == "results/weights/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
    address, digest = published(file.rpartition("/")[2].removesuffix(".h5"))
    assert address.endswith("/resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5")
    assert digest == known()["resnet50"]["digest"]
    assert pretrained({"name": "resnet50", "weights": "none"}) == []


# Phases


def test_phases_train_the_head_and_then_all():
    training = TRAINING | {
        "epochs": 8,
        "frozen_epochs": 3,
        "learning_rate": 0.1,
        "fine_tuning_rate": 0.2,
    }
    assert phases(training, None) == [(0, 8, 0.1, "all")]
    assert phases(training, "file") == [(0, 3, 0.1, "head"), (3, 8, 0.2, "fine")]
    assert phases(training | {"frozen_epochs": 0}, "file") == [(0, 8, 0.2, "fine")]
    assert phases(training | {"frozen_epochs": 9}, "file") == [(0, 8, 0.1, "head")]


def test_batch_normalisation_of_a_backbone_with_weights_stays_as_it_came():
    model = build(SMALLEST, 32)
    head = {id(variable) for layer in model.layers[-3:] for variable in layer.variables}
    let_train(model, "head")
    assert {id(variable) for variable in model.trainable_variables} <= head
    assert len(model.trainable_variables) == 2
    let_train(model, "fine")
    trained = {id(variable) for variable in model.trainable_variables}
    for layer in model.layers:
        fixed = isinstance(layer, keras.layers.BatchNormalization)
        assert all(
            (id(variable) in trained) != fixed
            for variable in layer.variables
            if "seed" not in variable.path
        )


class Cut(Exception):
    """What ends a training in the middle."""


def test_training_in_phases_goes_on_where_it_was_cut_off(images, tmp_path, monkeypatch, capfd):
    """Cut off within a phase and between the two: weights and history are those of a training that was not."""
    training = TRAINING | {
        "epochs": 4,
        "frozen_epochs": 2,
        "schedule": "cosine",
        "fine_tuning_rate": 0.001,
    }
    given = build("gap_cnn", 32)
    path = f"{tmp_path}/given.weights.h5"
    backbone(given).save_weights(path)

    def train(name, until=9):
        def seed_and_stop(model, seed, epoch):
            if epoch == until:
                raise Cut
            seed_dropout(model, seed, epoch)

        with monkeypatch.context() as patched:
            patched.setattr("scripts.train_network.seed_dropout", seed_and_stop)
            return train_network(
                *images, 1, "gap_cnn", training, NOTHING, (tmp_path / name, "key"), path
            )

    model, history = train("whole.npz")
    for epoch in (1, 2, 3):
        with pytest.raises(Cut):
            train("cut.npz", epoch)
    again, told = train("cut.npz")
    pd.testing.assert_frame_equal(history, told, check_exact=True)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        assert np.array_equal(a, b)
    said = capfd.readouterr().out
    assert "from epoch 1 on the head alone is trained, at a learning rate of 0.001" in said
    assert (
        "from epoch 3 on all but the backbone's batch normalisation is trained, at a learning rate of 0.001"
        in said
    )
    assert "training goes on after epoch 3" in said

    with np.load(tmp_path / "whole.npz") as file:
        last = build("gap_cnn", 32)
        last.set_weights([file[f"weights{n}"] for n in range(len(last.weights))])
    for layer, other in zip(backbone(last).layers, backbone(given).layers, strict=True):
        for a, b in zip(layer.get_weights(), other.get_weights(), strict=True):
            assert np.array_equal(a, b) == isinstance(layer, keras.layers.BatchNormalization)


# How it is trained


def test_schedules():
    rates = [scheduled("cosine", 0.1, epoch, 4, [], 3) for epoch in range(4)]
    assert np.allclose(rates, [0.05 * (1 + math.cos(math.pi * n / 4)) for n in range(4)])
    assert scheduled("constant", 0.1, 3, 4, [1, 2, 3], 3) == 0.1
    losses = [
        1.0,
        0.9,
        0.95,
        0.91,
        0.8,
        0.81,
        0.82,
        0.83,
        0.84,
    ]  # of patience 3, two without progress halve it
    rates = [
        scheduled("plateau", 0.1, epoch, 40, losses[:epoch], 3) for epoch in range(len(losses) + 1)
    ]
    assert rates == [0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025, 0.0125]


def test_balanced_classes_count_alike():
    labels = np.array([0, 0, 0, 1], np.float32)
    weights = class_weights(labels, "balanced")
    assert weights == {0: 4 / 6, 1: 2.0}
    assert sum(weights[label] for label in labels) == pytest.approx(len(labels))
    assert class_weights(labels, "none") is None


@pytest.fixture(scope="module")
def learnt(images, tmp_path_factory):
    """A function from changes of TRAINING to the weights that two epochs with unbalanced classes end in, and their history."""
    pixels, table = images
    table = table[(table["label"] == "benign") | (table["row"] % 4 == 1)]
    folder = tmp_path_factory.mktemp("learnt")

    @functools.cache
    def train(**changes):
        saved = folder / f"{changes}.npz", "key"
        model, history = train_network(
            pixels, table, 1, "gap_cnn", TRAINING | changes, NOTHING, saved
        )
        assert {variable.dtype for variable in model.weights} == {"float32"}
        assert {layer.compute_dtype for layer in model.layers} == {"float32"}
        return np.concatenate([array.ravel() for array in model.get_weights()]), history

    return train


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("loss", "focal"),
        ("label_smoothing", 0.2),
        ("class_weights", "balanced"),
        ("schedule", "cosine"),
        ("precision", "mixed_bfloat16"),
    ],
)
def test_each_setting_changes_what_is_learnt(learnt, key, value):
    (plain, before), (other, after) = learnt(), learnt(**{key: value})
    assert not np.array_equal(plain, other)
    assert np.isfinite(after["val_loss"]).all()
    first = after["loss"][0] / before["loss"][0]
    if key == "loss":  # cross-entropy times (1 - p)², which is a quarter where a network is unsure
        assert 0.1 < first < 0.6


@pytest.fixture(scope="module")
def trained(images, tmp_path_factory):
    """A function that trains the smallest backbone for an epoch, always in the same way but for the checkpoint."""
    training = TRAINING | {"epochs": 1, "precision": "mixed_bfloat16"}
    folder = tmp_path_factory.mktemp("trained")
    train = lambda run: train_network(
        *images, 3, SMALLEST, training, NOTHING, (folder / f"{run}.npz", "key")
    )[0]
    return functools.cache(train)


def test_same_seed_same_weights_of_a_backbone(trained):
    for a, b in zip(trained(1).get_weights(), trained(2).get_weights(), strict=True):
        assert np.array_equal(a, b)


def test_a_backbone_is_saved_explained_and_joined(images, trained, tmp_path):
    pixels, table = images
    model = trained(1)
    model.save(tmp_path / "model.keras")
    wanted = predict(model, pixels, table, 40)["probability"].to_numpy()
    together = joined([tmp_path / "model.keras"])
    seen = np.repeat(pixels[..., None], 3, axis=3).astype("float32")
    found = together.predict(seen, batch_size=40, verbose=0)
    assert np.allclose(found["probability"][:, 0], wanted, atol=1e-6)
    assert found["features"].shape == (40, 576)
    back = keras.models.load_model(tmp_path / "model.keras", compile=False)
    maps, logits = grad_cam(back, last_convolution(back), [seen[:4]], np.ones(4))
    assert maps.shape == (4, 2, 2)
    assert np.allclose(1 / (1 + np.exp(-logits)), wanted[:4], atol=1e-5)


def test_what_the_converter_does_not_know_is_replaced_by_its_equal():
    """As ConvNeXt has it: convolutions of as many groups as channels, and GELU."""
    image = keras.Input((16, 16, 3), name="image")
    out = keras.layers.Conv2D(4, 3, groups=4, padding="same")(
        keras.Sequential([keras.layers.Conv2D(4, 3)])(image)
    )
    out = keras.layers.Activation("gelu")(out / 100)
    model = keras.Model(image, keras.layers.Conv2D(2, 3, groups=2, use_bias=False)(out + out))
    for variable in model.weights:
        variable.assign(np.random.default_rng(variable.shape[-1]).normal(size=variable.shape))
    twin = convertible(model)
    kinds = [type(layer).__name__ for layer in twin.layers if "onv" in type(layer).__name__]
    assert kinds == [
        "DepthwiseConv2D",
        "Conv2D",
    ]  # the last takes two channels for each that it gives
    assert next(layer for layer in twin.layers if layer.name.startswith("activation")).activation is not keras.activations.gelu  # fmt: skip
    seen = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3)).astype("float32")
    wanted = model.predict(seen, verbose=0)
    assert np.abs(twin.predict(seen, verbose=0) - wanted).max() < 1e-4 * np.abs(wanted).max()
    plain = build("gap_cnn", 32)
    assert convertible(plain) is plain


# Views


def test_a_view_is_the_warp_that_keras_makes():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 20, 20), np.uint8)
    smooth = np.repeat(np.repeat(pixels[:, ::5, ::5], 5, 1), 5, 2)
    views = prediction_views(
        20,
        NOTHING
        | {"rotation": 20, "shift": 0.1, "zoom": 0.1, "horizontal_flip": True, "test_views": 6},
    )
    assert views.shape == (6, 8)
    assert np.array_equal(warped(smooth, views[0]), smooth)
    for view in views[1:]:
        theirs = keras.ops.image.affine_transform(
            smooth[..., None].astype("float32"),
            np.repeat(view[None], 3, 0),
            fill_mode="nearest",
            data_format="channels_last",
        )
        assert np.abs(keras.ops.convert_to_numpy(theirs)[..., 0] - warped(smooth, view)).max() < 0.1
    flip = np.array([-1, 0, 19, 0, 1, 0, 0, 0], np.float32)
    assert np.array_equal(warped(pixels, flip), pixels[:, :, ::-1])


def test_a_prediction_is_the_mean_over_views(images):
    pixels, table = images
    model = build("gap_cnn", 32)
    flip = np.array([-1, 0, 31, 0, 1, 0, 0, 0], np.float32)
    both = predict(model, pixels, table, 16, [AS_IT_IS, flip])["probability"]
    each = [predict(model, seen, table, 16)["probability"] for seen in (pixels, pixels[:, :, ::-1])]
    assert np.allclose(both, np.mean(each, axis=0), atol=1e-6)
    assert not np.allclose(both, each[0], atol=1e-6)


# All folds as one


def test_the_networks_of_all_folds_are_judged_by_what_each_had_not_seen():
    rng = np.random.default_rng(0)
    partitions = {0: ["test"] * 40 + ["validation"] * 40 + ["training"] * 40, 1: ["training"] * 40 + ["test"] * 40 + ["validation"] * 40}  # fmt: skip
    label = np.arange(120) % 2
    scores = pd.concat(
        pd.DataFrame({
            "fold": fold, "image_id": [f"i{n}" for n in range(120)], "label": label, "partition": parts,
            "probability": np.clip(0.3 + 0.4 * label + rng.normal(0, 0.2, 120), 0.01, 0.99), "calibrated": 9.0,
        })
        for fold, parts in partitions.items()
    )  # fmt: skip
    told, thresholds, images = across_folds(scores.reset_index(drop=True))
    assert len(images) == 120
    mean = scores.groupby("image_id")["probability"].mean()
    assert np.allclose(images["probability"], mean[images["image_id"]])
    # 40 were in test and validation only: the reference leaves them out.
    assert images["partition"].value_counts().to_dict() == {"training": 80, "validation": 40}
    assert told["calibrated"].between(0, 1).all()
    validation = told[told["partition"] == "validation"]
    youden = thresholds.set_index("point").loc["youden"]
    assert youden["threshold"] in set(validation["calibrated"])
    assert thresholds["temperature"].nunique() == 1


def test_a_checkpoint_is_for_the_same_weights_alone(tmp_path):
    from mammo.model.training import checkpoint_key

    files = {name: tmp_path / name for name in ("manifest", "index", "weights")}
    for path in files.values():
        path.write_text("as it was")
    inputs = SimpleNamespace(
        manifest=files["manifest"], index=files["index"], pixels=[], weights=[files["weights"]]
    )
    key = checkpoint_key(inputs, 0)
    files["weights"].write_text("others")
    assert checkpoint_key(inputs, 0) != key
