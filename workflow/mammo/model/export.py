"""Export the networks of a fold, or of all, as one ONNX model that averages them."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pandas as pd

from mammo.dataset.settings import Image
from mammo.log import InputError
from mammo.model.exported import AGREEMENT, FORMAT_VERSION, as_input, run

if TYPE_CHECKING:
    import keras

COMPARED = 256  # images on which Keras and onnxruntime are compared
LIMITS = (
    "Not for clinical use. Probabilities and decisions hold for images like those of the dataset"
    " it was trained on, prepared in the same way; elsewhere they may mean nothing, and warnings do"
    " not find every such image. The weights and reference.csv come from that dataset, whose"
    " licence and whose patients' privacy go with them."
)
# What a depthwise convolution takes over from a convolution of as many groups as channels.
KEPT = (
    "name",
    "kernel_size",
    "strides",
    "padding",
    "dilation_rate",
    "activation",
    "use_bias",
    "dtype",
)


def use_cpu() -> None:
    """Keep TensorFlow from GPUs: they may round to fewer digits than are compared.

    Call it before TensorFlow is imported.
    """
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"


def joined(paths: Sequence[str | Path]) -> keras.Model:
    """One Keras model of the networks saved at `paths`, with two outputs.

    probability: the mean of theirs. features: the inputs of their last dense layers, side by side.
    All is computed in single precision. Raises InputError where a network has no dense layer.
    """
    import keras

    networks = [convertible(keras.saving.load_model(path, compile=False)) for path in paths]
    image = keras.Input(networks[0].inputs[0].shape[1:], name="image")
    probabilities, features = [], []
    for path, network in zip(paths, networks, strict=True):
        for layer in _layers(network):  # in half precision each runtime would round its own way
            layer.dtype_policy = "float32"
        dense = [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)]
        if not dense:
            raise InputError(
                f"{path}: the network {network.name} has no dense layer, whose input would be its"
                " features."
            )
        both = keras.Model(network.inputs, [network.outputs[0], dense[-1].input])
        probability, feature = both(image)
        probabilities.append(probability)
        features.append(keras.layers.Flatten()(feature))
    several = len(networks) > 1
    outputs = {
        "probability": keras.layers.Average()(probabilities) if several else probabilities[0],
        "features": keras.layers.Concatenate()(features) if several else features[0],
    }
    return keras.Model(image, outputs, name=networks[0].name)


def convertible(network: keras.Model) -> keras.Model:
    """A network with equivalents of what the converter to ONNX does not know, if there is such.

    A convolution of as many groups as channels is a depthwise one. The activation GELU, x times the
    normal distribution function at x, is computed with the error function, where TensorFlow uses
    its complement.
    """
    import keras

    grouped = [
        layer
        for layer in network.layers
        if isinstance(layer, keras.layers.Conv2D)
        and 1 < layer.groups == layer.filters == layer.input.shape[-1]
    ]
    gelu = [
        layer
        for layer in network.layers
        if getattr(layer, "activation", None) is keras.activations.gelu
    ]
    if not grouped + gelu:
        return network

    def twin(layer: keras.layers.Layer) -> keras.layers.Layer:
        if layer in grouped:
            return keras.layers.DepthwiseConv2D(**{key: layer.get_config()[key] for key in KEPT})
        other = type(layer).from_config(layer.get_config())
        if layer in gelu:
            other.activation = lambda x: x * (1 + keras.ops.erf(x / 2**0.5)) / 2
        return other

    again = keras.models.clone_model(network, clone_function=twin)
    for layer in network.layers:
        weights = layer.get_weights()
        if layer in grouped:
            # (height, width, 1, channels), and (height, width, channels, 1) in the twin
            weights[0] = weights[0].transpose(0, 1, 3, 2)
        again.get_layer(layer.name).set_weights(weights)
    return again


def _layers(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    """A layer and all layers in it, at any depth."""
    yield layer
    for inner in getattr(layer, "layers", []):
        yield from _layers(inner)


def export(model: keras.Model, path: str | Path, description: str) -> None:
    """Write a model to an ONNX file whose inputs and outputs have the names of the model's."""
    import onnx

    # Of optimisations that the converter skips. The result is compared with Keras' own afterwards.
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
    model(np.zeros((1, *model.inputs[0].shape[1:]), np.float32))
    model.export(path, format="onnx", verbose=False)
    found = onnx.load(path)
    # The converter leaves constants that it has folded among the inputs, where nothing uses them.
    used = {name for node in found.graph.node for name in node.input}
    for value in [value for value in found.graph.input if value.name not in used]:
        found.graph.input.remove(value)
    for value in [*found.graph.input, *found.graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = "images"
    found.graph.name, found.doc_string = model.name, description
    onnx.checker.check_model(found)
    onnx.save(found, path)


def predicted(
    model: keras.Model,
    session: onnxruntime.InferenceSession,
    pixels: np.ndarray,
    views: np.ndarray,
    scores: pd.Series,
) -> tuple[np.ndarray, dict[str, float]]:
    """(features, agreement) of images, uint8 (n, size, size), by the exported model.

    agreement: how far its probabilities are from the study's `scores`, and on some of the images
    from those of the Keras model. Raises InputError where these differ by more than AGREEMENT.
    """
    probability, features = run(session, pixels, views)
    some = pixels[np.unique(np.linspace(0, len(pixels) - 1, COMPARED).astype(int))]
    by_keras = model.predict(as_input(some), batch_size=64, verbose=0)["probability"][:, 0]
    agreement = {
        "images": len(pixels),
        "scores": float(np.abs(probability - scores).max()),
        "keras": float(np.abs(by_keras - run(session, some)[0]).max()),
    }
    print(
        f"largest difference of a probability: onnxruntime and Keras {agreement['keras']:.1e},"
        f" and scores.csv {agreement['scores']:.1e}"
    )
    if not agreement["keras"] <= AGREEMENT:
        raise InputError(
            f"onnxruntime's probabilities differ from Keras' by up to {agreement['keras']:.1e}, and"
            f" may by {AGREEMENT:g}: the network {model.name} has a layer that the two compute"
            " differently. Change the layer in mammo/model/networks.py."
        )
    return features, agreement


def facts(
    model: keras.Model,
    runs: Sequence[tuple[str, int, int]],
    fold: int | None,
    image: Image,
    views: np.ndarray,
    thresholds: pd.DataFrame,
) -> dict[str, Any]:
    """What model.json says of the networks themselves, and of how they are used.

    runs: (experiment, fold, seed) of each of the networks in `model`.
    """
    points = {}
    for row in thresholds.itertuples():
        threshold = None if pd.isna(row.threshold) else float(row.threshold)
        points[row.point] = {"threshold": threshold, "reason": row.reason}
    return {
        "format_version": FORMAT_VERSION,
        "network": model.name,
        "weights": model.count_params() // len(runs),
        "experiment": runs[0][0],
        "fold": fold,
        "seeds": sorted({seed for _, _, seed in runs}),
        "image": image.model_dump(include={*image.pixel_keys()}),
        "views": views.tolist(),
        "temperature": float(thresholds["temperature"].iloc[0]),
        "thresholds": points,
        "versions": versions(),
        "limits": LIMITS,
    }


def versions() -> dict[str, str]:
    """The versions of what the network was made and exported with."""
    import tensorflow

    found = {"python": platform.python_version(), "tensorflow": tensorflow.__version__}
    for name in ("keras", "onnx", "tf2onnx", "onnxruntime", "numpy"):
        found[name] = version(name)
    return found
