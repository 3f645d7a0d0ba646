"""Augmentation: the original's warps, the views of a prediction, and changes of pixel values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.training import NOTHING
from mammo.model import augmentation as library
from mammo.model.augmentation import (
    AUGMENTATIONS,
    IDENTITY,
    PixelValues,
    affine_transforms,
    augment,
    columns,
    draw,
    in_words,
    prediction_views,
    views_from,
    warped,
)
from mammo.model.devices import use_devices
from mammo.model.settings import Augmentation
from mammo.settings import setting

use_devices(2)
import keras  # noqa: E402

ORIGINAL = Augmentation.default()


def test_each_augmentation_has_a_key_and_each_key_but_that_of_views_an_augmentation():
    assert {*AUGMENTATIONS} == {*Augmentation.model_fields} - {"test_views"}


class Drawn:
    """A random generator that returns given draws, in the order in which they are asked for."""

    def __init__(self, rotation, shear, shift, zoom, flip):
        self.uniforms = [[rotation], [shear], [[s] for s in shift], [[z] for z in zoom]]
        self.flip = flip

    def uniform(self, low, high, size):
        return np.array(self.uniforms.pop(0), float) if self.uniforms else np.zeros(size)

    def random(self, count):
        return np.array([0.0 if self.flip else 1.0])


def by_keras(images, warps):
    """Images (n, size, size) after their warps, as TensorFlow computes them."""
    images = augment(images[..., None], warps, ORIGINAL)
    return keras.ops.convert_to_numpy(images)[..., 0]


@given(
    st.floats(-20, 20),
    st.floats(-0.2, 0.2),
    st.tuples(*[st.floats(-0.2, 0.2)] * 2),
    st.tuples(*[st.floats(0.8, 1.2)] * 2),
    st.booleans(),
)
def test_a_warp_is_what_image_data_generator_makes_of_the_same_draws(
    rotation, shear, shift, zoom, flip
):
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    smooth = np.random.default_rng(0).random((8, 8, 1)).astype("float32")
    large = keras.ops.image.resize(
        smooth, (64, 64), interpolation="bicubic", data_format="channels_last"
    )
    image = keras.ops.convert_to_numpy(large) * 255
    drawn = {
        "theta": rotation,
        "tx": shift[0] * 64,
        "ty": shift[1] * 64,
        "shear": shear,
        "zx": zoom[0],
        "zy": zoom[1],
        "flip_horizontal": flip,
    }
    theirs = ImageDataGenerator(fill_mode="nearest").apply_transform(image, drawn)
    warp = affine_transforms(Drawn(rotation, shear, shift, zoom, flip), 1, 64, ORIGINAL)
    ours = by_keras(image[None, ..., 0], warp)[0]
    # The two interpolate alike but clamp a little differently at the border of the image.
    assert np.abs(ours - theirs[..., 0]).mean() < 0.1
    assert np.abs(ours - theirs[..., 0]).max() < 5


def test_warps_are_drawn_from_the_originals_ranges():
    transforms = affine_transforms(np.random.default_rng(0), 20_000, 64, ORIGINAL).astype(float)
    a, b, c, d, e, f = transforms[:, :6].T
    assert (transforms[:, 6:] == 0).all()
    flipped = a < 0
    assert flipped.mean() == pytest.approx(0.5, abs=0.02)
    unflipped_a, unflipped_d = (np.where(flipped, -value, value) for value in (a, d))
    zoom_x = np.hypot(unflipped_a, unflipped_d)
    rotation = np.rad2deg(np.arctan2(unflipped_d, unflipped_a))
    assert zoom_x.min() >= 0.8 - 1e-6
    assert zoom_x.max() <= 1.2 + 1e-6
    assert zoom_x.mean() == pytest.approx(1, abs=0.005)
    assert zoom_x.std() == pytest.approx(0.4 / 12**0.5, abs=0.005)
    assert np.abs(rotation).max() <= 20 + 1e-4
    assert rotation.std() == pytest.approx(40 / 12**0.5, abs=0.2)
    # Where the image's centre comes from: a shift by up to a fifth of the side, and the rotation.
    centre = np.stack([a * 31.5 + b * 31.5 + c, d * 31.5 + e * 31.5 + f]) - 31.5
    assert np.hypot(*centre).max() <= 0.2 * 64 * 2**0.5 + 1e-3
    assert centre.std(axis=1) == pytest.approx(0.4 * 64 / 12**0.5, abs=0.2)


def test_without_augmentation_images_are_as_they_are():
    pixels = np.random.default_rng(0).integers(0, 255, (5, 64, 64), np.uint8)
    warps = affine_transforms(np.random.default_rng(0), 5, 64, NOTHING)
    assert np.array_equal(by_keras(pixels, warps), pixels)


def test_what_one_augmentation_draws_does_not_depend_on_the_ranges_of_others():
    """So that switching one off leaves the others as they were."""
    flipped = [
        affine_transforms(np.random.default_rng(3), 50, 64, settings)[:, 0] < 0
        for settings in (ORIGINAL, Augmentation.default(rotation=0, shear=0, zoom=0.1))
    ]
    assert np.array_equal(*flipped)


# Changes of pixel values, of which the registry need not have one


class Brighter(Augmentation):
    """The section with one more key."""

    brightness: float = setting(0, "Largest amount, either way.", ge=0, le=255)


BRIGHTNESS = PixelValues(
    draw=lambda rng, count, most: rng.uniform(-most, most, count),
    apply=lambda images, amount: images + amount,
    describe=lambda most: f"brightness by up to {most:g}",
)


def test_a_change_of_pixel_values_follows_the_warp_and_leaves_its_draws(monkeypatch):
    before = draw(np.random.default_rng(1), 40, 32, ORIGINAL)
    monkeypatch.setitem(library.AUGMENTATIONS, "brightness", BRIGHTNESS)
    off, on = Brighter.default(), Brighter.default(brightness=50)
    assert np.array_equal(draw(np.random.default_rng(1), 40, 32, off), before)
    assert columns(off) == before.shape[1]
    drawn = draw(np.random.default_rng(1), 40, 32, on)
    assert drawn.shape == (40, columns(on)) == (40, before.shape[1] + 1)
    assert drawn.dtype == np.float32
    assert np.array_equal(drawn[:, :-1], before)
    assert -50 <= drawn[:, -1].min() < -25 < 25 < drawn[:, -1].max() <= 50

    images = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 1), np.uint8)
    plain = keras.ops.convert_to_numpy(augment(images, before, off))
    bright = keras.ops.convert_to_numpy(augment(images, drawn, on))
    wanted = np.clip(plain + drawn[:, -1][:, None, None, None], 0, 255)
    assert np.allclose(bright, wanted, atol=1e-3)
    assert in_words(on) == in_words(off) + ", brightness by up to 50"


def test_views_are_warps_alone(monkeypatch):
    views = prediction_views(32, Augmentation.default(test_views=4))
    monkeypatch.setitem(library.AUGMENTATIONS, "brightness", BRIGHTNESS)
    bright = Brighter.default(brightness=50, test_views=4)
    assert np.array_equal(prediction_views(32, bright), views)


def test_words():
    assert in_words(NOTHING) == "none"
    assert in_words(ORIGINAL) == (
        "rotation by up to 20 degrees, shear by up to 0.2 degrees, shift by up to 0.2 of the side,"
        " zoom by up to 0.2, horizontal flip of every other image"
    )


# Views


def test_a_view_is_the_warp_that_keras_makes():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 20, 20), np.uint8)
    smooth = np.repeat(np.repeat(pixels[:, ::5, ::5], 5, 1), 5, 2)
    settings = Augmentation.default(shift=0.1, shear=0, zoom=0.1, test_views=6)
    views = prediction_views(20, settings)
    assert views.shape == (6, 8)
    assert np.array_equal(warped(smooth, views[0]), smooth)
    for view in views[1:]:
        theirs = by_keras(smooth, np.repeat(view[None], 3, 0))
        assert np.abs(theirs - warped(smooth, view)).max() < 0.1
    flip = np.array([-1, 0, 19, 0, 1, 0, 0, 0], np.float32)
    assert np.array_equal(warped(pixels, flip), pixels[:, :, ::-1])


def test_views_are_read_back_from_a_file():
    views = prediction_views(20, Augmentation.default(test_views=3))
    assert np.array_equal(views_from(views.tolist()), views)
    assert np.array_equal(views_from(None), [IDENTITY])
    with pytest.raises(ValueError, match="each is a warp of 8 numbers"):
        views_from([[1, 0, 0]])
