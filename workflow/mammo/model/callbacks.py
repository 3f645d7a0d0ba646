"""What happens as each epoch of a training begins. It imports Keras."""

import keras
import numpy as np

from mammo.model.checkpoint import Checkpoint
from mammo.model.phases import Phase, scheduled

DROPOUT = 2  # the first stream of random numbers of dropout layers; those before are batches.py's


class SeedDropout(keras.callbacks.Callback):
    """Lets what dropout draws in an epoch depend on the seed and the epoch alone.

    Otherwise it would depend on all epochs before, and a resumed training would differ.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        seed_dropout(self.model, self.seed, epoch)


class ScheduleRate(keras.callbacks.Callback):
    """Sets the learning rate of each epoch of a phase, by its schedule and validation losses."""

    def __init__(self, phase: Phase, progress: Checkpoint) -> None:
        super().__init__()
        self.phase, self.progress = phase, progress

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        phase = self.phase
        self.model.optimizer.learning_rate = scheduled(
            phase.schedule,
            phase.learning_rate,
            epoch - phase.start,
            phase.end - phase.start,
            [row["val_loss"] for row in self.progress.history[phase.start :]],
            phase.patience,
        )


def seed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    """Set the state of the random generator of each layer of a model."""
    for number, layer in enumerate(model.layers, DROPOUT):
        if hasattr(layer, "seed_generator"):
            state = np.random.default_rng([seed, epoch, number]).integers(0, 2**31, 2)
            layer.seed_generator.state.assign(state.astype(layer.seed_generator.state.dtype))
