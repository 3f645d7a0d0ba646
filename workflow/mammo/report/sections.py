"""The sections of the page, each of which knows its sentences, tables and figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

from mammo.estimates import Estimate
from mammo.report.answer import by_metric, headline
from mammo.report.blocks import (
    Block,
    Code,
    Heading,
    Lines,
    Picture,
    Pictures,
    Section,
    Special,
    Text,
)
from mammo.report.characteristics_table import parts_of_page
from mammo.report.figures.contact_sheet import FIGURE as CONTACT_SHEET
from mammo.report.page_tables import (
    audit,
    by_partition,
    calibration,
    changed_settings,
    conflicting,
    controls,
    every_result,
    exclusions,
    failures,
    metrics_by_level,
    operating_points,
    time_and_memory,
)
from mammo.report.results import BASELINE, Results, data_uri
from mammo.report.templates import from_rst
from mammo.tables import count_rows
from mammo.words import CLASSES, LEVELS, percentage

if TYPE_CHECKING:
    from mammo.study.settings import Study


def data(results: Results) -> Iterator[Block]:
    """What the dataset holds, Table 1 and the contact sheets."""
    for sentence in holdings(results):
        yield Text(sentence)
    names = ("lesions.csv", "files.csv", "duplicates.csv", "conflicts.csv")
    yield results.links("inventory/summary.md", *(f"inventory/{name}" for name in names))
    if table := conflicting(results.table("inventory/conflicts.csv", "conflicts")):
        yield table
    yield Heading("characteristics", "Characteristics by partition")
    page = results.artifacts["characteristics.html"].read_text(encoding="utf-8")
    yield Special("characteristics", parts_of_page(page))
    yield results.links("characteristics.html", "plots/characteristics.csv")
    yield Heading("contact-sheets", "Contact sheets")
    yield Pictures([*_contact_sheets(results)], "beside")


def holdings(results: Results) -> Iterator[str]:
    """Sentences on what the dataset holds."""
    table = results.table("plots/flow.csv", "flow")
    first = table[table["fold"] == table["fold"].min()]
    whole = first[first["step"] == "dataset"].iloc[0]
    by_class = first[(first["partition"] != "") & (first["label"] != "")]
    used = by_class.groupby("label")["images"].sum()
    counts = ", ".join(f"{count:,} {label}" for label, count in used.items())
    yield (
        f"The dataset lists {whole['images']:,} images of {whole['patients']:,} patients and "
        f"{whole['lesions']:,} lesions; {used.sum():,} are used: {counts}."
    )
    duplicates = count_rows(results.artifacts["inventory/duplicates.csv"])
    conflicts = count_rows(results.artifacts["inventory/conflicts.csv"])
    yield (
        f"Pairs of duplicates and near-duplicates: {duplicates:,}. "
        f"Lesions that are benign in one view and malignant in another: {conflicts:,}."
    )


def _contact_sheets(results: Results) -> Iterator[Picture]:
    for label in reversed(CLASSES):
        file = f"inventory/contact_sheet_{label}.png"
        if file in results.artifacts:
            alt = f"{results.edition.pictures} of {label} lesions."
            source, caption = data_uri(results.artifacts[file]), from_rst(CONTACT_SHEET.caption)
            title = f"{CONTACT_SHEET.title}, {label}"
            yield Picture("", title, alt, "", caption, source, {"PNG": file})


def flow(results: Results) -> Iterator[Block]:
    """The flow diagram and the exclusions."""
    yield from results.pictures("flow")
    table = exclusions(results.table("plots/flow.csv", "flow"))
    yield table or Text("Nothing was excluded.")
    first = "inventory/excluded.csv"
    yield results.links(
        first, *(path for path in results.files(end="/excluded.csv") if path != first)
    )


def split(results: Results) -> Iterator[Block]:
    """What keeps the partitions apart, and the audit."""
    checks, settings = results.checks(), results.study.split
    statuses = [check["status"] for check in checks]
    kept = "No patient is in two partitions"
    if settings.by != "patient":
        kept = f"Only images of one {settings.by} are kept together: patients leak, on purpose"
    yield Text(
        f"{kept}. Method: {settings.method}. Of {len(checks)} checks of the manifest as written, "
        f"{statuses.count('pass')} passed, {statuses.count('warn')} warned and "
        f"{statuses.count('fail')} failed."
    )
    yield audit(checks)
    yield results.links(*results.files("splits/"))


def results_section(results: Results) -> Iterator[Block]:
    """Metrics, curves, operating points, calibration, subgroups and all other results."""
    metrics = results.table("metrics.csv", "metrics")
    yield metrics_by_level(metrics, BASELINE)
    yield results.links("metrics.csv", "metrics.json")
    yield from results.pictures("results", _beside(results))
    if (confusion := results.optional("plots/confusion.csv", "confusion")) is not None:
        yield Heading("operating-points", "Operating points")
        yield operating_points(confusion, BASELINE)
        yield from results.pictures("operating-points")
        yield results.links("thresholds.csv", "plots/confusion.csv")
    calibrated = results.optional("calibrated_metrics.csv", "calibrated_metrics")
    if calibrated is not None:
        yield Heading("calibration", "Calibration")
        yield calibration(calibrated, BASELINE)
        yield from results.pictures("calibration")
        yield results.links("calibrated_metrics.csv")
    yield from _with_heading(results, "subgroups", "Subgroups")
    if ((metrics["experiment"] == BASELINE) & (metrics["of"] == "ensemble")).any():
        yield Heading("ensemble", "Ensemble")
        yield Text(
            "The ensemble of a fold's seeds is the mean of the probabilities that they give an "
            "image. The next table has the result of each run by itself."
        )
    if table := every_result(metrics):
        yield Heading("every-result", "Every result")
        yield table
    yield from _with_heading(results, "comparisons", "Comparison of experiments")


def _beside(results: Results) -> str:
    """Figures of several experiments need the width."""
    return "" if results.overlays else "beside"


def _with_heading(results: Results, place: str, title: str, layout: str = "") -> Iterator[Block]:
    """The figures of a place that has nothing else; nothing if there are none."""
    if found := results.pictures(place, layout):
        yield Heading(place, title)
        yield from found


def training(results: Results) -> Iterator[Block]:
    """Results by partition and the learning curves."""
    yield by_partition(results.table("metrics.csv", "metrics"), BASELINE)
    yield from results.pictures("training", _beside(results))


def controls_section(results: Results) -> Iterator[Block]:
    """What is informative of the class without the lesion, and inflation by data leakage."""
    values = results.optional("plots/controls.csv", "control_values")
    if values is None:
        yield Text(
            "The one control of this study is the majority class: see its accuracy among the "
            "results."
        )
    else:
        yield Text(
            "What would the numbers be without looking at the lesion, and what does the "
            "radiologist (BI-RADS) baseline reach?"
        )
        yield controls(values, BASELINE)
        yield from results.pictures("controls")
    yield from _with_heading(results, "leakage", "Inflation by data leakage")


def failures_section(results: Results) -> Iterator[Block]:
    """The most confident mistakes, and Grad-CAM."""
    scores = results.table(f"runs/{BASELINE}/scores.csv", "scores")
    thresholds = results.table(f"runs/{BASELINE}/thresholds.csv", "thresholds")
    sentence, table = failures(scores, thresholds)
    yield Text(sentence)
    if table:
        yield table
    yield results.links(*results.files("runs/", "/scores.csv"))
    yield from _with_heading(results, "gradcam", "Grad-CAM", "full")


def limits_section(results: Results) -> Iterator[Block]:
    """The limits of the result."""
    warned = [check["name"] for check in results.checks() if check["status"] == "warn"]
    metrics = results.table("metrics.csv", "metrics")
    yield Lines([*limits(metrics, results.study, results.edition.limitation, warned)])


def limits(
    metrics: pd.DataFrame, study: Study, limitation: str, warned: list[str]
) -> Iterator[str]:
    """What the result does not say, as far as the workflow can know.

    limitation: the dataset format's, '' for none. warned: names of the checks that warn.
    """
    test = by_metric(headline(metrics))
    prevalence = percentage(test["malignant"]["value"] / test["images"]["value"])
    yield "Not for clinical use: not for screening, diagnosis or triage, and no medical device."
    if limitation:
        yield limitation
    if leaks := test["auroc"]["leaks"]:
        yield (
            f"The split {leaks}: the numbers are higher than they would be on new patients, and "
            "are no evidence of performance."
        )
    yield (
        "Tested on one dataset, from which training came too. Performance on other scanners and "
        "in other populations is not known."
    )
    yield (
        f"{prevalence} of the test images are malignant. Predictive values, accuracy and net "
        "benefit hold for that prevalence; in screening it is below one in a hundred."
    )
    if study.image.region != "full":
        yield "It classifies lesions that somebody has found and cut out. It detects none."
    yield (
        "Confidence intervals cover the sampling of patients, with the trained models as they are."
    )
    if len(study.seeds) == 1:
        yield (
            "One seed was trained: the variation between seeds is not known. Give several "
            "(`seeds`) before a difference between networks is believed."
        )
    if study.split.method == "folds":
        yield (
            "With cross-validation, the pooled images were scored by different models: it is an "
            "estimate for models trained this way, and for none of them by itself."
        )
    yield ("Subgroups and controls are not adjusted for their number: some differ by chance.")
    yield (
        "Whether the test images were looked at before, in earlier runs, this page cannot know. "
        "Each look spends some of what they prove."
    )
    for name in warned:
        yield f"The audit of the split warns: not true of every row is “{name}”."


def settings(results: Results) -> Iterator[Block]:
    """What differs from the default study, the experiments, and all settings."""
    changed = changed_settings(results.settings, results.default)
    yield changed or Text("The default study: nothing was changed.")
    if results.described < len(results.overlays) + 1:
        yield Text(
            f"Curves, controls and subgroups are of the first {results.described} experiments; "
            "metrics, thresholds and comparisons of all."
        )
    for name, overlay in results.overlays.items():
        yield Text(f"The experiment {name} is the baseline with")
        yield Code(_as_yaml(overlay))
    yield Heading("all-settings", "All settings")
    yield Code(_as_yaml(results.settings))


def _as_yaml(parts: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(parts), sort_keys=False, allow_unicode=True)


def resources(results: Results) -> Iterator[Block]:
    """What each step took."""
    table = time_and_memory(results.table("resources.csv", "resources"))
    yield table or Text("No benchmark file lies beside this page.")
    yield Text("As a block for a Snakemake profile: resources.yaml.")
    yield results.links("resources.yaml", "resources.csv")


def provenance(results: Results) -> Iterator[Block]:
    """Dataset, packages and machine."""
    fingerprint = results.json("inventory/fingerprint.json")
    yield Special("provenance", {"fingerprint": fingerprint, "made": results.made})


# By the id of a section: its title, and what makes its blocks. The answer stands above, the cards
# and checklists below them.
SECTIONS: dict[str, tuple[str, Callable[[Results], Iterator[Block]]]] = {
    "data": ("The dataset", data),
    "flow": ("The flow", flow),
    "split": ("The split and its audit", split),
    "results": ("Results", results_section),
    "training": ("Training", training),
    "controls": ("Controls", controls_section),
    "failures": ("Failures", failures_section),
    "limits": ("Limits", limits_section),
    "settings": ("Settings", settings),
    "resources": ("Time and memory", resources),
    "provenance": ("Provenance", provenance),
}


def sections_of(results: Results) -> list[Section]:
    """The sections between the answer and the cards."""
    return [
        Section(place, title, [*blocks(results)]) for place, (title, blocks) in SECTIONS.items()
    ]


def result_lines(metrics: pd.DataFrame) -> Iterator[str]:
    """Lines for the model card: what the test partition gave at each level."""
    rows = headline(metrics)
    for level in LEVELS:
        values = by_metric(rows, level=level)
        if pd.notna(values["auroc"]["n"]):  # there is such a level
            auroc, sensitivity, specificity = (
                Estimate.of_row(values[name]) for name in ("auroc", "sensitivity", "specificity")
            )
            yield (
                f"By {level} ({values['auroc']['n']:,}): AUROC {auroc}; at a threshold of 0.5 "
                f"sensitivity {sensitivity}, specificity {specificity}."
            )
