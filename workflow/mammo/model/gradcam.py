"""Grad-CAM: which places of an image speak for what a network called it.

R. R. Selvaraju et al., Grad-CAM: visual explanations from deep networks via gradient-based localization, ICCV 2017,
doi 10.1109/ICCV.2017.74. TensorFlow is imported where it is used.
"""

from contextlib import suppress

import numpy as np


def last_convolution(model):
    """The layer whose output is the last that still has places: the last convolution, or what only activates or adds to it.

    That output is (n, height, width, channels); poolings are passed over, since a pooled map shows less, and so are layers that
    a shortcut goes past. A network within the network counts as a layer. Raises ValueError where there is none.
    """
    found, convolved = [], False
    for layer in model.layers:
        name = type(layer).__name__
        convolved |= "Conv" in name or hasattr(layer, "layers")
        shape = layer.output.shape
        if (
            convolved
            and len(shape) == 4
            and min(shape[1:3]) > 1
            and "Pooling" not in name
            and "Padding" not in name
        ):
            found.append(layer)
    for layer in reversed(found):
        with suppress(ValueError):  # what Keras raises where something goes past the layer
            _cut(model, layer)
            return layer
    raise ValueError(
        f"Grad-CAM needs a convolution in the network, and {model.name} has none with places"
    )


def grad_cam(model, layer, batches, toward):
    """(maps, logits): of each image the map, float32 (n, height, width) and not negative, and the logit, float32 (n,).

    layer: of the model, its output (n, height, width, channels). batches: yields float32 images (m, size, size, 3). toward:
    (n,), 1 where the map shows what speaks for malignant, -1 where what speaks for benign. The score that is differentiated is the logit, the
    sum that goes into the last layer's sigmoid: the probability itself hardly moves where a network is sure. The last layer
    of `model` is left without its sigmoid.
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


def _cut(model, layer):
    """The model in two: from the image to the layer's output, and on from there."""
    import keras

    if isinstance(model, keras.Sequential):
        end = model.layers.index(layer) + 1
        return keras.Sequential(model.layers[:end]), keras.Sequential(model.layers[end:])
    features = []

    def call(each, *inputs, **options):
        output = each(*inputs, **options)
        features.extend([output] if each is layer else [])
        return output

    # The same layers, run through once more: a network within the network does not say what it gives in this one.
    again = keras.models.clone_model(model, clone_function=lambda each: each, call_function=call)
    return keras.Model(again.inputs[0], features[0]), keras.Model(features[0], again.outputs)


def unit_places(model, layer):
    """For height and width: (the place of the first unit of a layer's output, the distance between two), in pixels of the image.

    A unit's place is the middle of what it sees. In a plain sequence of layers it follows from their windows, strides and padding: a
    convolution without padding loses a frame, so that stretching its map over the image would push it outwards. In other
    networks, which pad, the map is taken to be stretched.
    """
    import keras

    places = [(0.0, 1.0), (0.0, 1.0)]
    if not isinstance(model, keras.Sequential):
        return [
            _stretched(place, model.input_shape[1 + i], layer.output.shape[1 + i])
            for i, place in enumerate(places)
        ]
    for each in model.layers[: model.layers.index(layer) + 1]:
        places = [
            _after(place, each, axis, each.input.shape[1 + axis], each.output.shape[1 + axis])
            for axis, place in enumerate(places)
        ]
    return places


def _after(place, layer, axis, before, after):
    """The (first, step) of a layer's units along an axis, from those of its input, which has `before` units to its `after`."""
    window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if window is None or layer.padding not in ("valid", "same"):
        return _stretched(place, before, after)
    first, step = place
    reach = (window[axis] - 1) * getattr(layer, "dilation_rate", (1, 1))[axis]
    stride = layer.strides[axis]
    padded = (
        max((after - 1) * stride + reach + 1 - before, 0) // 2 if layer.padding == "same" else 0
    )
    return first + step * (reach / 2 - padded), step * stride


def _stretched(place, before, after):
    (first, step), ratio = place, before / after
    return first + step * (ratio - 1) / 2, step * ratio


def over_image(maps, places, size):
    """Maps (n, height, width), their units at `places`, over the image: (n, size, size), linear between units.

    Beyond the outermost units the map goes on as it is, so that a map of one value stays one.
    """
    down, across = (
        _between(place, units, size) for place, units in zip(places, maps.shape[1:], strict=True)
    )
    return down @ maps @ across.T


def _between(place, units, size):
    """(size, units), float32: how much each unit counts at each pixel."""
    first, step = place
    at = np.clip((np.arange(size) - first) / step, 0, units - 1)
    return np.maximum(0, 1 - np.abs(at[:, None] - np.arange(units))).astype(np.float32)


def energy_inside(maps, inside):
    """The share of each map's sum that lies inside: float64 (n,), not a number where a map is zero or nothing is inside.

    maps: (n, height, width), not negative. inside: the share of each pixel that is inside, of the same shape.
    """
    total = maps.sum(axis=(1, 2), dtype=float)
    known = (total > 0) & inside.any(axis=(1, 2))
    return np.divide(
        np.einsum("nij,nij->n", maps, inside, dtype=float),
        total,
        out=np.full(len(maps), np.nan),
        where=known,
    )


def energy_in_others(maps, inside, group):
    """The mean share of each map's sum that lies inside what other groups' images have inside: float64 (n,).

    What a map would have inside if it did not follow its own lesion, but lay where lesions mostly are. Not a number where a map
    is zero or no other group has anything inside. It is the share inside the mean of the others' insides, so that no pair of
    images need be looked at.
    """
    found, has = np.full(len(maps), np.nan), inside.any(axis=(1, 2))
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
