"""results/report.html with the model card, the datasheet and the checklists: the whole report."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mammo.report.answer import Answer, answer
from mammo.report.blocks import Block, Files, Heading, Lines, Section, Special, Text, places
from mammo.report.cards import Card, datasheet, model_card
from mammo.report.checklists import answered, grouped
from mammo.report.phrases import capitalised
from mammo.report.results import BASELINE, Results
from mammo.report.sections import holdings, result_lines, sections_of
from mammo.report.templates import text_of

if TYPE_CHECKING:
    import pandas as pd

READS = ["templates/page.html.jinja", "templates/page.css", "templates/cards.md.jinja"]
CHECKLISTS_TEXT = (
    "What this study's files answer is linked; what only a person can fill stands open. A filled "
    "item says where the answer is, not that it is enough."
)


class Report(NamedTuple):
    """The report of a study: HTML, two cards in Markdown, and the checklists' items."""

    page: str
    model_card: str
    datasheet: str
    items: pd.DataFrame


def report_of(results: Results) -> Report:
    """The report of a study."""
    metrics = results.table("metrics.csv", "metrics")
    leaks = metrics.loc[metrics["experiment"] == BASELINE, "leaks"].iloc[0]
    fingerprint = results.json("inventory/fingerprint.json")
    study, edition = results.study, results.edition
    controls = results.optional("plots/controls.csv", "control_values")
    found = answer(metrics, edition.warning(study.phantom), controls)
    cards = {
        "Model card": _model_card(results, found, [*result_lines(metrics)]),
        "Datasheet": datasheet(study, edition, [*holdings(results)], fingerprint),
    }
    sections = sections_of(results)
    for title, card in cards.items():
        sections.append(_card_section(title, card))
    anchors = [f"report.html#{place}" for place in ["answer", *places(sections), "checklists"]]
    items = answered({*results.artifacts, *anchors, "model_card.md", "datasheet.md"}, edition)
    sections.append(_checklists_section(items))
    shown = capitalised(edition.shown[study.image.region])
    size = f"{study.image.size} x {study.image.size} pixels"
    about = f"{shown}, {size}. Dataset {fingerprint['fingerprint']}."
    page = text_of(
        "page.html.jinja",
        title=f"Benign or malignant? A convolutional network on {edition.subject} "
        f"(dataset format: {edition.name})",
        about=about,
        leaks=leaks,
        answer=found,
        sections=sections,
    )
    model, sheet = (
        text_of("cards.md.jinja", title=title, sections=card, about=about, leaks=leaks)
        for title, card in cards.items()
    )
    return Report(page, model, sheet, items)


def _model_card(results: Results, found: Answer, lines: list[str]) -> Card:
    packages = results.made["packages"].items()
    versions = next(f"{name} {version}" for name, version in packages if "tensorflow" in name)
    parameters = results.json("models/baseline-fold0/model.json")["weights"]
    analyses = [*found.warnings, found.lead, *found.sentences, *lines]
    return model_card(results.study, results.edition, analyses, versions, parameters)


def _card_section(title: str, card: Card) -> Section:
    place = title.lower().replace(" ", "-")
    blocks: list[Block] = [Files([f"{place.replace('-', '_')}.md"])]
    for number, (heading, lines) in enumerate(card, 1):
        blocks += [Heading(f"{place}-{number}", heading), Lines(lines)]
    return Section(place, title, blocks, "page" if place == "model-card" else "")


def _checklists_section(items: pd.DataFrame) -> Section:
    lists = Special("checklists", [*grouped(items)])
    blocks: list[Block] = [Text(CHECKLISTS_TEXT), Files(["checklists.csv"]), lists]
    return Section("checklists", "Checklists", blocks, "page")
