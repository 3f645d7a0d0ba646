"""The page that a person reads, with the model card, the datasheet and the checklists: all from what the study left."""

import json
from pathlib import Path

import pandas as pd
import yaml

from mammo.report.answer import WORDS, answer, estimate, headline, of_metric
from mammo.report.cards import OWN, datasheet, model_card, shown
from mammo.report.checklists import CHECKLISTS, answered
from mammo.report.page import data_uri, figures, from_rst, limits, table_of_page
from mammo.report.page_tables import (
    Table,
    audit,
    by_partition,
    calibration,
    changed_settings,
    controls,
    every_result,
    failures,
    left_out,
    metrics_by_level,
    operating_points,
    time_and_memory,
)
from mammo.tables import count_rows, read_table
from mammo.words import LEVELS

CONTENTS = {
    "answer": "The answer",
    "data": "What went in",
    "flow": "The flow",
    "split": "The split and its audit",
    "results": "Results",
    "training": "Training",
    "controls": "Controls",
    "failures": "Failures",
    "limits": "Limits",
    "settings": "Settings",
    "resources": "Time and memory",
    "provenance": "Provenance",
    "model-card": "Model card",
    "datasheet": "Datasheet",
    "checklists": "Checklists",
}
BASELINE = "baseline"
MOST_CONFLICTS = 20


def optional(artifacts, path, schema):
    """A table among the artifacts, None where this study has none."""
    return read_table(artifacts[path], schema) if path in artifacts else None


def results_of(metrics):
    """Lines for the model card: what the test partition gave at each level."""
    rows = headline(metrics)
    for level in LEVELS:
        values = of_metric(rows, level=level)
        if pd.notna(values["auroc"]["n"]):  # there is such a level
            told = f"sensitivity {estimate(values['sensitivity'])}, specificity {estimate(values['specificity'])}"
            yield f"By {level} ({values['auroc']['n']:,}): AUROC {estimate(values['auroc'])}, at a probability of 0.5 {told}."


def holdings(flow, duplicates, conflicts):
    """Sentences about what the dataset holds. duplicates: their number of pairs; conflicts: of lesions."""
    first = flow[flow["fold"] == flow["fold"].min()]
    whole = first[first["step"] == "dataset"].iloc[0]
    used = (
        first[(first["partition"] != "") & (first["label"] != "")]
        .groupby("label")[["images"]]
        .sum()["images"]
    )
    told = ", ".join(f"{count:,} {label}" for label, count in used.items())
    yield f"The dataset lists {whole['images']:,} images of {whole['patients']:,} patients and {whole['lesions']:,} lesions; used are {used.sum():,}: {told}."
    yield f"Pairs of files that show the same: {duplicates:,}. Lesions that are benign in one view and malignant in another: {conflicts:,}."


def split_in_words(study, checks):
    """What keeps the partitions apart, and what the audit came to."""
    found = {
        status: sum(check["status"] == status for check in checks)
        for status in ("pass", "warn", "fail")
    }
    by = {"patient": "No patient is in two partitions"}.get(study["split"]["by"], f"Only images of one {study['split']['by']} are kept together: patients leak, on purpose")  # fmt: skip
    return f"{by}. Method: {study['split']['method']}. Of {len(checks)} checks of the manifest as written, {found['pass']} passed, {found['warn']} warned and {found['fail']} failed."


def grouped(items):
    """The checklists as the template shows them."""
    sources = {checklist["name"]: checklist["source"] for checklist in CHECKLISTS}
    for name, rows in items.groupby("checklist", sort=False):
        records = [
            row | {"links": row["where"].split("; ") if row["where"] else []}
            for row in rows.to_dict("records")
        ]
        yield {
            "name": name,
            "source": sources[name],
            "filled": int((rows["status"] == "filled").sum()),
            "rows": records,
        }


def contact_sheets(artifacts, captions, edition):
    """The contact sheets, with the caption of Snakemake's report."""
    for label in ("malignant", "benign"):
        file = f"inventory/contact_sheet_{label}.png"
        if file in artifacts:
            words = captions["contact_sheet"].replace("{{ snakemake.wildcards.label }}", label)
            what = "Images" if edition in OWN else "Crops, masks and full images"
            alt = f"{what} of lesions of the class {label}."
            yield {
                "file": file,
                "title": f"Lesions: {label}",
                "alt": alt,
                "caption": from_rst(words),
                "source": data_uri(artifacts[file]),
            }


def context(artifacts, inputs, params, made):
    """Everything that the templates show.

    artifacts: {path relative to results/: path} of what this study has. inputs: the rule's named files. params: edition,
    experiments, overlays, described, default, captions. made: packages, commit and machine, as mammo.study.provenance.made_with has them.
    """
    study, edition, captions = (
        params["experiments"][BASELINE],
        params["edition"],
        params["captions"],
    )
    metrics = read_table(inputs["metrics"], "metrics")
    flow = read_table(inputs["flow"], "flow")
    conflicts = read_table(inputs["conflicts"], "conflicts")
    checks = json.loads(Path(inputs["audit"]).read_text(encoding="utf-8"))["checks"]
    fingerprint = json.loads(Path(inputs["fingerprint"]).read_text(encoding="utf-8"))
    control_values = optional(artifacts, "plots/controls.csv", "control_values")
    confusion = optional(artifacts, "plots/confusion.csv", "confusion")
    calibrated = optional(artifacts, "calibrated_metrics.csv", "calibrated_metrics")
    thresholds = read_table(inputs["thresholds"], "thresholds")
    failed, worst = failures(read_table(inputs["scores"], "scores"), thresholds)
    holds = list(holdings(flow, count_rows(inputs["duplicates"]), len(conflicts)))
    found = answer(metrics, edition, study["phantom"]["lookalikes"], control_values)
    tensorflow = next(
        f"{name} {version}"
        for name, version in made["packages"].items()
        if name.startswith("tensorflow")
    )
    exported = json.loads(artifacts["models/baseline-fold0/model.json"].read_text(encoding="utf-8"))
    drawn = figures(artifacts, captions, read_table)
    ensemble = ((metrics["experiment"] == BASELINE) & (metrics["of"] == "ensemble")).any()
    places = {
        *(["operating-points"] if confusion is not None else []),
        *(["calibration"] if calibrated is not None else []),
        *(["ensemble"] if ensemble else []),
    }
    pages = {f"report.html#{place}" for place in [*CONTENTS, *places, *drawn]}
    items = answered({*artifacts, *pages, "model_card.md", "datasheet.md"}, edition)
    what_is_shown, image = shown(study, edition), study["image"]
    what = "drawn images" if edition == "phantom" else "mammograms"
    return {
        "title": f"Benign or malignant? A convolutional network on {what}, {edition} edition",
        "about": f"{what_is_shown[0].upper()}{what_is_shown[1:]}, {image['size']} x {image['size']} pixels. Dataset {fingerprint['fingerprint']}.",
        "contents": CONTENTS,
        "leaks": metrics.loc[metrics["experiment"] == BASELINE, "leaks"].iloc[0],
        "answer": found,
        "artifacts": artifacts,
        "places": places,
        "figures": drawn,
        "beside": "beside" if len(params["experiments"]) == 1 else "",  # figures of several experiments need the width
        "holds": holds,
        "conflicts": _conflicts(conflicts),
        "characteristics": table_of_page(inputs["characteristics"]),
        "sheets": list(contact_sheets(artifacts, captions, edition)),
        "left_out": left_out(flow),
        "excluded": sorted(path for path in artifacts if path.endswith("/excluded.csv") and not path.startswith("inventory/")),
        "split": split_in_words(study, checks),
        "audit": audit(checks),
        "split_files": sorted(path for path in artifacts if path.startswith("splits/")),
        "metrics": metrics_by_level(metrics, BASELINE),
        "by_partition": by_partition(metrics, BASELINE),
        "everything": every_result(metrics),
        "operating_points": None if confusion is None else operating_points(confusion, BASELINE),
        "calibration": None if calibrated is None else calibration(calibrated, BASELINE),
        "controls": None if control_values is None else controls(control_values, BASELINE, WORDS),
        "failed": failed,
        "failures": worst,
        "score_files": sorted(path for path in artifacts if path.endswith("/scores.csv") and path.startswith("runs/")),
        "limits": list(limits(metrics, study, edition, [check["name"] for check in checks if check["status"] == "warn"])),
        "changed": changed_settings(study, params["default"]),
        "experiments": {name: _as_yaml(overlay) for name, overlay in params["overlays"].items()},
        "described": params["described"],
        "settings": _as_yaml(study),
        "resources": time_and_memory(read_table(inputs["resources"], "resources")),
        "fingerprint": fingerprint,
        "made_with": made,
        "model_card": model_card(study, edition, found, list(results_of(metrics)), tensorflow, exported["weights"]),
        "datasheet": datasheet(study, edition, holds, fingerprint),
        "items": items,
        "checklists": list(grouped(items)),
    }  # fmt: skip


def _conflicts(conflicts):
    """The lesions of which the views bear different labels."""
    body = conflicts[["lesion_id", "views", "done"]].head(MOST_CONFLICTS).to_numpy().tolist()
    notes = (
        [f"{len(conflicts) - len(body)} more in inventory/conflicts.csv."]
        if len(conflicts) > len(body)
        else []
    )
    columns = ["Lesion", "Its views", "What was done"]
    return (
        Table("Lesions of both classes", columns, body, words=(0, 1, 2), notes=tuple(notes))
        if body
        else None
    )


def _as_yaml(settings):
    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
