"""Grad-CAM against values by hand, and in networks of every kind."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mammo.model.devices import use_devices
from mammo.model.gradcam import (
    energy_in_others,
    energy_inside,
    grad_cam,
    last_convolution,
    over_image,
    unit_places,
)
from mammo.model.networks import seed_cnn

use_devices(2)
import keras  # noqa: E402
from keras import layers  # noqa: E402


def tiny_network(bias=0.0):
    """Two feature maps, the image and its negative half, and a dense layer over all places."""
    model = keras.Sequential(
        [
            keras.Input((2, 2, 3)),
            layers.Conv2D(2, 1, use_bias=False),
            layers.Flatten(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    kernel = np.zeros((1, 1, 3, 2), np.float32)
    kernel[0, 0, 0] = [1, -0.5]  # of the first channel alone
    # Flattened: place by place, both maps of each. Their means are 1 and 2.
    dense = np.array([4, 2, 0, 2, 0, 0, 0, 4], np.float32)[:, None]
    model.set_weights([kernel, dense, np.array([bias], np.float32)])
    return model


def test_grad_cam_is_what_a_hand_computes():
    image = np.array([[1, 2], [3, 4]], np.float32)
    images = np.stack([image, -image])[..., None].repeat(3, axis=-1)
    # The maps of the first image: A1 = x and A2 = -x/2; so 1 * A1 + 2 * A2 = 0 everywhere.
    # Of weights (1, 0): A1.
    model = tiny_network()
    maps, logits = grad_cam(model, model.layers[0], [images], np.array([1, 1]))
    assert maps.shape == (2, 2, 2)
    assert (maps == 0).all()
    # 4*1 + 2*(-.5) + 2*(-1) + 4*(-2) = -7; of the negative image the other way round.
    assert logits.tolist() == pytest.approx([-7, 7])
    model = tiny_network()
    weights = model.get_weights()
    weights[1][:, 0] = [4, 2, 0, -2, 0, 0, 0, 0]  # means 1 and 0
    model.set_weights(weights)
    maps, _ = grad_cam(model, model.layers[0], [images[:1], images[1:]], np.array([1, 1]))
    assert maps[0] == pytest.approx(image)
    assert (maps[1] == 0).all()  # what is negative speaks against
    model.layers[-1].activation = keras.activations.sigmoid
    maps, _ = grad_cam(model, model.layers[0], [images[:1], images[1:]], np.array([-1, -1]))
    assert (maps[0] == 0).all()
    assert maps[1] == pytest.approx(image)


def test_a_network_that_is_certain_has_the_same_map():
    """Of the probability itself the derivative would be 0 in float32."""
    image = np.random.default_rng(0).random((1, 2, 2, 3), np.float32)
    maps = []
    for bias in (0, 200):
        model = tiny_network(bias)
        weights = model.get_weights()
        weights[1][:] = 1
        model.set_weights(weights)
        maps.append(grad_cam(model, model.layers[0], [image], np.array([1]))[0])
    assert maps[0].max() > 0
    assert np.array_equal(*maps)


def functional_network():
    """A network with a branch, and a network within it, as pretrained ones are used."""
    inner_input = keras.Input((32, 32, 3))
    x = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(inner_input)
    x = layers.Add()([x, layers.Conv2D(4, 3, padding="same")(x)])
    inner = keras.Model(
        inner_input, layers.Activation("relu", name="inner_last")(x), name="backbone"
    )
    image = keras.Input((32, 32, 3))
    x = layers.GlobalAveragePooling2D()(inner(layers.Rescaling(1 / 255)(image)))
    return keras.Model(image, layers.Dense(1, activation="sigmoid")(x)), inner


def test_the_last_convolution_is_found_in_every_kind_of_network():
    assert last_convolution(seed_cnn(64)).name.startswith("conv2d")
    assert last_convolution(seed_cnn(64)).output.shape == (None, 29, 29, 64)
    model, inner = functional_network()
    assert last_convolution(model) is inner
    flat = keras.Model(inner.input, layers.Dense(1)(layers.GlobalAveragePooling2D()(inner.output)))
    assert last_convolution(flat).name == "inner_last"
    with pytest.raises(ValueError, match="has none with places"):
        last_convolution(
            keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(1)])
        )


def test_grad_cam_goes_through_networks_within_networks():
    """After global average pooling and a dense layer, Grad-CAM sums to the logit."""
    keras.utils.set_random_seed(1)
    model, inner = functional_network()
    images = np.random.default_rng(0).uniform(0, 255, (5, 32, 32, 3)).astype(np.float32)
    probability = model.predict(images, verbose=0)[:, 0]
    features = inner.predict(images / 255, verbose=0)
    weights = model.layers[-1].get_weights()[0][:, 0]
    wanted = np.maximum(features @ weights / features[0, ..., 0].size, 0)
    maps, logits = grad_cam(model, inner, [images[:3], images[3:]], np.ones(5))
    assert maps == pytest.approx(wanted, abs=1e-5)
    assert 1 / (1 + np.exp(-logits)) == pytest.approx(probability, abs=1e-5)


def test_a_network_without_a_sigmoid_at_its_end_is_refused():
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(1)]
    )
    with pytest.raises(ValueError, match="ends in a sigmoid"):
        grad_cam(model, model.layers[0], [], np.ones(0))


def test_units_stand_in_the_middle_of_what_they_see():
    """Unit 0 of the original network's last convolution sees pixels 0 to 7, the next 2 to 9."""
    model = seed_cnn(64)
    assert unit_places(model, last_convolution(model)) == [(3.5, 2.0), (3.5, 2.0)]
    functional, inner = functional_network()
    assert unit_places(functional, inner) == [(0.5, 2.0), (0.5, 2.0)]


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("at", [(20, 33), (44, 21), (30, 46)])
def test_a_dot_shows_in_the_map_where_it_is_in_the_image(padding, at):
    model = keras.Sequential(
        [
            keras.Input((64, 64, 3)),
            layers.Conv2D(1, 5, padding=padding, kernel_initializer="ones"),
            layers.AveragePooling2D(2),
            layers.Conv2D(1, 5, padding=padding, kernel_initializer="ones"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1, activation="sigmoid", kernel_initializer="ones"),
        ]
    )
    image = np.zeros((1, 64, 64, 3), np.float32)
    image[0, at[0], at[1]] = 1
    layer = last_convolution(model)
    maps, _ = grad_cam(model, layer, [image], np.array([1]))
    whole = over_image(maps, unit_places(model, layer), 64)[0]
    centre = [(whole.sum(1 - axis) * np.arange(64)).sum() / whole.sum() for axis in (0, 1)]
    assert np.abs(np.array(centre) - at).max() < 1


@given(st.integers(1, 20), st.integers(8, 70), st.floats(0, 5), st.floats(1, 8))
def test_an_even_map_stays_even_over_the_image(units, size, first, step):
    over = over_image(np.full((1, units, units), 3, np.float32), [(first, step)] * 2, size)
    assert over == pytest.approx(np.full((1, size, size), 3), rel=1e-5)


def test_energy_is_the_share_of_the_sum_and_that_of_an_even_map_is_the_area():
    maps = np.zeros((4, 10, 10), np.float32)
    inside = np.zeros((4, 10, 10), np.float32)
    inside[:, 2:6, 2:7] = 1  # a fifth of the area
    maps[0, 3, 3], maps[0, 8, 8] = 3, 1
    maps[1] = 0.7
    inside[3] = 0
    maps[3] = 1
    assert energy_inside(maps, inside) == pytest.approx([0.75, 0.2, np.nan, np.nan], nan_ok=True)


def test_energy_in_others_is_that_of_the_same_map_under_other_patients_masks():
    rng = np.random.default_rng(0)
    maps, inside = rng.random((6, 8, 8)), (rng.random((6, 8, 8)) > 0.6).astype(float)
    inside[4] = 0  # of no known lesion
    patients = np.array(["a", "a", "b", "c", "c", "d"])
    wanted = [
        np.mean(
            [
                (maps[i] * inside[j]).sum() / maps[i].sum()
                for j in (0, 1, 2, 3, 5)
                if patients[j] != patients[i]
            ]
        )
        for i in range(6)
    ]
    assert energy_in_others(maps, inside, patients) == pytest.approx(wanted)
    assert np.isnan(energy_in_others(maps[:2], inside[:2], patients[:2])).all()
