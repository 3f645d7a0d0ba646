"""Data augmentation: random changes of the training images, each an entry of AUGMENTATIONS.

An entry bears the name of its key in the section `augmentation`, and is of one of two kinds.
`Geometric` ones are composed into one affine warp per image, so that pixels are interpolated once.
`PixelValues` ones change the grey levels of the warped image.

All draws are numpy's, so that they depend on the generator alone, not on TensorFlow's threads. An
entry draws whether or not it is switched on: a new one comes last, and leaves the others' draws as
they were. That a warp is WARP numbers is known in this module alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from mammo.model.settings import Augmentation

if TYPE_CHECKING:
    import tensorflow as tf

WARP = 8  # numbers of a warp: (a, b, c, d, e, f, 0, 0)
IDENTITY = np.array([1, 0, 0, 0, 1, 0, 0, 0], np.float32)  # the warp that changes nothing
VIEWS_SEED = 1  # of test-time augmentation: the same views of all images, for all networks


@dataclass(frozen=True)
class Geometric:
    """A change of where pixels are, in homogeneous coordinates (x, y, 1) from output to input.

    draw: from a generator, the number n of images and the key's value to an array (…, n).
    matrix: from that array and the image side to matrices (n, 3, 3).
    place: where the matrix stands in the product; those about the image's centre come before.
    describe: from the key's value to a few words for the model card; '' where it is off.
    """

    draw: Callable[[np.random.Generator, int, Any], np.ndarray]
    matrix: Callable[[np.ndarray, int], np.ndarray]
    place: int
    describe: Callable[[Any], str]
    about_centre: bool = True


@dataclass(frozen=True)
class PixelValues:
    """A change of grey levels, applied after the warp if the key's value is not 0.

    draw: from a generator, the number n of images and the key's value to an array (n,).
    apply: from images, a float32 tensor (n, size, size, 1) in the range 0–255, and what was drawn,
    a tensor (n, 1, 1, 1), to images; the result is clipped to that range.
    describe: as for `Geometric`.
    """

    draw: Callable[[np.random.Generator, int, Any], np.ndarray]
    apply: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    describe: Callable[[Any], str]


def _draw_angle(rng: np.random.Generator, count: int, degrees: float) -> np.ndarray:
    return np.deg2rad(rng.uniform(-degrees, degrees, count))


def _draw_shift(rng: np.random.Generator, count: int, fraction: float) -> np.ndarray:
    return rng.uniform(-fraction, fraction, (2, count))


def _draw_zoom(rng: np.random.Generator, count: int, fraction: float) -> np.ndarray:
    return rng.uniform(1 - fraction, 1 + fraction, (2, count))


def _draw_flip(rng: np.random.Generator, count: int, on: bool) -> np.ndarray:
    return on & (rng.random(count) < 0.5)


def _rotation(angle: np.ndarray, size: int) -> np.ndarray:
    cos, sin = np.cos(angle), np.sin(angle)
    return _matrices(len(angle), a=cos, b=-sin, d=sin, e=cos)


def _shear(angle: np.ndarray, size: int) -> np.ndarray:
    return _matrices(len(angle), b=-np.sin(angle), e=np.cos(angle))


def _shift(fractions: np.ndarray, size: int) -> np.ndarray:
    across, down = fractions * size
    return _matrices(len(across), c=across, f=down)


def _zoom(factors: np.ndarray, size: int) -> np.ndarray:
    across, down = factors
    return _matrices(len(across), a=across, e=down)


def _mirror(flipped: np.ndarray, size: int) -> np.ndarray:
    return _matrices(len(flipped), a=np.where(flipped, -1, 1), c=np.where(flipped, size - 1, 0))


def _matrices(
    count: int,
    a: np.ndarray | float = 1,
    b: np.ndarray | float = 0,
    c: np.ndarray | float = 0,
    d: np.ndarray | float = 0,
    e: np.ndarray | float = 1,
    f: np.ndarray | float = 0,
) -> np.ndarray:
    """Matrices ((a, b, c), (d, e, f), (0, 0, 1)), float64 (count, 3, 3), from numbers or arrays."""
    matrices = np.zeros((3, 3, count))
    matrices[0] = [np.broadcast_to(value, count) for value in (a, b, c)]
    matrices[1] = [np.broadcast_to(value, count) for value in (d, e, f)]
    matrices[2, 2] = 1
    return np.moveaxis(matrices, 2, 0)


# In the order in which they draw. The ranges and the order of acting are ImageDataGenerator's.
AUGMENTATIONS: dict[str, Geometric | PixelValues] = {
    "rotation": Geometric(
        _draw_angle, _rotation, place=1, describe=lambda most: f"rotation by up to {most:g} degrees"
    ),
    "shear": Geometric(
        _draw_angle, _shear, place=3, describe=lambda most: f"shear by up to {most:g} degrees"
    ),
    "shift": Geometric(
        _draw_shift, _shift, place=2, describe=lambda most: f"shift by up to {most:g} of the side"
    ),
    "zoom": Geometric(_draw_zoom, _zoom, place=4, describe=lambda most: f"zoom by up to {most:g}"),
    "horizontal_flip": Geometric(
        _draw_flip,
        _mirror,
        place=5,
        describe=lambda on: "horizontal flip of every other image",
        about_centre=False,
    ),
}


def draw(rng: np.random.Generator, count: int, size: int, augmentation: Augmentation) -> np.ndarray:
    """What is drawn for `count` images of size x size, for `augment`: a float32 row each.

    A row holds the image's warp, and then a number for each entry of pixel values that is on.
    """
    drawn = {
        name: entry.draw(rng, count, getattr(augmentation, name))
        for name, entry in AUGMENTATIONS.items()
    }
    values = [drawn[name].astype(np.float32)[:, None] for name in _pixel_values(augmentation)]
    return np.concatenate([_warps(drawn, count, size), *values], axis=1)


def columns(augmentation: Augmentation) -> int:
    """How many numbers `draw` gives for each image."""
    return WARP + len(_pixel_values(augmentation))


def augment(images: tf.Tensor, drawn: tf.Tensor, augmentation: Augmentation) -> tf.Tensor:
    """Augmented images, float32 (n, size, size, 1), from images of that shape and their draws."""
    import keras
    import tensorflow as tf

    images = keras.ops.image.affine_transform(
        tf.cast(images, tf.float32),
        drawn[:, :WARP],
        interpolation="bilinear",
        fill_mode="nearest",
        data_format="channels_last",
    )
    for column, entry in enumerate(_pixel_values(augmentation).values(), WARP):
        images = entry.apply(images, tf.reshape(drawn[:, column], (-1, 1, 1, 1)))
        images = tf.clip_by_value(images, 0, 255)
    return images


def affine_transforms(
    rng: np.random.Generator, count: int, size: int, augmentation: Augmentation
) -> np.ndarray:
    """`count` random warps of a size x size image, float32 (count, 8).

    A row (a, b, c, d, e, f, 0, 0) maps an output pixel (x, y) to the input point
    (a x + b y + c, d x + e y + f), which is how keras.ops.image.affine_transform reads it.
    The warp is ImageDataGenerator's: rotation, shift, shear and zoom about the image's centre, in
    that order, and then the horizontal flip.
    """
    return draw(rng, count, size, augmentation)[:, :WARP]


def prediction_views(size: int, augmentation: Augmentation) -> np.ndarray:
    """The views of an image of size x size whose mean probability is its prediction.

    These are warps, float32 (augmentation.test_views, 8): none, and then such as training draws.
    """
    rng = np.random.default_rng(VIEWS_SEED)
    drawn = affine_transforms(rng, augmentation.test_views - 1, size, augmentation)
    return np.concatenate([IDENTITY[None], drawn])


def views_from(values: list[list[float]] | None) -> np.ndarray:
    """Views as a file holds them, as an array (v, 8); the image as it is where it holds none.

    Raises ValueError where they are no warps.
    """
    if values is None:
        return IDENTITY[None]
    if any(len(view) != WARP for view in values):
        raise ValueError(f"views: each is a warp of {WARP} numbers")
    return np.array(values, np.float32)


def warped(images: np.ndarray, warp: np.ndarray) -> np.ndarray:
    """Images (n, size, size) after one warp (8,), float32, as TensorFlow warps them.

    Between pixels it is linear, outside the image its nearest pixel.
    """
    if np.array_equal(warp, IDENTITY):
        return images.astype(np.float32)
    size = images.shape[1]
    down, across = np.mgrid[:size, :size].astype(np.float32)
    x, y = (
        np.clip(warp[i] * across + warp[i + 1] * down + warp[i + 2], 0, size - 1) for i in (0, 3)
    )
    left, top = x.astype(int), y.astype(int)
    right, bottom = np.minimum(left + 1, size - 1), np.minimum(top + 1, size - 1)
    upper, lower = (
        images[:, row, left] * (1 - x + left) + images[:, row, right] * (x - left)
        for row in (top, bottom)
    )
    return (upper * (1 - y + top) + lower * (y - top)).astype(np.float32)


def in_words(augmentation: Augmentation) -> str:
    """What is done to training images, as a list in a sentence; 'none' where all is off."""
    words = [
        entry.describe(value)
        for name, entry in AUGMENTATIONS.items()
        if (value := getattr(augmentation, name))
    ]
    return ", ".join(words) or "none"


def _pixel_values(augmentation: Augmentation) -> dict[str, PixelValues]:
    """The entries of pixel values that are switched on."""
    return {
        name: entry
        for name, entry in AUGMENTATIONS.items()
        if isinstance(entry, PixelValues) and getattr(augmentation, name)
    }


def _warps(drawn: dict[str, np.ndarray], count: int, size: int) -> np.ndarray:
    """The composed warps, float32 (count, 8), from what was drawn for each geometric entry."""
    middle = (size - 1) / 2
    centred: list[np.ndarray] = []
    others: list[np.ndarray] = []
    geometric = {k: entry for k, entry in AUGMENTATIONS.items() if isinstance(entry, Geometric)}
    for name, entry in sorted(geometric.items(), key=lambda item: item[1].place):
        matrix = entry.matrix(drawn[name], size)
        (centred if entry.about_centre else others).append(matrix)
    from_centre = _matrices(count, c=middle, f=middle)
    to_centre = _matrices(count, c=-middle, f=-middle)
    product = reduce(np.matmul, [from_centre, *centred, to_centre, *others])
    return product.reshape(count, 9)[:, :WARP].astype(np.float32)
