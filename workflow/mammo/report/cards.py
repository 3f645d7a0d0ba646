"""The model card and the datasheet: what a study's settings and tables say under each heading.

Their text is in templates/model_card.jinja and templates/datasheet.jinja; here are the facts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mammo.dataset.edition import Edition
from mammo.model.augmentation import in_words
from mammo.model.networks import NETWORKS
from mammo.model.optimizers import OPTIMIZERS
from mammo.report.templates import text_of

if TYPE_CHECKING:
    from mammo.study.settings import Study

READS = ["templates/model_card.jinja", "templates/datasheet.jinja"]
METHODS = {
    "official": "the dataset's test rows are the test partition; validation is drawn from the rest",
    "fractions": "test and validation are drawn at random",
    "folds": "cross-validation, each image is test in one fold; validation is drawn from the rest",
    "hash": "a hash of the patient's name decides",
}
LOSSES = {"binary_crossentropy": "binary cross-entropy", "focal": "focal loss (gamma of 2)"}

Card = list[tuple[str, list[str]]]  # headings, each with its lines


def model_card(
    study: Study, edition: Edition, results: Sequence[str], versions: str, parameters: int
) -> Card:
    """The model card.

    results: the lines under "Quantitative analyses".
    versions: the packages that made the model. parameters: their number.
    """
    return _card(
        "model_card.jinja",
        image=study.image,
        split=study.split,
        network=study.network,
        training=study.training,
        augmentation=study.augmentation,
        seeds=study.seeds,
        shown=edition.shown[study.image.region],
        edition=edition.name,
        architecture=NETWORKS[study.network.name],
        optimizer=OPTIMIZERS[study.training.optimizer],
        augmentation_in_words=in_words(study.augmentation),
        methods=METHODS,
        losses=LOSSES,
        results=results,
        versions=versions,
        parameters=parameters,
    )


def datasheet(
    study: Study, edition: Edition, numbers: Sequence[str], fingerprint: Mapping[str, Any]
) -> Card:
    """The datasheet. numbers: lines on what the dataset holds; fingerprint: fingerprint.json."""
    return _card(
        "datasheet.jinja",
        image=study.image,
        shown=edition.shown[study.image.region],
        known=edition.datasheet(study.phantom),
        numbers=numbers,
        fingerprint=fingerprint,
    )


def _card(template: str, **facts: Any) -> Card:
    """The headings and items of a rendered template; the lines of an item are joined."""
    card: Card = []
    for line in text_of(template, **facts).splitlines():
        if line.startswith("## "):
            card.append((line.removeprefix("## "), []))
        elif line.startswith("- "):
            card[-1][1].append(line.removeprefix("- "))
        elif line.strip():
            card[-1][1][-1] += f" {line.strip()}"
    return card
