"""Networks and their weights: what is said of them, files of weights, fine-tuning, and export."""

import hashlib
import urllib.error
import zipfile

import h5py
import numpy as np
import pytest

from helpers.training import NOTHING, bright_images, training_of
from mammo.dataset.settings import Image
from mammo.log import InputError
from mammo.model import download
from mammo.model.devices import use_devices
from mammo.model.networks import NETWORKS, build, seed_cnn
from mammo.model.settings import Network
from mammo.model.training import predict, train_network
from mammo.model.weights import count_weights, network_mistakes, pretrained, published

use_devices(2)
import keras  # noqa: E402
from keras.src.legacy.saving import legacy_h5_format  # noqa: E402

from mammo.model.export import convertible, joined  # noqa: E402
from mammo.model.fine_tuning import backbone, let_train, load_weights  # noqa: E402
from mammo.model.gradcam import grad_cam, last_convolution  # noqa: E402

SMALLEST = "mobilenet_v3_small"
BACKBONES = {name: each for name, each in NETWORKS.items() if each.published}


@pytest.fixture(scope="module")
def published_file(tmp_path_factory):
    """(file, model): weights of the smallest backbone as they are published, but random."""
    keras.utils.set_random_seed(5)
    model = keras.applications.MobileNetV3Small(
        include_top=False, weights=None, input_shape=(32, 32, 3)
    )
    path = tmp_path_factory.mktemp("weights") / "mobilenet_notop.h5"
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    return str(path), model


# What is said of the networks


def test_the_network_is_the_original_studys():
    model = seed_cnn(64)
    assert model.count_params() == 822_337
    assert model.input_shape == (None, 64, 64, 3)
    names = [type(layer).__name__ for layer in model.layers]
    convolution = ["Conv2D", "MaxPooling2D"]
    assert names == ["Rescaling", *2 * convolution, "Flatten", "Dense", "Dropout", "Dense"]
    parameters = [layer.count_params() for layer in model.layers if layer.count_params()]
    assert parameters == [896, 18_496, 802_880, 65]
    assert model.layers[0].scale == 1 / 255
    assert model.layers[7].rate == 0.3
    activations = [model.layers[i].activation.__name__ for i in (1, 3, 6, 8)]
    assert activations == ["relu", "relu", "relu", "sigmoid"]


def test_the_facts_of_the_backbones_are_those_of_keras_and_of_their_own_code():
    from keras.src.applications import convnext, densenet, efficientnet_v2, mobilenet_v3, resnet

    digest = {name: each.published.digest for name, each in BACKBONES.items()}
    assert digest["mobilenet_v3_small"] == mobilenet_v3.WEIGHTS_HASHES["small_224_1.0_float"][1]
    assert digest["efficientnet_v2_b0"] == efficientnet_v2.WEIGHTS_HASHES["b0"][1]
    assert digest["resnet50"] == resnet.WEIGHTS_HASHES["resnet50"][1]
    assert digest["convnext_tiny"] == convnext.WEIGHTS_HASHES["convnext_tiny"][1]
    address = {name: each.published.address for name, each in BACKBONES.items()}
    assert address["densenet121"] == densenet.DENSENET121_WEIGHT_PATH_NO_TOP
    for name, module in [
        ("resnet50", resnet),
        ("convnext_tiny", convnext),
        ("efficientnet_v2_b0", efficientnet_v2),
    ]:
        assert address[name].rpartition("/")[0] + "/" == module.BASE_WEIGHTS_PATH


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_what_its_record_says(name):
    """It takes the smallest image that it says it takes, and has as many parameters."""
    architecture = NETWORKS[name]
    model = build(name, architecture.smallest or 16)
    assert model.name == architecture.name == name
    assert model.layers[-1].dtype_policy.name == "float32"
    assert model.output_shape == (None, 1)
    if architecture.published:
        part = backbone(model)
        assert part.count_params() == architecture.published.parameters
        assert len(model.layers) == len(part.layers) + 3
    assert "one sigmoid unit" in architecture.description
    assert min(last_convolution(model).output.shape[1:3]) > 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "theirs"),
    [(SMALLEST, "mobilenet_v3"), ("resnet50", "resnet50"), ("densenet121", "densenet")],
)
def test_a_backbone_sees_what_its_own_preprocessing_makes_of_an_image(name, theirs):
    """As far as its first convolution, with Keras' function in place of the layers before."""
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


@pytest.mark.slow
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
        assert count_weights(file) == NETWORKS[SMALLEST].published.parameters
        assert mistakes(SMALLEST, file) == []


def mistakes(name, weights="none", size=64):
    network, image = Network(name=name, weights=str(weights)), Image.default(size=size)
    return [*network_mistakes(network, image)]


def test_what_a_network_cannot_take_is_reported(published_file, tmp_path):
    path, _ = published_file
    broken, zipped = tmp_path / "broken.h5", tmp_path / "other.keras"
    broken.write_bytes(b"no HDF5")
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("a", "b")
    [(*where, what)] = mistakes("resnet50", size=16)
    assert where == ["image", "size"]
    assert "16, but the network resnet50 takes no images of fewer than 32 pixels" in what
    begins = "'imagenet', but gap_cnn begins at random: set it to none, or network.name to one of"
    for name, weights, wanted in [
        ("gap_cnn", "imagenet", f"{begins} mobilenet_v3_small"),
        ("resnet50", tmp_path / "no.h5", "does not exist; give none, imagenet, or a file of resn"),
        ("resnet50", "here.h5", "does not exist (read from "),
        ("resnet50", tmp_path, "is a folder"),
        ("resnet50", broken, "cannot be read as weights"),
        ("resnet50", zipped, "cannot be read as weights"),
        ("resnet50", __file__, "its name ends in none of .h5, .keras"),
        ("resnet50", path, "holds 939,120 weights, those of mobilenet_v3_small; resnet50 has 23,"),
    ]:
        [(*where, what)] = mistakes(name, weights)
        assert where == ["network", "weights"]
        assert wanted in what, what
    model = build(SMALLEST, 32)
    model.save_weights(tmp_path / "with_head.weights.h5")
    [(_, _, what)] = mistakes(SMALLEST, tmp_path / "with_head.weights.h5")
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
    way_out = r"Download https://nowhere/w\.h5 elsewhere"
    with pytest.raises(
        InputError, match=rf"cannot be downloaded: Connection timed out\. {way_out}"
    ) as told:
        download.fetch("https://nowhere/w.h5", digests[0], output, cache)
    assert f"put it at {cache}, or name it by the key network.weights" in str(told.value)
    assert asked == [download.WAIT]
    (tmp_path / "served").write_bytes(content)
    download.fetch("https://there/w.h5", digests[1], output, cache)
    assert output.read_bytes() == content
    (tmp_path / "served").write_bytes(b"a page that asks who you are")
    with pytest.raises(
        InputError, match=r"https://there/w\.h5 is not the file that keras.applications publishes"
    ):
        download.fetch("https://there/w.h5", digests[0], tmp_path / "other.h5", cache)
    cache.parent.mkdir(parents=True)
    cache.write_bytes(content)
    download.fetch("https://nowhere/w.h5", digests[0], tmp_path / "other.h5", cache)
    assert (tmp_path / "other.h5").read_bytes() == content
    # Nothing is left half written.
    assert {path.name for path in tmp_path.iterdir()} == {"keras", "w.h5", "other.h5", "served"}
    assert download.cached("w.h5", {"KERAS_HOME": "/there"}).as_posix() == "/there/models/w.h5"
    assert download.cached("w.h5", {}).as_posix().endswith("/.keras/models/w.h5")


def test_a_run_with_published_weights_waits_for_their_file():
    (file,) = pretrained(Network(name="resnet50", weights="imagenet"))
    assert file == "results/weights/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
    address, digest = published(file.rpartition("/")[2].removesuffix(".h5"))
    assert address.endswith("/resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5")
    assert digest == NETWORKS["resnet50"].published.digest
    assert pretrained(Network(name="resnet50", weights="none")) == []


# Fine-tuning


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


@pytest.fixture(scope="module")
def images():
    return bright_images({"training": 24, "validation": 8, "test": 8}, 32)


@pytest.fixture(scope="module")
def trained(images, tmp_path_factory):
    """The smallest backbone, trained twice for an epoch in the same way."""
    training = training_of(epochs=1, precision="mixed_bfloat16")
    folder = tmp_path_factory.mktemp("trained")
    checkpoints = [(folder / f"{run}.npz", "key") for run in range(2)]
    return [
        train_network(*images, 3, SMALLEST, training, NOTHING, checkpoint)[0]
        for checkpoint in checkpoints
    ]


@pytest.mark.slow
def test_same_seed_same_weights_of_a_backbone(trained):
    for a, b in zip(*(model.get_weights() for model in trained), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.slow
def test_a_backbone_is_saved_explained_and_joined(images, trained, tmp_path):
    pixels, table = images
    model = trained[0]
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
    assert kinds == ["DepthwiseConv2D", "Conv2D"]  # the last has two input channels for each output
    other = next(layer for layer in twin.layers if layer.name.startswith("activation"))
    assert other.activation is not keras.activations.gelu
    seen = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3)).astype("float32")
    wanted = model.predict(seen, verbose=0)
    assert np.abs(twin.predict(seen, verbose=0) - wanted).max() < 1e-4 * np.abs(wanted).max()
    plain = build("gap_cnn", 32)
    assert convertible(plain) is plain
