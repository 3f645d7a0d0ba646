"""A study's settings as a record."""

from types import SimpleNamespace
from typing import Any, TypeAlias

from mammo.dataset.settings import Image, Phantom
from mammo.model.settings import Augmentation, Network, Training
from mammo.split.settings import Split

Study: TypeAlias = Any
SECTIONS = {"phantom": Phantom, "image": Image, "split": Split, "network": Network,
            "training": Training, "augmentation": Augmentation}  # fmt: skip


def study_of(settings: dict[str, Any]) -> Study:
    # replaced when the study's record is merged: this module goes, and `Study(**settings)` of
    # mammo.study.settings stands where it is called
    sections = {name: section(**settings[name]) for name, section in SECTIONS.items()}
    return SimpleNamespace(**sections, seeds=settings["seeds"])
