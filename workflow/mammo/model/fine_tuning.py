"""Training a network whose backbone begins with weights from elsewhere: its head first, then all of it. It imports Keras."""

import keras

from mammo.log import InputError


def backbone(model):
    """The part of a network of mammo/model/networks.py that its head stands on, from the image on, as a model of the same layers."""
    return keras.Model(model.inputs, model.get_layer("pooled").input)


def load_weights(model, path):
    """Give the backbone of `model` the weights in a file. Raises InputError where they are those of another network."""
    try:
        backbone(model).load_weights(path)
    except (ValueError, KeyError, OSError) as error:
        raise InputError(
            f"{path}: not the weights of {model.name} without its head: {str(error).splitlines()[0]} "
            "Give network.weights none, imagenet, or such a file."
        ) from None


def let_train(model, part):
    """Let training change the `head` of a network alone, or also its backbone but for batch normalisation (`fine`).

    A batch normalisation that is not trained is done with the statistics that came with the weights: few images would spoil them.
    """
    for layer in backbone(model).layers:
        layer.trainable = part == "fine" and not isinstance(layer, keras.layers.BatchNormalization)
