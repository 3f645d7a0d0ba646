"""The tables of the page, each made of what the tables of the study hold. Cells are text; what they hold is escaped where it is shown."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from mammo.report.answer import estimate, headline, number, of_metric, why_not
from mammo.tables import PARTITIONS
from mammo.words import LEVELS, duration

METRICS = {
    "auroc": "AUROC",
    "auprc": "Average precision",
    "accuracy": "Accuracy",
    "majority_class_accuracy": "… of always the commoner class",
    "balanced_accuracy": "Balanced accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "Positive predictive value",
    "npv": "Negative predictive value",
    "f1": "F1",
    "brier_score": "Brier score",
    "log_loss": "Log loss",
    "expected_calibration_error": "Calibration error",
    "calibration_slope": "Calibration slope",
    "calibration_intercept": "Calibration intercept",
}
COUNTS = ["images", "patients", "benign", "malignant"]
POINTS = {
    "youden": "Youden's",
    "sensitivity_90": "sensitivity 0.90",
    "half": "0.5",
}
OF = ["pooled", "mean", "ensemble", "run"]  # those of many runs first
MOST_RUNS = 30  # that the page lists; metrics.csv has all


class Table(NamedTuple):
    """columns: their heads. rows: lists of cells; the first is the row's head. words: which columns hold text."""

    caption: str
    columns: list
    rows: list
    words: tuple = (0,)
    notes: tuple = ()


NARROW = "The interval of the calibration error is too narrow: in simulations one of 95 % held the truth in 60 to 90 %."


def metrics_by_level(metrics, experiment):
    """The headline's metrics on test: a row per metric, a column per level."""
    rows = headline(metrics, experiment)
    levels = {level: of_metric(rows, level=level) for level in LEVELS}
    body = [
        [name.capitalize(), *(_count_of(levels[level], name) for level in LEVELS)]
        for name in COUNTS
    ]
    body += [
        [words, *(estimate(levels[level][metric]) for level in LEVELS)]
        for metric, words in METRICS.items()
    ]
    reasons = {}
    for level in LEVELS:
        for metric, words in METRICS.items():
            if (row := levels[level][metric])["reason"]:
                reasons.setdefault((level, row["reason"]), []).append(words)
    notes = [
        f"By {level}, {reason} ({_several(names)})." for (level, reason), names in reasons.items()
    ]
    caption = "Metrics on the test partition, with intervals; called malignant from a probability of 0.5 on, not calibrated"
    return Table(caption, ["", *(f"by {level}" for level in LEVELS)], body, notes=(*notes, NARROW))


def _several(names):
    return "all metrics" if len(names) == len(METRICS) else ", ".join(names)


def _count_of(values, name):
    value = values.get(name, {"value": None})["value"]
    return "–" if pd.isna(value) else f"{value:,.0f}"


def by_partition(metrics, experiment):
    """AUROC and accuracy in training, validation and test: of the mean over runs, or of the one run that there is."""
    rows = metrics[metrics["experiment"] == experiment]
    rows = rows[rows["of"] == ("mean" if (rows["of"] == "mean").any() else "run")]
    body = []
    for partition in PARTITIONS:
        if values := of_metric(rows, partition):
            body.append([partition.capitalize(), *(_mean(values[metric]) for metric in ("auroc", "accuracy", "majority_class_accuracy", "log_loss"))])  # fmt: skip
    several = (rows["of"] == "mean").any()
    whose = f"mean of {rows['runs'].iloc[0]} runs ± SD" if several else "the one run"
    caption = f"By partition, {whose}, by image"
    return Table(
        caption, ["", "AUROC", "Accuracy", METRICS["majority_class_accuracy"], "Log loss"], body
    )


def _mean(row):
    spread = "" if pd.isna(row["sd"]) or row["runs"] == 1 else f" ± {number(row['sd'])}"
    return number(row["value"]) + spread


def every_result(metrics):
    """What each pooling, mean, ensemble and run of each experiment reaches on test, by image; None if there is but one."""
    rows = metrics[(metrics["partition"] == "test") & (metrics["level"] == "image")]
    rows = rows.sort_values("of", key=lambda column: column.map(OF.index), kind="stable")
    body = []
    for (experiment, of, fold, seed), part in rows.groupby(
        ["experiment", "of", "fold", "seed"], sort=False, dropna=False
    ):
        values = {row["metric"]: row for row in part.to_dict("records")}
        whose = [
            of,
            *(
                f"{name} {value}"
                for name, value in (("fold", fold), ("seed", seed))
                if pd.notna(value)
            ),
        ]
        body.append([experiment, ", ".join(whose), f"{values['auroc']['n']:,}", *(estimate(values[metric]) for metric in ("auroc", "accuracy")),
                     number(values["majority_class_accuracy"]["value"]), values["auroc"]["leaks"]])  # fmt: skip
    if len(body) < 2:
        return None
    notes = [f"{len(body) - MOST_RUNS} more in metrics.csv."] if len(body) > MOST_RUNS else []
    columns = [
        "Experiment",
        "Of",
        "Images",
        "AUROC",
        "Accuracy",
        METRICS["majority_class_accuracy"],
        "Leaks",
    ]
    body, columns = (
        ([*body], columns)
        if any(row[-1] for row in body)
        else ([row[:-1] for row in body], columns[:-1])
    )
    return Table(
        "All results on the test partition, by image",
        columns,
        body[:MOST_RUNS],
        words=(0, 1, 6),
        notes=tuple(notes),
    )


def operating_points(confusion, experiment):
    """The 2x2 tables on test at each operating point, by image and by patient."""
    chosen = confusion[(confusion["experiment"] == experiment) & (confusion["partition"] == "test")]
    body, notes = [], []
    for (level, point), part in chosen[chosen["level"].isin(["image", "patient"])].groupby(
        ["level", "point"], sort=False
    ):
        values = {row["metric"]: row for row in part.to_dict("records")}
        threshold = part["threshold"].iloc[0]
        counts = [
            _count_of(values, name)
            for name in ("true_positives", "false_negatives", "false_positives", "true_negatives")
        ]
        rates = [
            estimate(values[name], share=True).replace(" %", "")
            for name in ("sensitivity", "specificity", "ppv", "npv")
        ]
        body.append(
            [
                f"{POINTS[point]}, by {level}",
                "by fold" if pd.isna(threshold) else number(threshold),
                *counts,
                *rates,
            ]
        )
        if pd.isna(values["true_positives"]["value"]):
            notes.append(f"{POINTS[point]}, by {level}: {why_not(values['true_positives'])}.")
    columns = [
        "Threshold",
        "at",
        "TP",
        "FN",
        "FP",
        "TN",
        "Sensitivity, %",
        "Specificity, %",
        "PPV, %",
        "NPV, %",
    ]
    notes.append(
        "Youden's: sensitivity + specificity is largest on validation. Sensitivity 0.90: the most specific there with at least that."
    )
    return Table(
        "Operating points, chosen on validation and applied to test",
        columns,
        body,
        notes=tuple(notes),
    )


def calibration(calibrated, experiment):
    """Calibration on test before and after temperature scaling, by image."""
    chosen = calibrated[
        (calibrated["experiment"] == experiment)
        & (calibrated["partition"] == "test")
        & (calibrated["level"] == "image")
    ]
    body = []
    for metric, part in chosen.groupby("metric", sort=False):
        values = {row["probabilities"]: row for row in part.to_dict("records")}
        body.append(
            [
                METRICS.get(metric, metric),
                *(estimate(values[name]) for name in ("raw", "calibrated")),
            ]
        )
    notes = [*_changed_by_scaling(chosen), NARROW]
    return Table(
        "Calibration on test, by image",
        ["", "as they were", "after temperature scaling"],
        body,
        notes=tuple(notes),
    )


def _changed_by_scaling(chosen):
    """Whether the temperature, which validation chose, did on test what it was to do."""
    loss = chosen[chosen["metric"] == "log_loss"].set_index("probabilities")["value"]
    if loss.notna().all():
        better = (
            "fit the test images better than"
            if loss["calibrated"] < loss["raw"]
            else "do not fit the test images better than"
        )
        yield f"By their log loss, the probabilities after temperature scaling {better} those before: the temperature was chosen on validation."


def controls(values, experiment, words):
    """AUROC and accuracy of the network and of each control, and how much better the network is."""
    chosen = values[values["experiment"] == experiment]
    body, notes = [], []
    for control, part in chosen.groupby("control", sort=False):
        rows = {row["metric"]: row for row in part.to_dict("records")}
        auroc = rows["auroc"]
        gain = {
            "value": auroc["difference"],
            "low": auroc["difference_low"],
            "high": auroc["difference_high"],
        }
        body.append(
            [
                words.get(control, control),
                auroc["columns"],
                estimate(auroc),
                estimate(rows["accuracy"], share=True),
                estimate(gain),
            ]
        )
        if auroc["reason"]:
            notes.append(f"{words.get(control, control)}: {why_not(auroc)}.")
    columns = ["", "what it is given", "AUROC", "Accuracy", "The network's AUROC less that"]
    return Table(
        "The network beside its controls, on the same test images",
        columns,
        body,
        words=(0, 1),
        notes=tuple(notes),
    )


def left_out(flow):
    """What was left out in the first fold, by step and reason; None if nothing was."""
    folds = sorted(flow["fold"].unique())
    first = flow[(flow["fold"] == folds[0]) & (flow["reason"] != "")]
    body = [
        [row.description, row.step.replace("_", " "), f"{row.images:,}", f"{row.patients:,}"]
        for row in first.itertuples()
    ]
    where = f" of fold {folds[0]}, one of {len(folds)}" if len(folds) > 1 else ""
    columns = ["Reason", "Step", "Images", "Patients that lost one"]
    return (
        Table(f"What was left out{where}, and why", columns, body, words=(0, 1)) if body else None
    )


def audit(checks):
    """The audit's checks, those that found something first. Names of patients stay in audit.json."""
    order = ["fail", "warn", "pass"]
    body = [
        [
            check["status"],
            check["name"],
            check["looked_at"],
            f"{len(check['found']) + check['more']:,}",
        ]
        for check in sorted(checks, key=lambda check: order.index(check["status"]))
    ]
    return Table(
        "The audit of the split",
        ["Status", "What is checked", "Looked at", "Found"],
        body,
        words=(0, 1, 2),
    )


def failures(scores, thresholds, most=10):
    """(sentence, Table): how many test images of the baseline were called wrong, and those it was surest of.

    At Youden's threshold of the fold, or at 0.5 if a fold has none.
    """
    chosen = thresholds[(thresholds["level"] == "image") & (thresholds["experiment"] == "baseline")]
    at = chosen[chosen["point"] == "youden"].set_index("fold")["threshold"]
    which = "the threshold that validation chose (Youden)"
    if at.isna().any():
        at, which = (
            chosen[chosen["point"] == "half"].set_index("fold")["threshold"],
            "a calibrated probability of 0.5",
        )
    test = scores[scores["partition"] == "test"]
    test = test.assign(threshold=test["fold"].map(at))
    called = test["calibrated"] >= test["threshold"]
    wrong = test[called != (test["label"] == 1)]
    missed = int((wrong["label"] == 1).sum())
    sentence = (
        f"At {which}, {len(wrong):,} of {len(test):,} test images are called wrong: {missed:,} malignant ones are missed, "
        f"{len(wrong) - missed:,} benign ones are called malignant. They are of {wrong['patient_id'].nunique():,} of {test['patient_id'].nunique():,} patients."
    )
    # How far beyond the threshold, on the scale on which the network adds up what it sees.
    logit = {name: np.log(wrong[name] / (1 - wrong[name])) for name in ("calibrated", "threshold")}
    surest = (logit["calibrated"] - logit["threshold"]).abs()
    worst = wrong.loc[surest.sort_values(ascending=False, kind="stable").index[:most]]
    body = [
        [row.image_id, row.patient_id, "malignant, missed" if row.label == 1 else "benign, called malignant", number(row.calibrated), number(row.threshold)]
        for row in worst.itertuples()
    ]  # fmt: skip
    columns = ["Image", "Patient", "Truth and call", "Calibrated probability", "Threshold"]
    table = (
        Table(f"The {len(body)} mistakes that it was surest of", columns, body, words=(0, 1, 2))
        if body
        else None
    )
    return sentence, table


def changed_settings(study, default):
    """The settings that are not the default's: key, value, default."""
    body = []
    for section, part in study.items():
        for key, value in part.items() if isinstance(part, dict) else [("", part)]:
            usual = default[section][key] if key else default[section]
            if value != usual:
                body.append([".".join(filter(None, [section, key])), str(value), str(usual)])
    return (
        Table(
            "What differs from the default study", ["Key", "Here", "Default"], body, words=(0, 1, 2)
        )
        if body
        else None
    )


def time_and_memory(resources):
    """What the steps took, and what to ask a cluster for; None where nothing is known."""
    body = [
        [row.step, f"{row.jobs:,}", duration(row.median_seconds), duration(row.longest_seconds), _amount(row.largest_memory, "MB"),
         _amount(row.mem_mb, "MB"), _amount(row.runtime, "min")]
        for row in resources.itertuples()
    ]  # fmt: skip
    columns = [
        "Step",
        "Jobs",
        "Median time",
        "Longest",
        "Largest memory",
        "Suggested memory",
        "Suggested time",
    ]
    notes = (
        "Memory is what was seen resident, mapped files included; – is of jobs that ended within a second, too soon to be seen: there the rule's own amount stays.",
        "This page and what follows it have the numbers of an earlier run, or none.",
    )
    return (
        Table(
            "What each step took here, the longest first, and what to ask a cluster for",
            columns,
            body,
            notes=notes,
        )
        if body
        else None
    )


def _amount(value, unit):
    return "–" if pd.isna(value) else f"{value:,.0f} {unit}"
