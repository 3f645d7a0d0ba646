"""The study as a typed record, put together from the rooms' sections, and how a file becomes one.

Imported while the Snakefile is parsed, so it imports nothing slow and reads no data.
"""

import math
import os
from collections.abc import Hashable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from annotated_types import Ge, Le
from pydantic import field_validator

from mammo.dataset.settings import Dataset, Download, Image, Phantom
from mammo.model.settings import Augmentation, Network, Training
from mammo.settings import Section, setting
from mammo.split.settings import Split
from mammo.statistics.settings import Evaluation
from mammo.study.keys import Key, keys, section_of

# The sections that an experiment may change.
OVERLAID = ("image", "split", "network", "training", "augmentation", "seeds")
# What says where things are and what is done beside a study, and nothing of the study itself.
NOT_STUDIED = {"dataset", "predict", "download"}


class Predict(Section):
    """What `snakemake predict` predicts, and with which model; no other step uses it."""

    images: str | None = setting(
        None,
        "The folder of images to predict, with its subfolders: JPEG, PNG, PGM, TIFF or DICOM. Each"
        " is prepared as for training, and the whole file is taken as the region: give crops to a"
        " model of `image.region: crop`, and to one of `context` the lesion with as much around it"
        " as `image.margin` adds.",
        min_length=1,
    )
    model: str | None = setting(
        None,
        "A folder that `export_network` made, here or elsewhere; `null` is this study's own model."
        " It holds `model.onnx`, `model.json` and `reference.csv`. This study's own is"
        " `results/models/baseline-fold0`, or with `split.method: folds` the ensemble of all folds,"
        " `results/models/baseline-folds`; it is made first if it is not there. With a folder"
        " nothing of a dataset is needed, and `results/` may belong to another dataset.",
        min_length=1,
    )


class Study(Section):
    """All settings of one study."""

    dataset: Dataset
    phantom: Phantom
    image: Image
    split: Split
    network: Network
    training: Training
    augmentation: Augmentation
    seeds: list[Annotated[int, Ge(0), Le(2_147_483_647)]] = setting(
        [1],
        "One run a seed: initial weights, order of the images, augmentation and dropout. Figures"
        " and metrics show all runs.",
        min_length=1,
    )
    evaluation: Evaluation
    predict: Predict
    download: Download

    @field_validator("seeds")
    @classmethod
    def _none_twice(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("a seed is there twice")
        return seeds

    def alone(self) -> Self:
        """This study with the sections NOT_STUDIED at their defaults.

        A step that is handed it does not depend on where the dataset is, or what is predicted.
        """
        defaults = type(self).default()
        return self.model_copy(update={name: getattr(defaults, name) for name in NOT_STUDIED})


class Configuration(Study):
    """What a configuration file holds: a study, and the experiments that vary it."""

    experiments: dict[Any, Any] = setting(
        {},
        "Variants of the study, by name: each says what it changes of `image`, `split`, `network`,"
        " `training`, `augmentation` or `seeds`. The study itself is `baseline`.",
    )


class _Loader(yaml.SafeLoader):
    """YAML in which no key comes twice: of two equal ones, YAML itself silently keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                continue  # which YAML itself refuses
            if key in seen:
                line = key_node.start_mark.line + 1
                raise yaml.YAMLError(
                    f"line {line}: {key} is there twice; rename or remove one of the two"
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_config(path: str | Path) -> dict[str, Any]:
    """A configuration file as a dict.

    A ValueError names the file, and the line of a key that it holds twice.
    """
    try:
        return yaml.load(Path(path).read_text(encoding="utf-8"), _Loader) or {}
    except UnicodeDecodeError as error:
        what = f"is not UTF-8 text: {error.reason} at byte {error.start}; save it as UTF-8"
        raise ValueError(f"{os.path.relpath(path)}: {what}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{os.path.relpath(path)}: {error}") from None


def typed(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration with its texts as the numbers, nulls and truth values that they stand for.

    Snakemake reads `--config 'training={epochs: 10}'` as text below its first level, and YAML reads
    1e-3 as text. A whole number written as 64.0 becomes 64. What cannot be read stays as it is, to
    be refused. Keys come in the order of the models, whichever file named them first.
    """
    read = _typed_section(config, Configuration)
    overlays = read.get("experiments")
    if isinstance(overlays, dict):
        read["experiments"] = {name: _typed_overlay(part) for name, part in overlays.items()}
    return read


def _typed_section(given: Any, section: type[Section]) -> Any:
    given = _read(given) if isinstance(given, str) else given
    if not isinstance(given, dict):
        return given
    known = {}
    for name in (name for name in section.model_fields if name in given):
        inner = section_of(section, name)
        value = given[name]
        known[name] = _typed_section(value, inner) if inner else _typed(value, keys(section)[name])
    return known | {name: value for name, value in given.items() if name not in known}


def _typed_overlay(given: Any) -> Any:
    """The part of an experiment: sections, and lists of values by a key with a dot."""
    overlay = _typed_section(given, Configuration)
    if not isinstance(overlay, dict):
        return overlay
    return {name: _typed_grid(name, value) for name, value in overlay.items()}


def _typed_grid(name: Any, values: Any) -> Any:
    key = grid_key(name)
    if key is None or not isinstance(values, list):
        return values
    return [_typed(value, key) for value in values]


def grid_key(name: Any) -> Key | None:
    """The Key that a name such as image.size stands for in an experiment; None where it is none."""
    section, dot, leaf = str(name).partition(".")
    if not dot or section not in OVERLAID or (inner := section_of(Study, section)) is None:
        return None
    return keys(inner).get(leaf)


def _typed(value: Any, key: Key) -> Any:
    if isinstance(value, str) and (str not in key.types or _is_null(value, key)):
        value = _read(value)
    if isinstance(value, list) and key.item:
        return [_typed(item, key.item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, float) and key.types == (int,) and value.is_integer():
        return int(value)
    return value


def _is_null(text: str, key: Key) -> bool:
    return text == "null" and type(None) in key.types


def _read(text: str) -> Any:
    """The number, or else the YAML, that a text stands for; the text where it is neither."""
    for read in (int, float, yaml.safe_load):
        with suppress(ValueError, yaml.YAMLError):
            return read(text)
    return text
