"""Phases of a training, and the learning rates of their epochs."""

import math

import numpy as np

from helpers.training import training_of
from mammo.model.phases import phases, scheduled


def short(found):
    return [(phase.start, phase.end, phase.learning_rate, phase.trained) for phase in found]


def test_phases_train_the_head_and_then_all():
    keys = {"epochs": 8, "learning_rate": 0.1, "fine_tuning_rate": 0.2}
    training = training_of(frozen_epochs=3, **keys)
    assert short(phases(training, pretrained=False)) == [(0, 8, 0.1, "all")]
    assert short(phases(training, True)) == [(0, 3, 0.1, "head"), (3, 8, 0.2, "fine")]
    assert short(phases(training_of(frozen_epochs=0, **keys), True)) == [(0, 8, 0.2, "fine")]
    assert short(phases(training_of(frozen_epochs=9, **keys), True)) == [(0, 8, 0.1, "head")]


def test_only_the_last_phase_stops_early_and_has_a_schedule():
    training = training_of(epochs=8, frozen_epochs=3, patience=2, schedule="cosine")
    head, fine = phases(training, pretrained=True)
    assert (head.patience, head.schedule) == (4, "constant")  # of three epochs: it never stops
    assert (fine.patience, fine.schedule) == (2, "cosine")


def test_schedules():
    rates = [scheduled("cosine", 0.1, epoch, 4, [], 3) for epoch in range(4)]
    assert np.allclose(rates, [0.05 * (1 + math.cos(math.pi * n / 4)) for n in range(4)])
    assert scheduled("constant", 0.1, 3, 4, [1, 2, 3], 3) == 0.1
    # Of a patience of 3, two epochs without progress halve it.
    losses = [1.0, 0.9, 0.95, 0.91, 0.8, 0.81, 0.82, 0.83, 0.84]
    rates = [
        scheduled("plateau", 0.1, epoch, 40, losses[:epoch], 3) for epoch in range(len(losses) + 1)
    ]
    assert rates == [0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025, 0.0125]
