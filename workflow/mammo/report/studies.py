"""A study's settings as a record."""

from types import SimpleNamespace
from typing import Any, TypeAlias

from mammo.dataset.settings import Image, Phantom
from mammo.model.settings import Augmentation, Network, Training
from mammo.split.settings import Split

Study: TypeAlias = Any
SECTIONS = (Phantom, Image, Split, Network, Training, Augmentation)


def study_of(settings: dict[str, Any]) -> Study:
    # replaced when the study's record is merged: this module goes, and `Study(**settings)` of
    # mammo.study.settings stands where it is called
    names = [section.__name__.lower() for section in SECTIONS]
    sections = {name: s(**settings[name]) for name, s in zip(names, SECTIONS, strict=True)}
    return SimpleNamespace(**sections, seeds=settings["seeds"])
