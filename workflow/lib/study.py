"""The study that a configuration describes: is it valid, and what are its parts called?

Imported while the Snakefile is parsed, so it imports nothing slow and reads no data.
"""

import difflib
import json
import math
import os
import re
from contextlib import suppress
from pathlib import Path

import jsonschema
import yaml

SCHEMA = Path(__file__).resolve().parents[1] / "schemas" / "config.schema.yaml"
OVERLAID = ["image", "split", "training", "augmentation", "seeds"]  # what an experiment may change


def _schema():
    """The schema of a configuration; an experiment may hold any part of the sections that are OVERLAID."""
    schema = yaml.safe_load(SCHEMA.read_text())
    parts = {name: {k: v for k, v in schema["properties"][name].items() if k != "required"} for name in OVERLAID}
    overlay = {"type": "object", "additionalProperties": False, "properties": parts}
    schema["properties"]["experiments"]["additionalProperties"] = overlay
    return schema


def studies(config):
    """{name: a whole configuration without experiments}: `baseline` as it stands, and each experiment laid over it."""
    baseline = {key: value for key, value in config.items() if key != "experiments"}
    found = {"baseline": baseline}
    for name, overlay in config["experiments"].items():
        parts = {key: baseline[key] | part if isinstance(part, dict) else part for key, part in overlay.items()}
        found[name] = baseline | parts
    return found


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
    return int(value) if types == "integer" and isinstance(value, float) and value.is_integer() else value


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
                if keys[:1] == ["experiments"]:
                    here = ", ".join(known)
                    lines.append(f"{given}: unknown key, or one that an experiment cannot change; allowed here: {here}")
                else:
                    lines.append(f"{given}: unknown key, {_nearest(keys, key, schema)}")
        elif error.validator == "required":
            for key in sorted(set(error.schema["required"]) - set(error.instance)):
                lines.append(f"{_where([*keys, key], layers)}: missing; {_allowed(error.schema['properties'][key])}")
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
    return sorted(set(lines))


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
            except re.error as error:
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
    note = "" if Path(path).is_absolute() else f" (read from {Path.cwd()}, where results/ is written)"
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
    everywhere += [(s, name) for s, part in schema["properties"].items() for name in part.get("properties", ())]
    here = [path for path in everywhere if list(path[:-1]) == keys]
    for paths in (here, everywhere):
        names = {path[-1]: ".".join(path) for path in paths}
        if close := difflib.get_close_matches(str(key), names, n=1, cutoff=0.6):
            return f"did you mean {names[close[0]]}?"
    return "allowed here: " + ", ".join(path[-1] for path in here)


def _allowed(schema):
    """What a schema allows, in words."""
    if "pattern" in schema:
        return "the name of an experiment has small letters, digits and _, begins with a letter, and is not baseline"
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
        return (
            f"it cannot be read as YAML ({problem}); text with a backslash goes between single quotes, not double ones"
        )
    return ""


def _yaml(value):
    """A value as it would stand in a configuration file, shortened."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def split_settings(study):
    """The settings that a split depends on: an official test partition has no share to be drawn."""
    used = {"official": set(), "fractions": {"test"}, "folds": {"folds"}, "hash": {"test"}}[study["split"]["method"]]
    return {key: value for key, value in study["split"].items() if key not in {"test", "folds"} - used}


def split_name(study):
    """The name of a split under results/splits/: all that it depends on but the dataset, so that no two share one."""
    settings = split_settings(study)
    parts = [
        settings["method"],
        *(f"{key}{settings[key]}" for key in ("test", "folds", "validation", "seed") if key in settings),
    ]
    if settings["by"] != "patient":
        parts.append(f"by_{settings['by']}")
    if settings["duplicates"] != "drop_from_training":
        parts.append("duplicates_fail")
    if (region := region_name(study)) != "crop":
        parts.append(region)
    return "-".join(parts)


def folds(study):
    """The numbers of the folds of a study's split."""
    return range(study["split"]["folds"] if study["split"]["method"] == "folds" else 1)


def region_settings(study):
    """The settings that decide which images a study is made of, before any is decoded."""
    depends = {"crop": [], "context": ["margin_unit"], "full": ["mixed"]}[study["image"]["region"]]
    return {key: study["image"][key] for key in ["region", *depends]}


def region_name(study):
    """The name of a list of images under results/regions/: crop, context, context_mm, full or full_unmixed."""
    settings = region_settings(study)
    variant = {"margin_unit": {"percent": "", "mm": "_mm"}, "mixed": {"malignant": "", "leave_out": "_unmixed"}}
    return settings["region"] + "".join(variant[key][settings[key]] for key in settings if key in variant)


def image_settings(study):
    """The settings that the pixels of a study's images depend on; not how many files they are spread over."""
    keys = ["region", *(["margin", "margin_unit"] if study["image"]["region"] == "context" else []), "fit", "size"]
    return {key: study["image"][key] for key in keys}


def image_name(study):
    """The name of a set of tensors under results/tensors/: all settings that it depends on."""
    settings = image_settings(study)
    margin = [f"margin{settings['margin']:g}"] if "margin" in settings else []
    fit = [settings["fit"]] if settings["fit"] != "stretch" else []
    return "-".join([region_name(study), *margin, *fit, str(settings["size"])])


def shard_names(study):
    """The names of the parts that a set of tensors is made in: 1of1, or 1of3, 2of3 and 3of3."""
    number = study["image"]["shards"]
    return [f"{part}of{number}" for part in range(1, number + 1)]
