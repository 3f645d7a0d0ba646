"""The tables of the page, each made of what the tables of the study hold.

Cells are text; what they hold is escaped where it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mammo.estimates import Estimate
from mammo.report.answer import by_metric, headline
from mammo.report.blocks import Table
from mammo.report.labels import CONTROL_LABELS, METRIC_LABELS
from mammo.report.phrases import why_not
from mammo.words import LEVELS, OPERATING_POINTS, PARTITIONS, duration, number

COUNTS = ("images", "patients", "benign", "malignant")
CELLS = ("true_positives", "false_negatives", "false_positives", "true_negatives")
RATES = ("sensitivity", "specificity", "ppv", "npv")
OF = ("pooled", "mean", "ensemble", "run")  # those of many runs first
MOST_RUNS = 30  # that the page lists; metrics.csv has all
MOST_CONFLICTS = 20
NARROW = (
    "The confidence interval of the calibration error is too narrow: in simulations the coverage of"
    " a 95 % interval was 60 to 90 %."
)


def metrics_by_level(metrics: pd.DataFrame, experiment: str) -> Table:
    """The headline's metrics on test: a row per metric, a column per level."""
    rows = headline(metrics, experiment)
    levels = {level: by_metric(rows, level=level) for level in LEVELS}
    body = []
    for name in COUNTS:
        body.append([name.capitalize(), *(_count(levels[level], name) for level in LEVELS)])
    reasons: dict[tuple[str, str], list[str]] = {}
    for metric, label in METRIC_LABELS.items():
        estimates = {level: Estimate.of_row(levels[level][metric]) for level in LEVELS}
        body.append([label, *map(str, estimates.values())])
        for level, estimate in estimates.items():
            if estimate.reason:
                reasons.setdefault((level, estimate.reason), []).append(label)
    notes = []
    for (level, reason), labels in reasons.items():
        which = "all metrics" if len(labels) == len(METRIC_LABELS) else ", ".join(labels)
        notes.append(f"By {level}, {reason} ({which}).")
    caption = (
        "Metrics on the test partition, with confidence intervals; threshold of 0.5, not calibrated"
    )
    return Table(caption, ["", *(f"by {level}" for level in LEVELS)], body, notes=[*notes, NARROW])


def _count(values: Mapping[str, Mapping[str, Any]], name: str) -> str:
    value = values[name]["value"] if name in values else None
    return "–" if pd.isna(value) else f"{value:,.0f}"


def by_partition(metrics: pd.DataFrame, experiment: str) -> Table:
    """AUROC and accuracy by partition: of the mean over runs, or of the one run that there is."""
    rows = metrics[metrics["experiment"] == experiment]
    several = (rows["of"] == "mean").any()
    rows = rows[rows["of"] == ("mean" if several else "run")]
    names = ("auroc", "accuracy", "majority_class_accuracy", "log_loss")
    body = []
    for partition in PARTITIONS:
        if values := by_metric(rows, partition):
            body.append([partition.capitalize(), *(_mean(values[name]) for name in names)])
    whose = f"mean of {rows['runs'].iloc[0]} runs ± SD" if several else "the one run"
    return Table(f"By partition, {whose}, by image", ["", *(METRIC_LABELS[n] for n in names)], body)


def _mean(row: Mapping[str, Any]) -> str:
    spread = "" if pd.isna(row["sd"]) or row["runs"] == 1 else f" ± {number(row['sd'])}"
    return number(row["value"]) + spread


def every_result(metrics: pd.DataFrame) -> Table | None:
    """What each pooling, mean, ensemble and run of each experiment reaches on test, by image.

    None if there is but one. The column of leaks is there only if one leaks.
    """
    rows = metrics[(metrics["partition"] == "test") & (metrics["level"] == "image")]
    rows = rows.sort_values("of", key=lambda column: column.map(OF.index), kind="stable")
    body = []
    for names, part in rows.groupby(["experiment", "of", "fold", "seed"], sort=False, dropna=False):
        experiment, of, fold, seed = names
        values = {row["metric"]: row for row in part.to_dict("records")}
        run = [f"{name} {n}" for name, n in (("fold", fold), ("seed", seed)) if pd.notna(n)]
        estimates = [str(Estimate.of_row(values[name])) for name in ("auroc", "accuracy")]
        majority = number(values["majority_class_accuracy"]["value"])
        count, leaks = f"{values['auroc']['n']:,}", values["auroc"]["leaks"]
        body.append([experiment, ", ".join([of, *run]), count, *estimates, majority, leaks])
    if len(body) < 2:
        return None
    labels = [METRIC_LABELS[name] for name in ("auroc", "accuracy", "majority_class_accuracy")]
    columns = ["Experiment", "Of", "Images", *labels, "Leaks"]
    if not any(row[-1] for row in body):
        body, columns = [row[:-1] for row in body], columns[:-1]
    notes = [f"{len(body) - MOST_RUNS} more in metrics.csv."] if len(body) > MOST_RUNS else []
    caption = "All results on the test partition, by image"
    return Table(caption, columns, body[:MOST_RUNS], words=(0, 1, 6), notes=notes)


def operating_points(confusion: pd.DataFrame, experiment: str) -> Table:
    """The confusion matrices on test at each operating point, by image and by patient."""
    rows = confusion[(confusion["experiment"] == experiment) & (confusion["partition"] == "test")]
    rows = rows[rows["level"].isin(["image", "patient"])]
    body, notes = [], []
    for (level, point), part in rows.groupby(["level", "point"], sort=False):
        values = {row["metric"]: row for row in part.to_dict("records")}
        name = f"{OPERATING_POINTS[point].short}, by {level}"
        threshold = part["threshold"].iloc[0]
        at = "by fold" if pd.isna(threshold) else number(threshold)
        counts = [_count(values, cell) for cell in CELLS]
        rates = [str(Estimate.of_row(values[rate])) for rate in RATES]
        body.append([name, at, *counts, *rates])
        if pd.isna(values["true_positives"]["value"]):
            notes.append(f"{name}: {why_not(values['true_positives']['reason'])}.")
    columns = [
        "Threshold",
        "at",
        "TP",
        "FN",
        "FP",
        "TN",
        "Sensitivity",
        "Specificity",
        "PPV",
        "NPV",
    ]
    notes.append(
        "Youden: sensitivity + specificity is largest on validation. "
        "0.90 sensitivity: the most specific threshold there with at least that sensitivity."
    )
    caption = "Operating points, chosen on validation and applied to test"
    return Table(caption, columns, body, notes=notes)


def calibration(calibrated: pd.DataFrame, experiment: str) -> Table:
    """Calibration on test before and after temperature scaling, by image."""
    rows = calibrated[calibrated["experiment"] == experiment]
    rows = rows[(rows["partition"] == "test") & (rows["level"] == "image")]
    body = []
    for metric, part in rows.groupby("metric", sort=False):
        values = {row["probabilities"]: row for row in part.to_dict("records")}
        estimates = [str(Estimate.of_row(values[name])) for name in ("raw", "calibrated")]
        body.append([METRIC_LABELS[metric], *estimates])
    columns = ["", "before", "after temperature scaling"]
    notes = [*_changed_by_scaling(rows), NARROW]
    return Table("Calibration on test, by image", columns, body, notes=notes)


def _changed_by_scaling(rows: pd.DataFrame) -> Iterator[str]:
    """Whether the temperature, which validation chose, did on test what it was to do."""
    loss = rows[rows["metric"] == "log_loss"].set_index("probabilities")["value"]
    if loss.notna().all():
        better = "fit" if loss["calibrated"] < loss["raw"] else "do not fit"
        yield (
            f"By their log loss, the probabilities after temperature scaling {better} the test "
            "images better than those before: the temperature was chosen on validation."
        )


def controls(values: pd.DataFrame, experiment: str) -> Table:
    """AUROC and accuracy of the model and of each control, and how much better the model is."""
    rows = values[values["experiment"] == experiment]
    body, notes = [], []
    for control, part in rows.groupby("control", sort=False):
        metrics = {row["metric"]: row for row in part.to_dict("records")}
        auroc, label = metrics["auroc"], CONTROL_LABELS[control]
        estimates = [str(Estimate.of_row(metrics[name])) for name in ("auroc", "accuracy")]
        gain = Estimate.of_row(auroc, "difference").text(signed=True)
        body.append([label, auroc["columns"], *estimates, gain])
        if auroc["reason"]:
            notes.append(f"{label}: {why_not(auroc['reason'])}.")
    columns = ["", "What it sees", "AUROC", "Accuracy", "The model's AUROC minus that"]
    caption = "The model and its controls, on the same test images"
    return Table(caption, columns, body, words=(0, 1), notes=notes)


def exclusions(flow: pd.DataFrame) -> Table | None:
    """What was excluded in the first fold, by step and reason; None if nothing was."""
    folds = sorted(flow["fold"].unique())
    first = flow[(flow["fold"] == folds[0]) & (flow["reason"] != "")]
    body = [
        [row.description, row.step.replace("_", " "), f"{row.images:,}", f"{row.patients:,}"]
        for row in first.itertuples()
    ]
    where = f" of fold {folds[0]}, one of {len(folds)}" if len(folds) > 1 else ""
    columns = ["Reason", "Step", "Images", "Patients that lost one"]
    return Table(f"Exclusions{where}", columns, body, words=(0, 1)) if body else None


def conflicting(conflicts: pd.DataFrame) -> Table | None:
    """The lesions with views of both classes; None if there are none."""
    body = conflicts[["lesion_id", "views", "done"]].head(MOST_CONFLICTS).to_numpy().tolist()
    rest = len(conflicts) - len(body)
    notes = [f"{rest} more in inventory/conflicts.csv."] if rest else []
    columns = ["Lesion", "Its views", "What was done"]
    caption = "Lesions with views of both classes"
    return Table(caption, columns, body, words=(0, 1, 2), notes=notes) if body else None


def audit(checks: Sequence[Mapping[str, Any]]) -> Table:
    """The audit's checks, those that found something first.

    Names of patients stay in audit.json.
    """
    order = ("fail", "warn", "pass")
    body = []
    for check in sorted(checks, key=lambda check: order.index(check["status"])):
        found = f"{len(check['found']) + check['more']:,}"
        body.append([check["status"], check["name"], check["looked_at"], found])
    columns = ["Status", "What is checked", "Looked at", "Found"]
    return Table("The audit of the split", columns, body, words=(0, 1, 2), tall=True)


def failures(
    scores: pd.DataFrame, thresholds: pd.DataFrame, most: int = 10
) -> tuple[str, Table | None]:
    """How many test images of the baseline were predicted wrong, and the most confident of them.

    At the Youden threshold of the fold, or at 0.5 if a fold has none.
    """
    rows = thresholds[(thresholds["level"] == "image") & (thresholds["experiment"] == "baseline")]
    at = {point: part.set_index("fold")["threshold"] for point, part in rows.groupby("point")}
    point, where = "youden", "the Youden threshold, which was chosen on validation"
    if at[point].isna().any():
        point, where = "half", "a calibrated probability of 0.5"
    test = scores[scores["partition"] == "test"]
    test = test.assign(threshold=test["fold"].map(at[point]))
    wrong = test[(test["calibrated"] >= test["threshold"]) != (test["label"] == 1)]
    missed = int((wrong["label"] == 1).sum())
    patients = f"{wrong['patient_id'].nunique():,} of {test['patient_id'].nunique():,}"
    sentence = (
        f"At {where}, {len(wrong):,} of {len(test):,} test images are predicted wrong: "
        f"{missed:,} false negatives and {len(wrong) - missed:,} false positives, of {patients} "
        "patients."
    )
    # How far beyond the threshold, as logits: the scale on which the network sums its evidence.
    logit = {name: np.log(wrong[name] / (1 - wrong[name])) for name in ("calibrated", "threshold")}
    beyond = (logit["calibrated"] - logit["threshold"]).abs()
    worst = wrong.loc[beyond.sort_values(ascending=False, kind="stable").index[:most]]
    body = []
    for row in worst.itertuples():
        outcome = "malignant: false negative" if row.label == 1 else "benign: false positive"
        values = (number(row.calibrated), number(row.threshold))
        body.append([row.image_id, row.patient_id, outcome, *values])
    columns = ["Image", "Patient", "True class and outcome", "Calibrated probability", "Threshold"]
    caption = f"The {len(body)} most confident mistakes"
    return sentence, Table(caption, columns, body, words=(0, 1, 2)) if body else None


def changed_settings(study: Mapping[str, Any], default: Mapping[str, Any]) -> Table | None:
    """The settings that are not the default's: key, value, default."""
    here, usual = dict(_flat(study)), dict(_flat(default))
    body = [
        [key, str(value), str(usual[key])] for key, value in here.items() if value != usual[key]
    ]
    caption, columns = "What differs from the default study", ["Key", "Here", "Default"]
    return Table(caption, columns, body, words=(0, 1, 2)) if body else None


def _flat(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for section, part in settings.items():
        if isinstance(part, Mapping):
            yield from ((f"{section}.{key}", value) for key, value in part.items())
        else:
            yield section, part


def time_and_memory(resources: pd.DataFrame) -> Table | None:
    """What the steps took, and what to ask a cluster for; None if nothing is known."""
    body = []
    for row in resources.itertuples():
        times = (duration(row.median_seconds), duration(row.longest_seconds))
        memory = (_amount(row.largest_memory, "MB"), _amount(row.mem_mb, "MB"))
        body.append([row.step, f"{row.jobs:,}", *times, *memory, _amount(row.runtime, "min")])
    heads = "Step, Jobs, Median time, Longest, Largest memory, Suggested memory, Suggested time"
    notes = (
        "Memory is the resident set, mapped files included. – stands for jobs that ended within a"
        " second, too soon to be measured: there the rule's own amount stays.",
        "This page and what follows it have the numbers of an earlier run, or none.",
    )
    caption = "What each step took here, the longest first, and what to ask a cluster for"
    return Table(caption, heads.split(", "), body, notes=notes, tall=True) if body else None


def _amount(value: Any, unit: str) -> str:
    return "–" if pd.isna(value) else f"{value:,.0f} {unit}"
