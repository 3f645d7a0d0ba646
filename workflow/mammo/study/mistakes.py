"""Everything that is wrong with a configuration, at once and in words.

Each line names the file, the key and its value, what is allowed there, and the nearest right key.
"""

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from mammo.dataset.editions import EDITIONS
from mammo.dataset.settings import Dataset
from mammo.model.weights import network_mistakes
from mammo.settings import Section
from mammo.study.experiments import baseline, combinations, laid_over
from mammo.study.keys import TYPES, Key, as_yaml, keys, section_of
from mammo.study.settings import OVERLAID, Configuration, Predict, Study, grid_key

LONGEST_NAME = 150  # of an experiment: most file systems take 255 for a file's, which bears more
NAME = re.compile(rf"(?!baseline$)[a-z][a-z0-9_]{{0,{LONGEST_NAME - 1}}}")
NAME_IN_WORDS = (
    "the name of an experiment has small letters, digits and _, begins with a letter, is not"
    f" baseline, and is no longer than {LONGEST_NAME}"
)
Keys = tuple[Any, ...]  # the keys that lead to a value
Layers = Sequence[tuple[str, dict]]


class Mistake(NamedTuple):
    """What is wrong at a key. `given` is its value in words, '' where `what` has it already."""

    path: Keys
    what: str
    given: str = ""


def mistakes(config: dict[str, Any], layers: Layers = ()) -> list[str]:
    """Everything that is wrong with a `typed` configuration, a sorted list of lines.

    `layers` are the (name, dict) pairs, the strongest first, that it was merged from: a line names
    the one that its key came from.
    """
    found = list(_all_mistakes(config))
    return sorted({_line(mistake, layers) for mistake in found})


def _all_mistakes(config: dict[str, Any]) -> Iterator[Mistake]:
    found = list(_section_mistakes(Configuration, config))
    experiments = config.get("experiments", {})
    if isinstance(experiments, dict):
        found += _overlay_mistakes(experiments)
    yield from found
    wrong = {mistake.path[0] for mistake in found}
    # What no single key says is looked at where the keys by themselves are right.
    if "dataset" not in wrong:
        yield from _dataset_mistakes(Dataset.model_validate(config["dataset"], strict=True))
    if "predict" not in wrong:
        yield from _predict_mistakes(Predict.model_validate(config["predict"], strict=True))
    if "experiments" not in wrong:
        right = {name: config[name] for name in OVERLAID if name not in wrong}
        study = baseline(Study.default().model_dump() | right)
        yield from _name_mistakes(study, experiments)
        if not wrong & {"network", "image"}:
            yield from _network_mistakes(study, experiments)


def _section_mistakes(
    section: type[Section], given: Any, path: Keys = (), partial: bool = False
) -> Iterator[Mistake]:
    """Those of a section and of the sections in it. Of a partial one no key is missing."""
    if not isinstance(given, dict):
        allowed = f"{TYPES[dict]} ({', '.join(section.model_fields)})"
        why = _not_yaml(given) or f"allowed: {allowed}"
        yield Mistake(path, f"{as_yaml(given)} is not allowed; {why}")
        return
    values = {}
    for name in section.model_fields:
        inner = section_of(section, name)
        if name not in given:
            if not partial:
                yield Mistake((*path, name), f"missing; {_allowed(section, name)}")
        elif inner:
            yield from _section_mistakes(inner, given[name], (*path, name), partial)
        else:
            values[name] = given[name]
    for name in given:
        if name not in section.model_fields:
            hint = _nearest(path, name)
            yield Mistake((*path, name), f"unknown key, {hint}", as_yaml(given[name]))
    yield from _value_mistakes(section, values, path)


def _value_mistakes(
    section: type[Section], values: dict[str, Any], path: Keys
) -> Iterator[Mistake]:
    """Those of single keys' values: one line a key, or one an item of a list."""
    try:
        section.model_validate(_defaults(section) | values, strict=True)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            name, *items = problem["loc"]
            key = keys(section)[str(name)]
            key = key.item if items and key.item else key
            what = f"{as_yaml(problem['input'])} is not allowed; {key.allowed}"
            yield Mistake((*path, name, *items), what)


@lru_cache(None)
def _defaults(section: type[Section]) -> dict[str, Any]:
    return {name: getattr(section.default(), name) for name in section.model_fields}


def _allowed(section: type[Section], name: str) -> str:
    inner = section_of(section, name)
    if inner:
        return f"allowed: {TYPES[dict]} ({', '.join(inner.model_fields)})"
    return keys(section)[name].allowed


def _overlay_mistakes(experiments: dict[Any, Any]) -> Iterator[Mistake]:
    """Those of what the experiments are called and of the keys that they change."""
    for name, overlay in experiments.items():
        if name is None or isinstance(name, bool):
            yield Mistake(
                ("experiments",),
                f"{as_yaml(name)} is not allowed; YAML reads on, yes, no, off and null as other"
                " than text: put the name of the experiment in quotes",
            )
        elif not isinstance(name, str) or not NAME.fullmatch(name):
            yield Mistake(("experiments",), f"{as_yaml(name)} is not allowed; {NAME_IN_WORDS}")
        path = ("experiments", name)
        if not isinstance(overlay, dict):
            allowed = f"allowed: {TYPES[dict]} ({', '.join(OVERLAID)})"
            yield Mistake(path, f"{as_yaml(overlay)} is not allowed; {allowed}")
            continue
        for key, part in overlay.items():
            yield from _part_mistakes(key, part, path)


def _part_mistakes(name: Any, part: Any, path: Keys) -> Iterator[Mistake]:
    """Those of one key of an experiment: a section, the seeds, or a list of a key's values."""
    if name in OVERLAID:
        inner = section_of(Study, name)
        if inner:
            yield from _section_mistakes(inner, part, (*path, name), partial=True)
        else:
            yield from _value_mistakes(Study, {name: part}, path)
    elif (key := grid_key(name)) is not None:
        yield from _grid_mistakes(name, key, part, path)
    else:
        hint = f"or one that an experiment cannot change; allowed here: {', '.join(OVERLAID)}"
        if close := difflib.get_close_matches(str(name), _overlay_keys(), n=1):
            hint = f"did you mean {close[0]}?"
        yield Mistake((*path, name), f"unknown key, {hint}", as_yaml(part))


def _grid_mistakes(name: str, key: Key, values: Any, path: Keys) -> Iterator[Mistake]:
    """Those of a list of values, such as `image.size: [64, 128]`."""
    if not isinstance(values, list) or not values or _has_twice(values):
        allowed = Key((list,), item=key).allowed
        yield Mistake((*path, name), f"{as_yaml(values)} is not allowed; {allowed}")
        return
    section, _, leaf = name.partition(".")
    for number, value in enumerate(values):
        for mistake in _value_mistakes(_section(section), {leaf: value}, ()):
            yield Mistake((*path, name, number), mistake.what)


def _section(name: str) -> type[Section]:
    inner = section_of(Study, name)
    assert inner is not None, name
    return inner


def _overlay_keys() -> list[str]:
    sections = {name: section_of(Study, name) for name in OVERLAID}
    with_dot = [f"{name}.{key}" for name, part in sections.items() if part for key in keys(part)]
    return [*OVERLAID, *with_dot]


def _has_twice(values: list) -> bool:
    return any(value in values[:number] for number, value in enumerate(values))


def _name_mistakes(study: Study, experiments: dict[str, dict]) -> Iterator[Mistake]:
    """That no two experiments, of a grid or not, have one name, and that it fits a file's."""
    made_by: dict[str, str] = {}
    for experiment, part in experiments.items():
        path = ("experiments", experiment)
        for name, _ in combinations(study, experiment, part):
            if name in made_by:
                other = made_by[name]
                whose = "itself" if other == experiment else f"experiments.{other}"
                yield Mistake(
                    path,
                    f"makes an experiment {name}, as does {whose}; give one of the two another"
                    " name or other values",
                )
            made_by[name] = experiment
            if len(name) > LONGEST_NAME:
                yield Mistake(
                    path,
                    f"makes an experiment whose name has {len(name)} characters, {name}; at most"
                    f" {LONGEST_NAME} can be part of a file's name: vary fewer keys at once",
                )


def _network_mistakes(study: Study, experiments: dict[str, dict]) -> Iterator[Mistake]:
    """That each network takes its study's images, and begins with weights that are its own."""
    usual = {*network_mistakes(study.network, study.image)}
    for section, key, what in usual:
        yield Mistake((section, key), what)
    for experiment, part in experiments.items():
        for name, overlay in combinations(study, experiment, part):
            varied = laid_over(study, overlay)
            of = f"{name}: " if name != experiment else ""  # one of a grid
            for section, key, what in {*network_mistakes(varied.network, varied.image)} - usual:
                yield Mistake(("experiments", experiment), f"{of}{section}.{key}: {what}")


def _dataset_mistakes(dataset: Dataset) -> Iterator[Mistake]:
    """Which of path, table and patient the dataset's format needs, and that the folder is there."""
    edition = EDITIONS[dataset.edition]
    for key in ("path", "table", "patient"):
        path, value = ("dataset", key), getattr(dataset, key)
        if key not in edition.needs:
            if value is not None:
                others = [other for other in EDITIONS.values() if key in other.needs]
                overlay = " or ".join(other.overlay or "" for other in others)
                yield Mistake(
                    path,
                    f"{as_yaml(value)}, but the {edition.name} edition has no {key}; for a dataset"
                    f" of your own add --configfile {overlay}",
                )
        elif value is None:
            yield Mistake(
                path,
                f"null, but the {edition.name} edition needs it; give it with {edition.given}",
            )
        elif key == "path" and (what := _no_folder(value)):
            way_out = f"give the dataset's folder, best as an absolute path, with {edition.given}"
            yield Mistake(path, f"{what}; {way_out}")
        elif key == "patient" and (problem := _no_pattern(value)):
            what = f"{as_yaml(value)} is not a regular expression: {problem}"
            yield Mistake(path, f"{what}; give it with {edition.given}")


def _predict_mistakes(predict: Predict) -> Iterator[Mistake]:
    """That the folders are there."""
    named = [
        ("images", predict.images, "of the images", "--config 'predict={images: DIR}'"),
        (
            "model",
            predict.model,
            "that export_network made",
            "--config 'predict={images: DIR, model: DIR}'",
        ),
    ]
    for key, folder, which, given in named:
        if folder is not None and (what := _no_folder(folder)):
            way_out = f"give the folder {which}, best as an absolute path, with {given}"
            yield Mistake(("predict", key), f"{what}; {way_out}")


def _no_folder(path: str) -> str:
    """Why a path leads to no folder; '' where it does."""
    path = os.path.expanduser(path)
    if os.path.isdir(path):  # of os.path, which takes any text for a path
        return ""
    what = "is not a folder" if os.path.exists(path) else "does not exist"
    if not Path(path).is_absolute():
        what += f" (read from {Path.cwd()}, where results/ is written)"
    return f"{path!r} {what}"


def _no_pattern(text: str) -> str:
    """Why a text is no regular expression; '' where it is one."""
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        return str(error)
    return ""


def _not_yaml(given: Any) -> str:
    """Why a section that was given as text is none; '' where it reads well."""
    if not isinstance(given, str):
        return ""
    try:
        yaml.safe_load(given)
    except yaml.YAMLError as error:
        problem = " ".join(str(getattr(error, "problem", error)).split())
        return (
            f"it cannot be read as YAML ({problem}); text with a backslash goes between single"
            " quotes, not double ones"
        )
    return ""


def _line(mistake: Mistake, layers: Layers) -> str:
    given = f" ({mistake.given})" if mistake.given else ""
    return f"{_where(mistake.path, layers)}{given}: {mistake.what}"


def _where(path: Keys, layers: Layers) -> str:
    """'config/mine.yaml: training.epochs', with the strongest layer that sets the key.

    Where none sets it, the layer is the one that sets the part of the path that is set.
    """
    dotted = ".".join(key if isinstance(key, str) else as_yaml(key) for key in path)
    for depth in range(len(path), 0, -1):
        for name, layer in layers:
            if _holds(layer, path[:depth]):
                return f"{name}: {dotted}"
    return dotted


def _holds(layer: Any, path: Iterable[Any]) -> bool:
    for key in path:
        if not isinstance(layer, dict) or key not in layer:
            return False
        layer = layer[key]
    return True


def _nearest(path: Keys, wrong: Any) -> str:
    """The right key that is most like a wrong one: of the same section first, else of any."""
    everywhere: list[Keys] = [(name,) for name in Configuration.model_fields]
    for name in Study.model_fields:
        if inner := section_of(Study, name):
            everywhere += [(name, key) for key in inner.model_fields]
    section = path[2:] if path[:1] == ("experiments",) else path
    here = [known for known in everywhere if known[:-1] == section]
    for known in (here, everywhere):
        names = {key[-1]: ".".join(key) for key in known}
        if close := difflib.get_close_matches(str(wrong), names, n=1, cutoff=0.6):
            return f"did you mean {names[close[0]]}?"
    return "allowed here: " + ", ".join(key[-1] for key in here)
