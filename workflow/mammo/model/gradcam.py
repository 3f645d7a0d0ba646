"""Grad-CAM: which places of an image speak for the class that a model predicted.

R. R. Selvaraju et al., Grad-CAM: visual explanations from deep networks via gradient-based
localization, ICCV 2017, doi 10.1109/ICCV.2017.74. TensorFlow is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras

Place = tuple[float, float]  # of units along an axis: the first one's place, and the step


def last_convolution(model: keras.Model) -> keras.layers.Layer:
    """The layer with the last output that has places: the last convolution, or what follows it.

    What follows only activates or adds to it. Its output is (n, height, width, channels). Poolings
    are passed over, since a pooled map shows less, and so are layers that a shortcut goes past. A
    network within the network counts as a layer.
    Raises ValueError where there is none.
    """
    found, convolved = [], False
    for layer in model.layers:
        name, shape = type(layer).__name__, layer.output.shape
        convolved |= "Conv" in name or hasattr(layer, "layers")
        has_places = len(shape) == 4 and min(shape[1:3]) > 1
        if convolved and has_places and "Pooling" not in name and "Padding" not in name:
            found.append(layer)
    for layer in reversed(found):
        with suppress(ValueError):  # what Keras raises where something goes past the layer
            _cut(model, layer)
            return layer
    raise ValueError(
        f"Grad-CAM needs a convolution in the network, and {model.name} has none with places"
    )


def grad_cam(
    model: keras.Model,
    layer: keras.layers.Layer,
    batches: Iterable[np.ndarray],
    toward: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """(maps, logits) of n images: non-negative float32 (n, height, width), and float32 (n,).

    layer: of the model, with an output (n, height, width, channels). batches: yields float32 images
    (m, size, size, 3). toward: (n,), 1 where the map shows what speaks for malignant, -1 for
    benign.

    The score that is differentiated is the logit, the input of the last layer's sigmoid: the
    probability itself hardly changes where a model is certain. The last layer of `model` is left
    without its sigmoid. Raises ValueError where it has none.
    """
    import keras
    import tensorflow as tf

    last = model.layers[-1]
    if getattr(last, "activation", None) is not keras.activations.sigmoid:
        raise ValueError(
            f"Grad-CAM needs a network that ends in a sigmoid, and {model.name} ends in {last.name}"
        )
    last.activation = keras.activations.linear
    front, back = _cut(model, layer)
    maps, logits, start = [], [], 0
    for images in batches:
        features = front(images, training=False)
        with tf.GradientTape() as tape:
            tape.watch(features)
            logit = tf.reshape(back(features, training=False), (-1,))
            sign = toward[start : start + len(images)].astype(np.float32)
            score = tf.reduce_sum(logit * sign)  # no image's logit depends on another image
        weights = tf.reduce_mean(tape.gradient(score, features), axis=(1, 2), keepdims=True)
        maps.append(tf.nn.relu(tf.reduce_sum(weights * features, axis=-1)).numpy())
        logits.append(logit.numpy())
        start += len(images)
    return np.concatenate(maps), np.concatenate(logits)


def _cut(model: keras.Model, layer: keras.layers.Layer) -> tuple[keras.Model, keras.Model]:
    """The model in two: from the image to the layer's output, and on from there."""
    import keras

    if isinstance(model, keras.Sequential):
        end = model.layers.index(layer) + 1
        return keras.Sequential(model.layers[:end]), keras.Sequential(model.layers[end:])
    features = []

    def call(each: keras.layers.Layer, *inputs: Any, **options: Any) -> Any:
        output = each(*inputs, **options)
        if each is layer:
            features.append(output)
        return output

    # The same layers, called once more: a network within the network has no output in this one.
    again = keras.models.clone_model(model, clone_function=lambda each: each, call_function=call)
    return keras.Model(again.inputs[0], features[0]), keras.Model(features[0], again.outputs)


def unit_places(model: keras.Model, layer: keras.layers.Layer) -> list[Place]:
    """Where the units of a layer's output are, for height and width, in pixels of the image.

    A place is (that of the first unit, the distance between two). A unit's place is the middle of
    what it sees. In a plain sequence of layers it follows from their windows, strides and padding:
    a convolution without padding loses a frame, so that stretching its map over the image would
    push it outwards. In other networks, which pad, the map is taken to be stretched.
    """
    import keras

    places: list[Place] = [(0.0, 1.0), (0.0, 1.0)]
    if not isinstance(model, keras.Sequential):
        return [
            _stretched(place, model.input_shape[axis], layer.output.shape[axis])
            for axis, place in enumerate(places, 1)
        ]
    for each in model.layers[: model.layers.index(layer) + 1]:
        before, after = each.input.shape, each.output.shape
        for axis in (0, 1):
            places[axis] = _after(places[axis], each, axis, before[1 + axis], after[1 + axis])
    return places


def _after(place: Place, layer: keras.layers.Layer, axis: int, before: int, after: int) -> Place:
    """The place of a layer's `after` units along an axis, from that of its `before` inputs."""
    window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if window is None or layer.padding not in ("valid", "same"):
        return _stretched(place, before, after)
    first, step = place
    reach = (window[axis] - 1) * getattr(layer, "dilation_rate", (1, 1))[axis]
    stride, padded = layer.strides[axis], 0
    if layer.padding == "same":
        padded = max((after - 1) * stride + reach + 1 - before, 0) // 2
    return first + step * (reach / 2 - padded), step * stride


def _stretched(place: Place, before: int, after: int) -> Place:
    """The place of `after` units that cover what `before` units cover."""
    (first, step), ratio = place, before / after
    return first + step * (ratio - 1) / 2, step * ratio


def over_image(maps: np.ndarray, places: list[Place], size: int) -> np.ndarray:
    """Maps (n, height, width), their units at `places`, over the image: (n, size, size).

    Linear between units. Beyond the outermost units the map is constant, so that a map of one value
    stays one.
    """
    down, across = (
        _between(place, units, size) for place, units in zip(places, maps.shape[1:], strict=True)
    )
    return down @ maps @ across.T


def _between(place: Place, units: int, size: int) -> np.ndarray:
    """How much each unit counts at each pixel: float32 (size, units)."""
    first, step = place
    at = np.clip((np.arange(size) - first) / step, 0, units - 1)
    return np.maximum(0, 1 - np.abs(at[:, None] - np.arange(units))).astype(np.float32)


def energy_inside(maps: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The fraction of each map's sum that is inside a mask: float64 (n,).

    maps: (n, height, width), not negative. inside: the fraction of each pixel that is inside, of
    the same shape. NaN where a map is zero or nothing is inside.
    """
    total = maps.sum(axis=(1, 2), dtype=float)
    known = (total > 0) & inside.any(axis=(1, 2))
    within = np.einsum("nij,nij->n", maps, inside, dtype=float)
    return np.divide(within, total, out=np.full(len(maps), np.nan), where=known)


def energy_in_others(maps: np.ndarray, inside: np.ndarray, group: np.ndarray) -> np.ndarray:
    """The mean fraction of each map's sum that is inside the masks of other groups: float64 (n,).

    That is what a map would have inside if it did not follow its own lesion, but were where lesions
    usually are. NaN where a map is zero or no other group has a mask. It is the fraction inside the
    mean of the others' masks, so that no pairs of images need be compared.
    """
    found, has = np.full(len(maps), np.nan), np.asarray(inside.any(axis=(1, 2)))
    together = inside.sum(axis=0, dtype=float)
    group = np.unique(group, return_inverse=True)[1]
    order = np.argsort(group, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        others = together - inside[rows].sum(axis=0, dtype=float)
        n = has.sum() - has[rows].sum()
        for row in rows:
            if n and (total := maps[row].sum(dtype=float)):
                found[row] = (maps[row] * others).sum() / (total * n)
    return found
