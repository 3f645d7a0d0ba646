"""How the controls of an experiment do, and how much better the model does than each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from mammo.estimates import Estimate
from mammo.statistics.bootstrap import ClusterBootstrap
from mammo.statistics.controls import CONTROLS, NETWORK
from mammo.statistics.estimation import estimate
from mammo.statistics.intervals import expanded_percentile
from mammo.statistics.metrics import METRICS
from mammo.statistics.support import support_of

if TYPE_CHECKING:
    from mammo.statistics.settings import Evaluation

COMPARED = ["auroc", "accuracy"]
NOT_TRAINED = "trained beside the first run of the baseline alone"


class Columns(NamedTuple):
    """The columns that a control is given: as numbers, and as levels."""

    numbers: list[str]
    levels: list[str]

    def __str__(self) -> str:
        return ", ".join([*self.numbers, *self.levels])


def available_columns(features: pd.DataFrame) -> dict[str, Columns]:
    """{control: its columns that hold any value at all in `features`}."""
    held = set()
    for name in features:
        if (features[name].notna() & (features[name].astype(str) != "")).any():
            held.add(name)
    found = {}
    for name, control in CONTROLS.items():
        given = ([each for each in of if each in held] for of in (control.numbers, control.levels))
        found[name] = Columns(*given)
    return found


def score_controls(scores: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """A row per control, fold and test image: the experiment's scores, with the control's.

    features: what controls may see, by image_id. A control with no column that holds a value is
    left aside, and so is one that a step of its own trains.
    """
    given = available_columns(features)
    once = [name for name in _fitted(given) if CONTROLS[name].all_folds]
    by_fold = [name for name in _fitted(given) if not CONTROLS[name].all_folds]
    found = [_scored(scores, features, name, given[name]) for name in once]
    for _, fold in scores.groupby("fold"):
        found += [_scored(fold, features, name, given[name]) for name in by_fold]
    table = pd.concat(found, ignore_index=True)
    return table[table["partition"] == "test"]


def _fitted(given: dict[str, Columns]) -> list[str]:
    """The controls that are fitted here and have what they look at, if they look at anything."""
    found = []
    for name, control in CONTROLS.items():
        if control.fit and (any(given[name]) or not control.columns):
            found.append(name)
    return found


def _scored(
    scores: pd.DataFrame, features: pd.DataFrame, name: str, given: Columns
) -> pd.DataFrame:
    """`scores` with a control's name and probabilities."""
    fit = CONTROLS[name].fit
    assert fit is not None
    label = scores["label"].to_numpy(int)
    training = (scores["partition"] == "training").to_numpy()
    inputs = features.loc[scores["image_id"]].reset_index(drop=True)
    probability = fit(inputs, label, training, given.numbers, given.levels)
    return scores.assign(control=name, probability=probability)


def evaluate_controls(
    scores: pd.DataFrame, controls: pd.DataFrame, given: dict[str, Columns], evaluation: Evaluation
) -> pd.DataFrame:
    """A row per metric of the model and of each control.

    scores: the model's test images of all folds (fold, image_id, patient_id, label, probability);
    controls: rows of `score_controls`, and such of shuffled_labels; given: what `available_columns`
    found.

    Columns: control, columns (what it sees), metric, value, low, high, confidence, difference,
    difference_low, difference_high, n, reason. The difference is the model's value less the
    control's, both on the control's images, from the same replicates.
    """
    own = _values(scores, evaluation).assign(control=NETWORK, columns="the image")
    parts = [own]
    for name, control in CONTROLS.items():
        scored = controls[controls["control"] == name]
        if len(scored):
            values = compared(scores, scored, evaluation)
        else:
            unknown = f"this dataset does not record {', '.join(control.columns)}"
            reason = unknown if control.columns else NOT_TRAINED
            values = pd.DataFrame({"metric": COMPARED, "reason": reason})
        sees = control.sees or str(given[name])
        parts.append(values.assign(control=name, columns=sees))
    return pd.concat([part.astype(object) for part in parts], ignore_index=True)


def compared(scores: pd.DataFrame, scored: pd.DataFrame, evaluation: Evaluation) -> pd.DataFrame:
    """The values of one control, and of how much the model does better."""
    folds = ["fold", "image_id"]
    model = scored[folds].merge(scores, on=folds, validate="1:1")
    values, better = _values(scored, evaluation), _values(model, evaluation)
    bootstrap = ClusterBootstrap.of(scored, evaluation)
    ours, theirs = (bootstrap.metrics(_units(rows), COMPARED) for rows in (model, scored))
    supports = [support_of(rows, "image") for rows in (model, scored)]
    differences = []
    for metric, value in zip(values["metric"], better["value"] - values["value"], strict=True):
        needs = METRICS[metric].needs
        found = Estimate(value)
        if not any(support.why_no_interval(needs) for support in supports):
            fewest = min(support.fewest(needs) for support in supports)
            replicates = ours[metric] - theirs[metric]
            found = expanded_percentile(value, replicates, bootstrap.confidence, fewest)
        differences.append(found.ends("difference"))
    return values.join(pd.DataFrame(differences))


def _values(rows: pd.DataFrame, evaluation: Evaluation) -> pd.DataFrame:
    """The COMPARED metrics of `rows`, with their intervals."""
    values = estimate([_units(rows)], "image", evaluation)
    chosen = values[values["metric"].isin(COMPARED)]
    return chosen.drop(columns=["sd", "runs"]).reset_index(drop=True)


def _units(rows: pd.DataFrame) -> pd.DataFrame:
    """Each image as a unit by itself; the majority class is a control here, and no column."""
    return rows.assign(unit=rows["image_id"], images=1, majority=0)
