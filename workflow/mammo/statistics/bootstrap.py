"""The cluster bootstrap: patients are resampled with replacement, each with all of their units."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from threadpoolctl import threadpool_limits

from mammo.statistics.metrics import METRICS, Rows, under

if TYPE_CHECKING:
    import pandas as pd

    from mammo.statistics.settings import Evaluation

BLOCK = 2**18  # weights that are looked at together: as many as fit in a processor's cache


@dataclass(frozen=True)
class Replicates:
    """Bootstrap replicates: how often each of `patients` was drawn in each of `number` of them.

    A replicate draws as many patients as there are, with replacement. All replicates together would
    fill the memory where patients are many, so they are made block by block, and anew each time:
    what is drawn depends on the seed alone, not on the size of the blocks.
    """

    patients: int
    number: int
    seed: int

    def blocks(self, units: int = 0) -> Iterator[np.ndarray]:
        """Yield arrays (some replicates) × patients, one replicate after the other.

        Blocks are smaller where each patient's weight is to be spread over so many units.
        """
        rng = np.random.default_rng(self.seed)
        size = max(1, BLOCK // max(units, self.patients))
        for start in range(0, self.number, size):
            count = min(size, self.number - start)
            chosen = rng.integers(self.patients, size=(count, self.patients))
            chosen += np.arange(count)[:, None] * self.patients
            drawn = np.bincount(chosen.ravel(), minlength=count * self.patients)
            yield drawn.reshape(count, self.patients).astype(float)


@dataclass(frozen=True)
class ClusterBootstrap:
    """The replicates of these patients, and the confidence level of the intervals from them.

    patients: the names of those that are resampled, sorted. Units are tables with patient_id; all
    tables that are asked about are resampled together, by the same replicates.
    """

    patients: np.ndarray
    replicates: Replicates
    confidence: float

    @classmethod
    def of(cls, units: pd.DataFrame, evaluation: Evaluation) -> Self:
        """The bootstrap of the patients of `units`."""
        patients = np.unique(units["patient_id"].to_numpy(str))
        replicates = Replicates(len(patients), evaluation.draws, evaluation.seed)
        return cls(patients, replicates, evaluation.confidence)

    def place(self, units: pd.DataFrame) -> np.ndarray:
        """The number of each unit's patient, integers (n,)."""
        return np.searchsorted(self.patients, units["patient_id"].to_numpy(str))

    def weights(self, units: pd.DataFrame) -> Iterator[np.ndarray]:
        """Yield arrays (some replicates) × units: how often each replicate holds each unit."""
        place = self.place(units)
        for drawn in self.replicates.blocks(len(units)):
            yield drawn[:, place]

    def sums(self, units: pd.DataFrame, values: np.ndarray) -> np.ndarray:
        """The sum of `values` (units × columns) over each replicate: replicates × columns."""
        patients = np.zeros((len(self.patients), values.shape[1]))
        np.add.at(patients, self.place(units), values)  # by patient first, of whom there are fewer
        with threadpool_limits(1):  # the same sums whatever the machine's cores
            return np.concatenate([drawn @ patients for drawn in self.replicates.blocks()])

    def metrics(
        self, units: pd.DataFrame, wanted: Iterable[str] = tuple(METRICS)
    ) -> dict[str, np.ndarray]:
        """{metric: its value in each replicate} of units with label, probability, majority, …

        The columns are those of mammo.statistics.metrics.Rows.
        """
        wanted, rows = tuple(wanted), Rows.of(units)
        with threadpool_limits(1):  # blocks this small are slower with several threads
            blocks = [under(rows.under(weights), wanted) for weights in self.weights(units)]
        return {name: np.concatenate([block[name] for block in blocks]) for name in wanted}
