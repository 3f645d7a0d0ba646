"""Experiments: named overlays on the study, and grids of them.

A key with a dot and a list of values, such as `image.size: [64, 128]`, makes an experiment a grid:
one experiment for each combination of such keys' values, named after those that vary.
"""

import itertools
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from mammo.settings import Section
from mammo.study.settings import Study

Overlay = dict[str, Any]


def studies(config: dict[str, Any]) -> dict[str, Study]:
    """{name: Study} of a valid configuration: `baseline` as it stands, and each experiment."""
    study = baseline(config)
    varied = {name: laid_over(study, overlay) for name, overlay in overlays(config).items()}
    return {"baseline": study} | varied


def baseline(config: dict[str, Any]) -> Study:
    """The study itself."""
    parts = {name: part for name, part in config.items() if name != "experiments"}
    return Study.model_validate(parts, strict=True)


def overlays(config: dict[str, Any]) -> dict[str, Overlay]:
    """{name: what an experiment changes}, each grid as the experiments that it stands for.

    A combination that changes nothing is the baseline, and no experiment beside it.
    """
    study = baseline(config)
    return {
        name: overlay
        for experiment, part in config["experiments"].items()
        for name, overlay in combinations(study, experiment, part)
    }


def leaking(found: dict[str, Study]) -> dict[str, str]:
    """{'split_by_lesion': experiment} of those that are the baseline but for a split that leaks."""
    by = {}
    for name, study in found.items():
        by_patient = study.split.model_copy(update={"by": "patient"})
        without_leak = study.model_copy(update={"split": by_patient})
        if study.split.by != "patient" and without_leak == found["baseline"]:
            by[f"split_by_{study.split.by}"] = name
    return by


def combinations(study: Study, experiment: str, part: Overlay) -> Iterator[tuple[str, Overlay]]:
    """(name, overlay) pairs of one experiment of the configuration: one, or those of a grid."""
    fixed = {key: value for key, value in part.items() if "." not in key}
    varied = {key: values for key, values in part.items() if "." in key}
    for values in itertools.product(*varied.values()):
        overlay = fixed
        for key, value in zip(varied, values, strict=True):
            section, _, leaf = key.partition(".")
            overlay = overlay | {section: overlay.get(section, {}) | {leaf: value}}
        if not varied or laid_over(study, overlay) != study:
            yield "_".join([experiment, *_cell(varied, values)]), overlay


def laid_over(study: Study, overlay: Overlay) -> Study:
    """The study with the keys of an overlay changed."""
    changed = {}
    for name, part in overlay.items():
        now = getattr(study, name)
        if isinstance(now, Section):
            part = type(now).model_validate(now.model_dump() | part, strict=True)
        changed[name] = part
    return study.model_copy(update=changed)


def _cell(varied: dict[str, list], values: tuple) -> Iterator[str]:
    """What identifies a combination among those of its grid: size64, or region_context."""
    leaves = [key.partition(".")[2] for key in varied]
    for key, leaf, value in zip(varied, leaves, values, strict=True):
        if len(varied[key]) > 1:
            name = leaf if leaves.count(leaf) == 1 else key.replace(".", "_")
            yield name + _as_name(value)


def _as_name(value: Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        # 1e-05 would bring a hyphen, which stands between an experiment's name and its fold.
        return format(Decimal(repr(value)), "f")
    return "_" + re.sub("[^a-z0-9_.]+", "_", str(value).lower())
