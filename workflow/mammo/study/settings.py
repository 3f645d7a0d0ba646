"""The study that a configuration describes: is it valid, and what are its parts called?

Imported while the Snakefile is parsed, so it imports nothing slow and reads no data.
"""

import difflib
import itertools
import json
import math
import os
import re
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import jsonschema
import yaml

from mammo.dataset.settings import Image
from mammo.model.settings import Network, Training
from mammo.model.zoo import known, network_mistakes
from mammo.paths import WORKFLOW
from mammo.split.settings import Split

READS = ["schemas/config.schema.yaml"]
SCHEMA = WORKFLOW / READS[0]
LONGEST_NAME = 150  # of an experiment: most file systems take 255 for a file's, which bears more
OVERLAID = [
    "image",
    "split",
    "network",
    "training",
    "augmentation",
    "seeds",
]  # what an experiment may change


def _schema():
    """The schema of a configuration; an experiment may hold any part of the sections that are OVERLAID, and lists of their keys' values."""
    schema = yaml.safe_load(SCHEMA.read_text())
    schema["properties"]["network"]["properties"]["name"] = {"enum": [*known()]}
    parts = {
        name: {k: v for k, v in schema["properties"][name].items() if k != "required"}
        for name in OVERLAID
    }
    grid = {
        f"{section}.{key}": {"type": "array", "minItems": 1, "uniqueItems": True, "items": part}
        for section in OVERLAID
        for key, part in schema["properties"][section].get("properties", {}).items()
    }
    overlay = {"type": "object", "additionalProperties": False, "properties": parts | grid}
    schema["properties"]["experiments"]["additionalProperties"] = overlay
    return schema


def studies(config):
    """{name: a whole configuration without experiments}: `baseline` as it stands, and each experiment laid over it."""
    baseline = {key: value for key, value in config.items() if key != "experiments"}
    return {"baseline": baseline} | {
        name: _laid_over(baseline, overlay) for name, overlay in overlays(config).items()
    }


def overlays(config):
    """{name: what an experiment changes}, each grid as the experiments that it stands for.

    The key `image.size: [64, 128]` in an experiment makes it a grid: one experiment for each combination of such keys' values,
    named after those that vary. A combination that changes nothing is the baseline, and no experiment beside it.
    """
    return dict(_named_overlays(config))


def _named_overlays(config):
    """(name, overlay) pairs; a name that comes twice is a mistake."""
    baseline = {key: value for key, value in config.items() if key != "experiments"}
    for name, part in config["experiments"].items():
        fixed = {key: value for key, value in part.items() if "." not in key}
        varied = {key: values for key, values in part.items() if "." in key}
        for values in itertools.product(*varied.values()):
            overlay = fixed
            for key, value in zip(varied, values, strict=True):
                section, _, leaf = key.partition(".")
                overlay = overlay | {section: overlay.get(section, {}) | {leaf: value}}
            if not varied or _laid_over(baseline, overlay) != baseline:
                yield "_".join([name, *_cell(varied, values)]), overlay


def _laid_over(baseline, overlay):
    parts = {
        key: baseline[key] | part if isinstance(part, dict) else part
        for key, part in overlay.items()
    }
    return baseline | parts


def _cell(varied, values):
    """What tells one combination of a grid from the others: size64, or region_context."""
    leaves = [key.partition(".")[2] for key in varied]
    for key, leaf, value in zip(varied, leaves, values, strict=True):
        if len(varied[key]) > 1:
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            # 1e-05 would bring a hyphen, which stands between an experiment's name and its fold.
            text = (
                format(Decimal(repr(value)), "f")
                if number
                else "_" + re.sub("[^a-z0-9_.]+", "_", str(value).lower())
            )
            yield (leaf if leaves.count(leaf) == 1 else key.replace(".", "_")) + text


def typed(value, schema=None):
    """`value`, a configuration or a part of it, as the schema wants it: the same settings always give the same dict.

    Keys come in the schema's order, whichever file named them first. Text becomes the number, null or truth that is wanted
    there: Snakemake reads `--config 'training={epochs: 10}'` as text below its first level, and YAML reads 1e-3 as text. A
    whole number written as 64.0 becomes 64. What is no finite number stays text, which the schema then refuses.
    """
    schema = schema or _schema()
    types = schema.get("type", "string")
    if isinstance(value, dict):
        parts = schema.get("properties", {})
        known = {key: typed(value[key], part) for key, part in parts.items() if key in value}
        rest = {key: part for key, part in value.items() if key not in parts}
        if isinstance(further := schema.get("additionalProperties"), dict):
            rest = {key: typed(part, further) for key, part in rest.items()}
        return known | rest
    if isinstance(value, list) and "items" in schema:
        return [typed(item, schema["items"]) for item in value]
    if isinstance(value, str) and ("string" not in types or ("null" in types and value == "null")):
        for read in (int, float, yaml.safe_load):
            with suppress(ValueError, yaml.YAMLError):
                value = read(value)
                break
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return (
        int(value)
        if types == "integer" and isinstance(value, float) and value.is_integer()
        else value
    )


def mistakes(config, layers=()):
    """Everything that is wrong with `config`, a list of lines; empty when it is valid.

    `layers` are (name, dict) pairs, the strongest first, that `config` was merged from: a line names the one that its key
    came from. A key gets one line, with its value and what is allowed there.
    """
    schema = _schema()
    errors = list(jsonschema.Draft202012Validator(schema).iter_errors(config))
    lines = []
    for error in errors:
        keys = list(error.absolute_path)
        if error.validator == "additionalProperties":
            known = error.schema["properties"]
            for key in sorted(set(error.instance) - set(known), key=str):
                given = f"{_where([*keys, key], layers)} ({_yaml(error.instance[key])})"
                if keys[:1] == ["experiments"] and (
                    close := difflib.get_close_matches(str(key), known, n=1)
                ):
                    lines.append(f"{given}: unknown key, did you mean {close[0]}?")
                elif keys[:1] == ["experiments"]:
                    here = ", ".join(name for name in known if "." not in name)
                    lines.append(
                        f"{given}: unknown key, or one that an experiment cannot change; allowed here: {here}"
                    )
                else:
                    lines.append(f"{given}: unknown key, {_nearest(keys, key, schema)}")
        elif error.validator == "required":
            for key in sorted(set(error.schema["required"]) - set(error.instance)):
                lines.append(
                    f"{_where([*keys, key], layers)}: missing; {_allowed(error.schema['properties'][key])}"
                )
        else:
            section = isinstance(error.instance, str) and error.schema.get("type") == "object"
            why = _not_yaml(error.instance) if section else ""
            lines.append(
                f"{_where(keys, layers)}: {_yaml(error.instance)} is not allowed; {why or _allowed(error.schema)}"
            )
    if "dataset" in config and not any("dataset" in error.absolute_path for error in errors):
        lines += _dataset_mistakes(config["dataset"], layers)
    if "predict" in config and not any("predict" in error.absolute_path for error in errors):
        lines += _predict_mistakes(config["predict"], layers)
    if {"experiments", *OVERLAID} <= set(config) and not any(
        "experiments" in error.absolute_path for error in errors
    ):
        lines += _experiment_mistakes(config, layers)
        if not any({"network", "image"} & {*error.absolute_path} for error in errors):
            lines += _network_mistakes(config, layers)
    return sorted(set(lines))


def _experiment_mistakes(config, layers):
    """What the schema cannot say: that no two experiments, of a grid or not, have one name, and that a file can have it."""
    grids = {}
    for experiment, part in config["experiments"].items():
        for name, _ in _named_overlays(config | {"experiments": {experiment: part}}):
            grids.setdefault(name, []).append(experiment)
    for name, of in grids.items():
        where = _where(["experiments", of[-1]], layers)
        if len(of) > 1:
            other = "itself" if of[0] == of[-1] else f"experiments.{of[0]}"
            yield f"{where}: makes an experiment {name}, as does {other}; give one of the two another name or other values"
        if len(name) > LONGEST_NAME:
            yield f"{where}: makes an experiment whose name has {len(name)} characters, {name}; at most {LONGEST_NAME} can be part of a file's name: vary fewer keys at once"


def _network_mistakes(config, layers):
    """What the schema cannot say: that each study's network takes its images, and begins with weights that are its own."""
    baseline = {*network_mistakes(config)}
    for section, key, what in baseline:
        yield f"{_where([section, key], layers)}: {what}"
    for experiment, part in config["experiments"].items():
        for name, overlay in _named_overlays(config | {"experiments": {experiment: part}}):
            for section, key, what in {*network_mistakes(_laid_over(config, overlay))} - baseline:
                of = f"{name}: " if name != experiment else ""  # one of a grid
                yield f"{_where(['experiments', experiment], layers)}: {of}{section}.{key}: {what}"


GIVEN = {
    "table": "--config 'dataset={path: DIR, table: FILE.csv}'",
    "folder": "--config \"dataset={path: DIR, patient: '([^/_]+)_'}\"",
}


def _dataset_mistakes(dataset, layers):
    """What the schema cannot say: which edition needs which of path, table and patient, and that the folder is there."""
    edition, path = dataset["edition"], dataset["path"] and os.path.expanduser(dataset["path"])
    given = GIVEN.get(edition, "--config 'dataset={path: DIR}'")
    for key, wanted in [
        ("path", edition != "phantom"),
        ("table", edition == "table"),
        ("patient", edition == "folder"),
    ]:
        where, value = _where(["dataset", key], layers), dataset[key]
        if wanted and value is None:
            yield f"{where}: null, but the {edition} edition needs it; give it with {given}"
        elif not wanted and value is not None:
            other = {
                "path": "config/kaggle.yaml, or that of another edition",
                "table": "config/table.yaml",
                "patient": "config/folder.yaml",
            }[key]
            yield f"{where}: {_yaml(value)}, but the {edition} edition has no {key}; for a dataset of your own add --configfile {other}"
        elif key == "path" and wanted and (what := _no_folder(path)):
            yield f"{where}: {what}; give the dataset's folder, best as an absolute path, with {given}"
        elif key == "patient" and wanted:
            try:
                re.compile(value)
            except (re.error, OverflowError, RecursionError) as error:
                yield f"{where}: {_yaml(value)} is not a regular expression: {error}; give it with {given}"


def _predict_mistakes(predict, layers):
    """What the schema cannot say: that the folders are there."""
    for key, of in {"images": "of the images", "model": "that export_network made"}.items():
        if predict[key] is not None and (what := _no_folder(os.path.expanduser(predict[key]))):
            given = f"--config 'predict={{images: DIR{', model: DIR' if key == 'model' else ''}}}'"
            yield f"{_where(['predict', key], layers)}: {what}; give the folder {of}, best as an absolute path, with {given}"


def _no_folder(path):
    """Why a path leads to no folder; '' where it does."""
    if os.path.isdir(path):  # of os.path, which takes any text for a path
        return ""
    what = "is not a folder" if os.path.exists(path) else "does not exist"
    note = (
        "" if Path(path).is_absolute() else f" (read from {Path.cwd()}, where results/ is written)"
    )
    return f"{path!r} {what}{note}"


def _where(keys, layers):
    """'config/mine.yaml: training.epochs', with the strongest layer that sets the key, or the part of it that is set."""
    for depth in range(len(keys), 0, -1):
        for name, layer in layers:
            node = layer
            for key in keys[:depth]:
                node = node.get(key) if isinstance(node, dict) and key in node else _UNSET
            if node is not _UNSET:
                return f"{name}: {'.'.join(map(str, keys))}"
    return ".".join(map(str, keys))


_UNSET = object()


def _nearest(keys, key, schema):
    """The right key that is written most like the wrong one: from the same section first, else from any."""
    everywhere = [(name,) for name in schema["properties"]]
    everywhere += [
        (s, name) for s, part in schema["properties"].items() for name in part.get("properties", ())
    ]
    here = [path for path in everywhere if list(path[:-1]) == keys]
    for paths in (here, everywhere):
        names = {path[-1]: ".".join(path) for path in paths}
        if close := difflib.get_close_matches(str(key), names, n=1, cutoff=0.6):
            return f"did you mean {names[close[0]]}?"
    return "allowed here: " + ", ".join(path[-1] for path in here)


def _allowed(schema):
    """What a schema allows, in words."""
    if "pattern" in schema:
        return f"the name of an experiment has small letters, digits and _, begins with a letter, is not baseline, and is no longer than {LONGEST_NAME}"
    if "enum" in schema:
        return "allowed: " + ", ".join(_yaml(value) for value in schema["enum"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    words = {"integer": "a whole number", "number": "a number", "string": "text (not empty)", "boolean": "true or false",
             "null": "null", "array": "a list", "object": "a section with keys of its own"}  # fmt: skip
    text = "allowed: " + " or ".join(words[kind] for kind in kinds)
    if "properties" in schema:
        text += " (" + ", ".join(schema["properties"]) + ")"
    if "items" in schema:
        text += f", not empty, none twice, of which each is {_allowed(schema['items']).removeprefix('allowed: ')}"
    bounds = [("minimum", "at least"), ("exclusiveMinimum", "above"), ("maximum", "at most")]
    return ", ".join([text, *(f"{word} {schema[key]}" for key, word in bounds if key in schema)])


def _not_yaml(text):
    """Why a section that was given as text is none; '' where it reads well."""
    try:
        yaml.safe_load(text)
    except yaml.YAMLError as error:
        problem = " ".join(str(getattr(error, "problem", error)).split())
        return f"it cannot be read as YAML ({problem}); text with a backslash goes between single quotes, not double ones"
    return ""


def _yaml(value):
    """A value as it would stand in a configuration file, shortened."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


class _Loader(yaml.SafeLoader):
    """YAML in which no key of a mapping comes twice: of two experiments with one name, YAML itself keeps the last without a word."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if twice := [key for number, key in enumerate(keys) if key in keys[:number]]:
            line = node.value[keys.index(twice[0], keys.index(twice[0]) + 1)][0].start_mark.line + 1
            raise yaml.YAMLError(
                f"line {line}: {twice[0]} is there twice; rename or remove one of the two"
            )
        return super().construct_mapping(node, deep)


def read_config(path):
    """A configuration file as a dict. A ValueError names the file, the line and a key that it holds twice."""
    try:
        return yaml.load(Path(path).read_text(encoding="utf-8"), _Loader) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"{os.path.relpath(path)}: {error}") from None


def split_settings(study):
    """The settings that a split depends on, the others at their defaults."""
    return Split(**study["split"]).used().model_dump()


def split_name(study):
    """The name of a split under results/splits/: all that it depends on but the dataset, so that no two share one."""
    split = Split(**study["split"])
    drawn = {"official": [], "fractions": ["test"], "folds": ["folds"], "hash": ["test"]}
    keys = [*drawn[split.method], "validation", "seed"]
    parts = [split.method, *(f"{key}{getattr(split, key)}" for key in keys)]
    if split.by != "patient":
        parts.append(f"by_{split.by}")
    if split.duplicates != "drop_from_training":
        parts.append("duplicates_fail")
    if split.patients != "compared":
        parts.append("patients_as_written")
    if (region := region_name(study)) != "crop":
        parts.append(region)
    return "-".join(parts)


def folds(study):
    """The numbers of the folds of a study's split."""
    return range(study["split"]["folds"] if study["split"]["method"] == "folds" else 1)


def region_settings(study):
    """The settings that decide which images a study is made of, before any is decoded."""
    return Image(**study["image"]).where().model_dump()


def region_name(study):
    """The name of a list of images under results/regions/: crop, context, context_mm, full or full_unmixed."""
    image = Image(**study["image"]).where()
    variant = {("context", "mm"): "_mm"}
    variant |= {(region, "leave_out"): "_unmixed" for region in ("crop", "full")}
    key = image.margin_unit if image.region == "context" else image.mixed
    return image.region + variant.get((image.region, key), "")


def image_settings(study):
    """The settings that the pixels of a study's images depend on; not how many files they are spread over."""
    return Image(**study["image"]).pixels().model_dump()


def image_name(study):
    """The name of a set of tensors under results/tensors/: all settings that it depends on."""
    image = Image(**study["image"])
    margin = [f"margin{image.margin:g}"] if image.region == "context" else []
    fit = [image.fit] if image.fit != "stretch" else []
    return "-".join([region_name(study), *margin, *fit, str(image.size)])


def shard_names(study):
    """The names of the parts that a set of tensors is made in: 1of1, or 1of3, 2of3 and 3of3."""
    number = study["image"]["shards"]
    return [f"{part}of{number}" for part in range(1, number + 1)]


def training_settings(study):
    """The settings that a training depends on: a network that begins at random is trained in one phase."""
    return Training(**study["training"]).used(Network(**study["network"])).model_dump()
