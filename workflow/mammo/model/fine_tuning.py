"""Fine-tuning a pretrained backbone: its head first, then all layers. It imports Keras."""

from pathlib import Path

import keras

from mammo.log import InputError


def backbone(model: keras.Model) -> keras.Model:
    """The part of a network below its head, as a model of the same layers."""
    return keras.Model(model.inputs, model.get_layer("pooled").input)


def load_weights(model: keras.Model, path: str | Path) -> None:
    """Give the backbone of `model` the weights in a file.

    Raises InputError where they are those of another network.
    """
    try:
        backbone(model).load_weights(path)
    except (ValueError, KeyError, OSError) as error:
        raise InputError(
            f"{path}: not the weights of {model.name} without its head:"
            f" {str(error).splitlines()[0]}"
            " Give network.weights none, imagenet, or such a file."
        ) from None


def let_train(model: keras.Model, part: str) -> None:
    """Make the `head` of a network alone trainable, or also its backbone (`fine`).

    Batch normalisation in the backbone stays frozen, with the statistics that came with the
    weights: few images would spoil them.
    """
    for layer in backbone(model).layers:
        frozen = part == "head" or isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = not frozen
