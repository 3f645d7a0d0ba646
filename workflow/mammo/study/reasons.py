"""Why a step would run: Snakemake's reasons in the terms of the configuration, the old value beside the new.

Snakemake keeps with each output the params that it was made with, without their names, and stops asking at the first job of a
chain that would run. Here every job that would run is asked, and what it says is set against the settings of the last whole run.
"""

import ast
import asyncio
import json
import re
from pathlib import Path
from typing import NamedTuple

from mammo.study.closure import WORKFLOW, closure_files
from mammo.study.settings import (
    folds,
    image_name,
    image_settings,
    region_name,
    region_settings,
    split_name,
    split_settings,
)


class Cause(NamedTuple):
    """Why a job would run. kind: a key of KINDS. detail: what stands behind its words. experiments: whose, where that is known."""

    kind: str
    detail: str = ""
    experiments: tuple = ()


# In the order in which they are told.
KINDS = {
    "forced": "asked to run again",
    "incomplete": "an earlier run was cut off here",
    "setting": "",
    "experiment": "new experiment: ",
    "removed": "no more experiment: ",
    "code": "edited: ",
    "environment": "edited: environment.yml",
    "asked": "done anew whenever it is asked for",
    "gone": "missing: ",
    "newer": "newer than what was made of it: ",
    "inputs": "made of other files: ",
    "params": "changed: ",
    "new": "not made yet",
    "follows": "follows from ",
    "other": "",
}
# By a wildcard, the settings that its value is made of.
NAMED_BY = {
    "region": lambda study: {"image": region_settings(study)},
    "image": lambda study: {"image": image_settings(study)},
    "shard": lambda study: {"image": {"shards": study["image"]["shards"]}},
    "split": lambda study: {"split": split_settings(study), "image": region_settings(study)},
    "fold": lambda study: {
        "split": {"method": study["split"]["method"], "folds": len(folds(study))}
    },
    "seed": lambda study: {"seeds": study["seeds"]},
}
NOT_THERE = object()
NOT_KNOWN = "?"


def recorded_studies(provenance, studies):
    """{experiment: settings} of the last whole run, from its provenance.json; {} where there is none.

    A key that was not there yet has the value that it has now in `studies`, so that both can be compared.
    """
    try:
        recorded = json.loads(Path(provenance).read_text(encoding="utf-8"))["experiments"]
        return {
            name: _completed(study, studies.get(name, studies["baseline"]))
            for name, study in recorded.items()
        }
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
    ):  # none, cut off, or another file
        return {}


def _completed(old, new):
    return {
        key: part | old.get(key, {}) if isinstance(part, dict) else old.get(key, part)
        for key, part in new.items()
    }


def differences(old, new, prefix=""):
    """[(dotted key, old value, new value)] of two dicts that may hold dicts; NOT_THERE stands for what one of them lacks."""
    found = []
    for key in [*new, *(key for key in old if key not in new)]:
        a, b, name = old.get(key, NOT_THERE), new.get(key, NOT_THERE), f"{prefix}{key}"
        if isinstance(a, dict) and isinstance(b, dict):
            found += differences(a, b, f"{name}.")
        elif a != b:
            found.append((name, a, b))
    return found


def in_words(key, old, new):
    """'training.epochs: 40 → 10'."""
    return f"{key}: {_shown(old)} → {_shown(new)}"


def _shown(value):
    if value is NOT_THERE:
        return "none"
    if isinstance(value, list) and len(value) > 6:
        return f"[{', '.join(map(_shown, value[:3]))}, … {_shown(value[-1])}]"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def changed_params(recorded, params, study, before):
    """What differs between the params that an output was made with and those of now.

    recorded: their reprs, without names. params: {name: value}. study, before: settings of now and of the last whole run, the
    latter {} where none is known. Returns ([(dotted key, old, new)], whether the code differs).
    """
    now = {repr(value) for value in params.values()}
    gone = [_value(text) for text in recorded if text not in now]
    new = {name: value for name, value in params.items() if repr(value) not in recorded}
    code = "code" in new
    if code:
        new.pop("code")
        gone = [
            old for old in gone if not (isinstance(old, str) and re.fullmatch("[0-9a-f]{16}", old))
        ]
    found, single = [], [old for old in gone if not isinstance(old, dict)]
    for name, value in new.items():
        key = _key(name, params, study)
        if isinstance(value, dict):
            alike = [old for old in gone if isinstance(old, dict) and old.keys() & value.keys()]
            old = max(alike, key=lambda old: len(old.keys() & value.keys()), default={})
            found += differences(old, value, f"{key}.")
        else:
            old = _at(before, key)
            if old not in single:  # by elimination, else it is not known
                old = (
                    single[0]
                    if len(single) == 1 == sum(not isinstance(part, dict) for part in new.values())
                    else NOT_KNOWN
                )
            found.append((key, old, value))
    return found, code


def _value(text):
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _key(name, params, study):
    """The dotted key of a param: a section's name, or a key of the section that the rule's params have most in common with."""
    sections = [
        section for section, part in study.items() if isinstance(part, dict) and name in part
    ]
    if name in study or not sections:
        return name
    return f"{max(sections, key=lambda section: len(study[section].keys() & params.keys()))}.{name}"


def _at(study, key):
    for part in key.split("."):
        study = study.get(part, NOT_THERE) if isinstance(study, dict) else NOT_THERE
    return study


def edited_since(script, moment):
    """The files of a script's closure that were edited after a moment (seconds since the epoch), relative to workflow/."""
    times = {path: path.stat().st_mtime for path in closure_files(WORKFLOW / "scripts" / script)}
    return sorted(
        path.relative_to(WORKFLOW).as_posix() for path, time in times.items() if time > moment
    )


def _of_setting(key, old, new, names, study):
    """The Cause that a changed param is, of a job of the experiments `names`."""
    if key == "asked":
        return Cause("asked")
    section, _, rest = key.partition(".")
    if section == "experiments":  # of a step that is given the settings of all of them
        name, _, key = rest.partition(".")
        if not key:
            return Cause("experiment" if old is NOT_THERE else "removed", name)
        names = [name]
    elif section not in study:
        return Cause("params", key)
    return Cause("setting", in_words(key, old, new), tuple(names))


class Reasons:
    """What is looked up for each job: the DAG, what Snakemake noted of the outputs, and the settings of now and then."""

    def __init__(self, dag, persistence, studies, before):
        self.dag, self.persistence, self.studies, self.before = dag, persistence, studies, before
        self.served = {}  # the experiments by (wildcard, value)
        for name, study in studies.items():
            for wildcard, value in (
                ("experiment", name),
                ("gallery", "gradcam" if name == "baseline" else f"gradcam-{name}"),
                ("region", region_name(study)),
                ("image", image_name(study)),
                ("split", split_name(study)),
            ):
                self.served.setdefault((wildcard, value), []).append(name)

    def of(self, job):
        """The Causes of a job that would run, a list."""
        reason = self.dag.reason(job)
        found = (
            [Cause("incomplete" if self._was_cut_off(job) else "forced")] if reason.forced else []
        )
        found += [
            Cause("newer", str(file))
            for file in sorted(reason.updated_input - reason.updated_input_run)
        ]
        if job.output and self.persistence.has_metadata(job):
            found += self._of_record(job)
            found += [Cause("gone", str(file)) for file in sorted(reason.missing_output)]
            found += [Cause("environment")] if reason.software_stack_changed else []
            before = sorted(
                {other.rule.name for other in self.dag.dependencies[job] if self.dag.needrun(other)}
            )
            found = found or [Cause("follows", name) for name in before]
        elif not found:
            found = self.of_name(job)
        return found or [Cause("other", ", ".join(reason.get_names()))]

    def _was_cut_off(self, job):
        """Whether Snakemake forces a job because of `rerun-incomplete`, by the marks that it keeps of jobs that have begun."""
        return bool(asyncio.run(self.persistence.incomplete(job)))

    def experiments(self, job):
        """The names of the experiments that a job works for; [] where its wildcards do not tell."""
        found = [self.served.get((name, value), []) for name, value in job.wildcards_dict.items()]
        return min(filter(None, found), key=len, default=[])

    def _of_record(self, job):
        """By what was noted when the job's first output was made."""
        record, names = self.persistence.metadata(job.output[0]), self.experiments(job)
        params = dict(job.params.items())
        study, before = (
            self.studies[(names or ["baseline"])[0]],
            self.before.get((names or ["baseline"])[0], {}),
        )
        settings, code = changed_params(record.params or [], params, study, before)
        found = [_of_setting(*change, names, study) for change in settings]
        if code:
            edited = edited_since(Path(job.rule.script).name, record.endtime)
            found += [
                Cause("code", name)
                for name in edited or [f"scripts/{Path(job.rule.script).name} or its modules"]
            ]
        now = {str(file) for file in job.input}
        if record.input is not None and now != set(record.input):
            found += self._of_inputs(job, now - set(record.input), set(record.input) - now)
        # Of what only repeats them, beside settings and experiments, nothing needs to be told.
        telling = [cause for cause in found if cause.kind not in ("params", "inputs")]
        return list(dict.fromkeys(telling or found))

    def _of_inputs(self, job, come, gone):
        """By the files that it reads now and those that it read before."""
        makers = [
            other
            for other, files in self.dag.dependencies[job].items()
            if come & {str(file) for file in files}
        ]
        found = {cause for other in makers for cause in self.of_name(other) if cause.kind != "new"}
        if found:
            return sorted(found)
        return [
            Cause("inputs", name)
            for name in [
                *(f"+ {name}" for name in sorted(come)),
                *(f"- {name}" for name in sorted(gone)),
            ]
        ]

    def of_name(self, job):
        """Of a job whose outputs bear a name that is new: by the settings that the name is made of."""
        names = self.experiments(job)
        known = [name for name in names if name in self.before]
        if names and self.before and not known:
            return [Cause("experiment", name) for name in names]
        found = {}
        for name in known:
            for wildcard in (wildcard for wildcard in NAMED_BY if wildcard in job.wildcards_dict):
                old, new = (
                    NAMED_BY[wildcard](study) for study in (self.before[name], self.studies[name])
                )
                for change in differences(old, new):
                    found.setdefault(in_words(*change), set()).add(name)
        return [
            Cause("setting", words, tuple(sorted(whose))) for words, whose in found.items()
        ] or [Cause("new")]
