"""The phases of a training, and the learning rate of each of their epochs."""

import math
from dataclasses import dataclass

from mammo.model.settings import Training

# What a phase of fine-tuning trains, in words.
TRAINED = {"head": "the head alone", "fine": "all but the backbone's batch normalisation"}


@dataclass(frozen=True)
class Phase:
    """Consecutive epochs in which the same layers are trained, with an optimizer of their own.

    start, end: epochs counted from 0, `end` not included. learning_rate: the one it begins with,
    which the configuration's `training.<rate_key>` gives. trained: `all` layers, the `head` alone,
    or all but the backbone's batch normalisation (`fine`). patience: of early stopping.
    """

    start: int
    end: int
    rate_key: str
    learning_rate: float
    trained: str
    patience: int
    schedule: str


def phases(training: Training, pretrained: bool) -> list[Phase]:
    """The phases of a training: one, or with pretrained weights the head's and then all layers'.

    Only the last one stops early and has a schedule: which epoch is the best is asked of all
    together.
    """
    epochs, frozen = training.epochs, min(training.frozen_epochs, training.epochs)
    parts = [(0, epochs, "learning_rate", "all")]
    if pretrained:
        parts = [(0, frozen, "learning_rate", "head"), (frozen, epochs, "fine_tuning_rate", "fine")]
    found = []
    for start, end, key, trained in parts:
        if start == end:
            continue
        patience, schedule = end + 1, "constant"
        if end == epochs:
            patience, schedule = training.patience, training.schedule
        rate = getattr(training, key)
        found.append(Phase(start, end, key, rate, trained, patience, schedule))
    return found


def scheduled(
    schedule: str, rate: float, epoch: int, epochs: int, losses: list[float], patience: int
) -> float:
    """The learning rate of an epoch, counted from 0, of `epochs`.

    losses: the validation losses of the epochs before it.

    cosine: falls from `rate` to nearly 0 along half a cosine (I. Loshchilov and F. Hutter, ICLR
    2017). plateau: is halved when half of `patience` (rounded up) has passed without a lower loss,
    or since it was halved. constant: `rate`.
    """
    if schedule == "cosine":
        return rate * (1 + math.cos(math.pi * epoch / epochs)) / 2
    if schedule == "plateau":
        best, waited = math.inf, 0
        for loss in losses:
            waited = 0 if loss < best else waited + 1
            best = min(best, loss)
            if waited >= (patience + 1) // 2:
                rate, waited = rate / 2, 0
    return rate
