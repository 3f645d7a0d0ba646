"""What an estimate rests on: how many patients have a unit of each kind that a metric needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from mammo.statistics.metrics import THRESHOLD

if TYPE_CHECKING:
    import pandas as pd

# Below this a confidence interval is not given: replicates hardly differ, or lack a class.
FEWEST_PATIENTS = 10
ANY = ""  # the kind of every unit


class Support(NamedTuple):
    """patients: how many have a unit of each kind, where ANY is all; level: what a unit is."""

    patients: dict[str, int]
    level: str

    def fewest(self, needs: Iterable[str] = ()) -> int:
        """The number of patients of the rarest kind needed; of all patients where none is."""
        return self.patients[self._rarest(needs)]

    def why_undefined(self, needs: Iterable[str]) -> str:
        """Why a metric with these needs is not defined, or ''."""
        absent = [kind for kind in needs if not self.patients[kind]]
        return f"not defined: no {self.level} is {absent[0]}" if absent else ""

    def why_no_interval(self, needs: Iterable[str] = ()) -> str:
        """Why such a metric has no interval: too few patients of the rarest kind; or ''."""
        kind = self._rarest(needs)
        if (number := self.patients[kind]) >= FEWEST_PATIENTS:
            return ""
        whose = f" with a {kind} {self.level}" if kind else ""
        if kind and self.level == "patient":
            return f"no interval: {number} {kind} patients, at least {FEWEST_PATIENTS} needed"
        return f"no interval: {number} patients{whose}, at least {FEWEST_PATIENTS} needed"

    def _rarest(self, needs: Iterable[str]) -> str:
        return min(tuple(needs) or (ANY,), key=lambda kind: self.patients[kind])


def support_of(units: pd.DataFrame, level: str) -> Support:
    """The support of units with patient_id; kinds are counted as far as columns say them.

    label, 1 where malignant, says malignant and benign; probability, with the threshold where it is
    not 0.5, says predicted malignant and predicted benign.
    """
    kinds: dict[str, pd.Series] = {}
    if "label" in units:
        kinds |= {"malignant": units["label"] == 1, "benign": units["label"] == 0}
    if "probability" in units:
        threshold = units["threshold"].to_numpy(float) if "threshold" in units else THRESHOLD
        predicted = units["probability"] >= threshold
        kinds |= {"predicted malignant": predicted, "predicted benign": ~predicted}
    patients = {ANY: units["patient_id"].nunique()}
    for kind, rows in kinds.items():
        patients[kind] = units.loc[rows, "patient_id"].nunique()
    return Support(patients, level)
