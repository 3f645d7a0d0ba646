"""What a study found, in sentences that claim no more than its tables do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from mammo.estimates import Estimate
from mammo.report.labels import CONTROL_LABELS
from mammo.report.phrases import counted, in_sentence, why_not
from mammo.statistics.controls import CONTROLS
from mammo.words import number

if TYPE_CHECKING:
    import pandas as pd

# A study's result is the first of these that there is: all folds pooled, the ensemble of the seeds
# of the one fold, or its one run. The mean over runs is reported beside it: it has no predictions.
HEADLINES = ("pooled", "ensemble", "run")
AUROC = (
    "The AUROC is the probability that a malignant image gets a higher score than a benign one: "
    "0.5 is chance, 1 is perfect discrimination."
)
AGAINST_CHANCE = {
    "leaking": "",
    "undefined": "",
    "uncertain": "Without a confidence interval the value may be due to chance: it is no evidence"
    " for or against the model.",
    "chance": "The confidence interval includes 0.5: the model is not distinguishable from chance.",
    "worse": "That is worse than chance (0.5): look for labels that were exchanged.",
    "above": "The confidence interval lies above 0.5, which is chance.",
}


class Answer(NamedTuple):
    """What a study found, as text.

    verdict: one of AGAINST_CHANCE. lead: the result in a sentence. sentences: what belongs beside
    it. warnings: what keeps it from being evidence.
    """

    verdict: str
    lead: str
    sentences: list[str]
    warnings: list[str]


def headline(metrics: pd.DataFrame, experiment: str = "baseline") -> pd.DataFrame:
    """The rows of metrics.csv that are an experiment's result: the first of HEADLINES there is."""
    rows = metrics[metrics["experiment"] == experiment]
    return rows[rows["of"] == next(of for of in HEADLINES if (rows["of"] == of).any())]


def by_metric(
    rows: pd.DataFrame, partition: str = "test", level: str = "image"
) -> dict[str, dict[str, Any]]:
    """{metric: its row} of a partition at a level."""
    chosen = rows[(rows["partition"] == partition) & (rows["level"] == level)]
    return {row["metric"]: row for row in chosen.to_dict("records")}


def answer(
    metrics: pd.DataFrame, warning: str = "", controls: pd.DataFrame | None = None
) -> Answer:
    """What the study found.

    metrics: metrics.csv. warning: the dataset format's, '' for none. controls: control_values of
    all experiments, where there are controls.
    """
    test = by_metric(headline(metrics))
    auroc, leaks = Estimate.of_row(test["auroc"]), test["auroc"]["leaks"]
    verdict = "leaking" if leaks else _verdict(auroc)
    sentences = [AUROC, AGAINST_CHANCE[verdict]]
    if verdict != "undefined":
        sentences += _accuracy(test["accuracy"], test["majority_class_accuracy"])
    sentences += _spread(metrics)
    if controls is not None:
        sentences += controls_in_words(controls, verdict)
    if auroc.confidence is not None:
        level = f"{100 * auroc.confidence:g} %"
        sentences.append(
            f"In brackets: {level} confidence intervals from a cluster bootstrap by patient."
        )
    leaking = f"NOT EVIDENCE OF PERFORMANCE: the split {leaks}." if leaks else ""
    return Answer(
        verdict,
        _lead(auroc, test),
        [*filter(None, sentences)],
        [*filter(None, [leaking, warning])],
    )


def _verdict(auroc: Estimate) -> str:
    if auroc.value is None:
        return "undefined"
    if auroc.low is None or auroc.high is None:
        return "uncertain"
    if auroc.low <= 0.5 <= auroc.high:
        return "chance"
    return "worse" if auroc.high < 0.5 else "above"


def _lead(auroc: Estimate, test: Mapping[str, Mapping[str, Any]]) -> str:
    images = counted(test["images"]["value"], "test image")
    whose = f"{images} of {counted(test['patients']['value'], 'patient')}"
    if auroc.value is None:
        return f"There is no AUROC on the {whose}: {why_not(auroc.reason)}."
    known = ", none of whom it was trained on,"
    if test["auroc"]["leaks"]:
        known = ", some of whose other images it was trained on,"
    elif test["auroc"]["of"] == "pooled":
        known = ", each by a model that was trained on other patients,"
    lead = f"On {whose}{known} the model reaches an AUROC of {auroc}"
    if auroc.has_interval:
        return f"{lead}."
    return f"{lead}, without a confidence interval: {why_not(auroc.reason)}."


def _accuracy(accuracy: Mapping[str, Any], majority: Mapping[str, Any]) -> Iterator[str]:
    model = Estimate.of_row(accuracy)
    if model.value is not None:
        same = "" if model.value > majority["value"] else ": no more than that"
        yield (
            "Always predicting the majority class of the training set has an accuracy of "
            f"{number(majority['value'])}; the model, at a threshold of 0.5, {model}{same}."
        )


def _spread(metrics: pd.DataFrame) -> Iterator[str]:
    mean = metrics[(metrics["experiment"] == "baseline") & (metrics["of"] == "mean")]
    if len(mean):
        row = by_metric(mean)["auroc"]
        auroc = Estimate.of_row(row)
        if auroc.value is not None:
            spread = f"{number(auroc.value)} ± {number(row['sd'])}"
            yield f"Over {row['runs']} runs the AUROC is {spread} (mean and SD)."


def controls_in_words(
    controls: pd.DataFrame, verdict: str, experiment: str = "baseline"
) -> Iterator[str]:
    """What the controls reach: those that do not look at the lesion, shuffled labels, and readers.

    That the model may have learnt the same is said only if its verdict is that it is above chance.
    """
    rows = controls[(controls["experiment"] == experiment) & (controls["metric"] == "auroc")]
    defined = {row["control"]: row for row in rows.to_dict("records") if row["value"] is not None}
    defined = {name: row for name, row in defined.items() if row["value"] == row["value"]}
    trivial = {
        name: row
        for name, row in defined.items()
        if name in CONTROLS and CONTROLS[name].columns and not CONTROLS[name].reader
    }
    if trivial:
        yield from _trivial(trivial, verdict)
    if "shuffled_labels" in defined:
        reached = Estimate.of_row(defined["shuffled_labels"])
        yield f"Trained and tested on shuffled labels, the same network reaches {reached}."
    readers = [name for name in ("reader_assessment", "reader_columns") if name in defined]
    if len(readers) == 2 and len({defined[name]["columns"] for name in readers}) == 1:
        readers = readers[:1]  # they recorded nothing else
    for name in readers:
        row = defined[name]
        what = f"Radiologist baseline ({in_sentence(CONTROL_LABELS[name])})"
        yield f"{what}: {Estimate.of_row(row)}{_against(row)}."


def _trivial(trivial: Mapping[str, Mapping[str, Any]], verdict: str) -> Iterator[str]:
    """What the best trivial control reaches, and a warning of those that are informative."""
    best = max(trivial, key=lambda name: trivial[name]["value"])
    gain = Estimate.of_row(trivial[best], "difference").text(signed=True)
    yield (
        f"Of {len(trivial)} trivial controls, the best, {in_sentence(CONTROL_LABELS[best])}, has "
        f"an AUROC of {Estimate.of_row(trivial[best])}; the model's minus that is {gain}."
    )
    informative = [name for name, row in trivial.items() if row["low"] > 0.5]
    if informative:
        better = all(trivial[name]["difference_low"] > 0 for name in informative)
        learnt = f", and the model may {'in part ' if better else ''}have learnt just that"
        names = " and of ".join(in_sentence(CONTROL_LABELS[name]) for name in informative)
        yield (
            f"Warning: the class can be predicted without the lesion, by means of {names}"
            f"{learnt if verdict == 'above' else ''}."
        )


def _against(row: Mapping[str, Any]) -> str:
    """How a reader's AUROC compares with the model's."""
    gain = Estimate.of_row(row, "difference")
    if gain.low is None or gain.high is None:
        return ""
    if gain.low > 0:
        return ", less than the model"
    return ", more than the model" if gain.high < 0 else ", not distinguishable from the model's"
