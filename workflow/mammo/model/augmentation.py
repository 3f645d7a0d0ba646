"""Random affine warps, as the original study draws them, without TensorFlow."""

import numpy as np

AS_IT_IS = np.array([1, 0, 0, 0, 1, 0, 0, 0], np.float32)  # the warp that changes nothing
VIEWS = 1  # seed of the views that are predicted: the same for all images and networks


def affine_transforms(rng, count, size, settings):
    """`count` random warps of a size x size image, float32 (count, 8), drawn from the numpy Generator `rng`.

    A row (a, b, c, d, e, f, 0, 0) maps an output pixel (x, y) to the input point (a x + b y + c, d x + e y + f), which is
    how keras.ops.image.affine_transform reads it. The warp is ImageDataGenerator's: rotation, shift, shear and zoom about the
    image's centre, in that order, each drawn uniformly from `settings` (degrees, share of the side, degrees, share), then a
    horizontal flip of every other image on average.
    """
    rotation, shear = (
        np.deg2rad(rng.uniform(-settings[key], settings[key], count))
        for key in ("rotation", "shear")
    )
    shift_x, shift_y = rng.uniform(-settings["shift"], settings["shift"], (2, count)) * size
    zoom_x, zoom_y = rng.uniform(1 - settings["zoom"], 1 + settings["zoom"], (2, count))
    flip = settings["horizontal_flip"] & (rng.random(count) < 0.5)

    # Rows of 3 x 3 matrices, one matrix per image, that act on (x, y, 1).
    zero, one = np.zeros(count), np.ones(count)
    rotate = _matrices(
        [np.cos(rotation), -np.sin(rotation), zero], [np.sin(rotation), np.cos(rotation), zero]
    )
    shift = _matrices([one, zero, shift_x], [zero, one, shift_y])
    slant = _matrices([one, -np.sin(shear), zero], [zero, np.cos(shear), zero])
    zoom = _matrices([zoom_x, zero, zero], [zero, zoom_y, zero])
    middle = (size - 1) / 2
    to_centre, back = (
        _matrices([one, zero, side * middle * one], [zero, one, side * middle * one])
        for side in (-1, 1)
    )
    mirror = _matrices(
        [np.where(flip, -1, 1), zero, np.where(flip, size - 1, 0)], [zero, one, zero]
    )
    matrices = back @ rotate @ shift @ slant @ zoom @ to_centre @ mirror
    return matrices.reshape(count, 9)[:, :8].astype(np.float32)


def _matrices(first, second):
    """(count, 3, 3) from two rows of three arrays each; the third row is (0, 0, 1)."""
    last = [np.zeros_like(first[0]), np.zeros_like(first[0]), np.ones_like(first[0])]
    return np.moveaxis(np.array([first, second, last], dtype=np.float64), 2, 0)


def prediction_views(size, settings):
    """The warps, float32 (settings["test_views"], 8), that an image of size x size is predicted with: none, and then such as training draws."""
    drawn = affine_transforms(
        np.random.default_rng(VIEWS), settings["test_views"] - 1, size, settings
    )
    return np.concatenate([AS_IT_IS[None], drawn])


def warped(images, warp):
    """Images (n, size, size) after one warp (8,), float32: between pixels linear, outside the image its nearest pixel."""
    if np.array_equal(warp, AS_IT_IS):
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
