"""The optimizers that `training.optimizer` can be: one entry each.

Imported while the Snakefile is parsed, so Keras is imported only to make an optimizer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import keras


class Optimizer(NamedTuple):
    """An optimizer: how it is made from a learning rate, and what the model card says of it."""

    make: Callable[[float], keras.optimizers.Optimizer]
    description: str


def _adam(learning_rate: float) -> keras.optimizers.Optimizer:
    import keras

    return keras.optimizers.Adam(learning_rate)


def _adamw(learning_rate: float) -> keras.optimizers.Optimizer:
    import keras

    return keras.optimizers.AdamW(learning_rate, weight_decay=0.004)


def _sgd(learning_rate: float) -> keras.optimizers.Optimizer:
    import keras

    return keras.optimizers.SGD(learning_rate, momentum=0.9)


OPTIMIZERS = {
    "adam": Optimizer(_adam, "Adam (D. P. Kingma and J. Ba, ICLR 2015)"),
    "adamw": Optimizer(
        _adamw, "AdamW (I. Loshchilov and F. Hutter, ICLR 2019) with a weight decay of 0.004"
    ),
    "sgd": Optimizer(_sgd, "stochastic gradient descent with a momentum of 0.9"),
}
