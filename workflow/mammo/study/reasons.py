"""Why a step would run: Snakemake's reasons in the words of the configuration, old value → new.

`mammo.log.step` writes the params of each job beside its log. Here they are compared with those of
now by their names. Snakemake stops asking at the first job of a chain that would run; here every
job that would run is asked.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from mammo.log import params_record
from mammo.study.closure import WORKFLOW, closure_files
from mammo.study.keys import as_yaml
from mammo.study.names import folds, image_name, region_name, split_name
from mammo.study.settings import Study

Job = Any  # Snakemake's
Change = tuple[str, Any, Any]  # dotted key, old value, new value


class Cause(NamedTuple):
    """Why a job would run.

    `kind` is a key of KINDS, `detail` what follows its words, `experiments` whose job it is, where
    that is known.
    """

    kind: str
    detail: str = ""
    experiments: tuple[str, ...] = ()


# In the order in which they are told.
KINDS = {
    "forced": "asked to run again",
    "incomplete": "an earlier run was cut off here",
    "setting": "",
    "experiment": "new experiment: ",
    "removed": "no more experiment: ",
    "code": "edited: ",
    "environment": "edited: environment.yml",
    "asked": "run each time that it is asked for",
    "gone": "missing: ",
    "newer": "newer than what was made of it: ",
    "inputs": "made of other files: ",
    "params": "changed: ",
    "unrecorded": "changed settings or code; those of then are not recorded",
    "new": "not made yet",
    "follows": "follows from ",
    "other": "",
}
# By a wildcard, the settings that its value is made of.
NAMED_BY: dict[str, Callable[[Study], dict[str, Any]]] = {
    "region": lambda study: {"image": study.image.where().model_dump()},
    "image": lambda study: {"image": study.image.pixels().model_dump()},
    "shard": lambda study: {"image": {"shards": study.image.shards}},
    "split": lambda study: {
        "split": study.split.used().model_dump(),
        "image": study.image.where().model_dump(),
    },
    "fold": lambda study: {
        "split": {"method": study.split.method, "folds": len(folds(study.split))}
    },
    "seed": lambda study: {"seeds": study.seeds},
}
NOT_THERE = object()


def recorded_studies(provenance: str | Path, studies: Mapping[str, Study]) -> dict[str, Study]:
    """{experiment: Study} of the last whole run, from its provenance.json; {} where there is none.

    A key that was not there yet has the value of now, so that both can be compared.
    """
    try:
        recorded = json.loads(Path(provenance).read_text(encoding="utf-8"))["experiments"]
        return {
            name: _completed(study, studies.get(name, studies["baseline"]))
            for name, study in recorded.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError):
        return {}  # none, cut off, or another file


def _completed(old: dict[str, Any], study: Study) -> Study:
    completed = {}
    for name, now in study.model_dump().items():
        before = old.get(name, now)
        if isinstance(now, dict):
            before = {key: before.get(key, value) for key, value in now.items()}
        completed[name] = before
    return Study(**completed)


def differences(old: Mapping, new: Mapping, prefix: str = "") -> list[Change]:
    """The changes from one dict to another, where both may hold dicts.

    NOT_THERE stands for what one of them lacks.
    """
    found = []
    for key in [*new, *(key for key in old if key not in new)]:
        before, after, name = old.get(key, NOT_THERE), new.get(key, NOT_THERE), f"{prefix}{key}"
        if isinstance(before, dict) and isinstance(after, dict):
            found += differences(before, after, f"{name}.")
        elif before != after:
            found.append((name, before, after))
    return found


def in_words(key: str, old: Any, new: Any) -> str:
    """'training.epochs: 40 → 10'."""
    return f"{key}: {_shown(old)} → {_shown(new)}"


def _shown(value: Any) -> str:
    if value is NOT_THERE:
        return "none"
    if isinstance(value, list) and len(value) > 6:
        return f"[{', '.join(map(_shown, value[:3]))}, … {_shown(value[-1])}]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return as_yaml(value)


def changed_params(recorded: Mapping[str, Any], params: Mapping[str, Any]) -> list[Change]:
    """What differs between the params that an output was made with and those of now."""
    now = json.loads(json.dumps(params, default=str))
    return [(_dotted(key), old, new) for key, old, new in differences(recorded, now)]


def _dotted(key: str) -> str:
    """The key of the configuration that a param is: `region` is image.region."""
    sections = Study.default().model_dump()
    if key.partition(".")[0] in sections:
        return key
    for name, part in sections.items():
        if isinstance(part, dict) and key in part:
            return f"{name}.{key}"
    return key


def edited_since(script: str, moment: float) -> list[str]:
    """The files of a script's closure that were edited after a moment, relative to workflow/.

    The moment is in seconds since the epoch.
    """
    files = closure_files(WORKFLOW / "scripts" / script)
    edited = [path for path in files if path.stat().st_mtime > moment]
    return sorted(path.relative_to(WORKFLOW).as_posix() for path in edited)


def _of_setting(key: str, old: Any, new: Any, names: Iterable[str]) -> Cause:
    """The Cause that a changed param is, of a job of the experiments `names`."""
    section, _, rest = key.partition(".")
    if section == "experiments":  # of a step that is given the settings of all of them
        name, _, key = rest.partition(".")
        if not key:
            return Cause("experiment" if old is NOT_THERE else "removed", name)
        names = [name]
    elif section not in Study.model_fields:
        return Cause("params", key)
    return Cause("setting", in_words(key, old, new), tuple(names))


class Reasons:
    """What is looked up for each job.

    These are the DAG, what Snakemake noted of the outputs, and the studies of now and of the last
    whole run.
    """

    def __init__(
        self, dag: Any, persistence: Any, studies: dict[str, Study], before: dict[str, Study]
    ):
        self.dag, self.persistence, self.studies, self.before = dag, persistence, studies, before
        self.served: dict[tuple[str, str], list[str]] = {}  # experiments by (wildcard, value)
        for name, study in studies.items():
            for wildcard, value in (
                ("experiment", name),
                ("gallery", "gradcam" if name == "baseline" else f"gradcam-{name}"),
                ("region", region_name(study.image)),
                ("image", image_name(study.image)),
                ("split", split_name(study.split, study.image)),
            ):
                self.served.setdefault((wildcard, value), []).append(name)

    def of(self, job: Job) -> list[Cause]:
        """Why a job would run that would."""
        reason = self.dag.reason(job)
        found = []
        if reason.forced:
            found.append(Cause("incomplete" if self._was_cut_off(job) else "forced"))
        newer = reason.updated_input - reason.updated_input_run
        found += [Cause("newer", str(file)) for file in sorted(newer)]
        if job.output and self.persistence.has_metadata(job):
            found += self._of_record(job)
            found += [Cause("gone", str(file)) for file in sorted(reason.missing_output)]
            if reason.software_stack_changed:
                found.append(Cause("environment"))
            if not found:
                running = filter(self.dag.needrun, self.dag.dependencies[job])
                found = [Cause("follows", name) for name in sorted({j.rule.name for j in running})]
        elif not found:
            found = self.of_name(job)
        return found or [Cause("other", ", ".join(reason.get_names()))]

    def _was_cut_off(self, job: Job) -> bool:
        """Whether `rerun-incomplete` forces a job: Snakemake marks jobs that have begun."""
        return bool(asyncio.run(self.persistence.incomplete(job)))

    def experiments(self, job: Job) -> list[str]:
        """The experiments that a job works for; [] where its wildcards do not say."""
        found = [self.served.get(item, []) for item in job.wildcards_dict.items()]
        return min(filter(None, found), key=len, default=[])

    def _of_record(self, job: Job) -> list[Cause]:
        """By what was noted when the job's outputs were made."""
        noted = self.persistence.metadata(job.output[0])
        found = self._of_params(job, noted)
        now, then = {str(file) for file in job.input}, noted.input
        if then is not None and now != set(then):
            found += self._of_inputs(job, now - set(then), set(then) - now)
        # Of what only repeats them, beside settings and experiments, nothing needs to be told.
        telling = [cause for cause in found if cause.kind not in ("params", "inputs")]
        return list(dict.fromkeys(telling or found))

    def _of_params(self, job: Job, noted: Any) -> list[Cause]:
        """By the params: Snakemake knows whether they changed, their record how."""
        params = dict(job.params.items())
        if noted.params is None or {*noted.params} == {*map(repr, params.values())}:
            return []
        recorded = params_record(job.log[0]) if job.log else None
        if recorded is None:
            return [Cause("unrecorded")]
        names = self.experiments(job)
        found = []
        for key, old, new in changed_params(recorded, params):
            if key == "code":
                script = Path(job.rule.script).name
                edited = edited_since(script, noted.endtime)
                found += [Cause("code", name) for name in edited or [f"{script} or its modules"]]
            elif key == "asked":
                found.append(Cause("asked"))
            else:
                found.append(_of_setting(key, old, new, names))
        return found

    def _of_inputs(self, job: Job, come: set[str], gone: set[str]) -> list[Cause]:
        """By the files that it reads now and those that it read before."""
        found: set[Cause] = set()
        for other, files in self.dag.dependencies[job].items():
            if come & {str(file) for file in files}:
                found.update(cause for cause in self.of_name(other) if cause.kind != "new")
        if found:
            return sorted(found)
        changes = [*(f"+ {name}" for name in sorted(come)), *(f"- {name}" for name in sorted(gone))]
        return [Cause("inputs", change) for change in changes]

    def of_name(self, job: Job) -> list[Cause]:
        """Of a job whose outputs have a new name: the settings that the name is made of."""
        names = self.experiments(job)
        known = [name for name in names if name in self.before]
        if names and self.before and not known:
            return [Cause("experiment", name) for name in names]
        whose: dict[str, set[str]] = {}
        for name in known:
            for wildcard, settings in NAMED_BY.items():
                if wildcard not in job.wildcards_dict:
                    continue
                old, new = settings(self.before[name]), settings(self.studies[name])
                for change in differences(old, new):
                    whose.setdefault(in_words(*change), set()).add(name)
        found = [Cause("setting", words, tuple(sorted(of))) for words, of in whose.items()]
        return found or [Cause("new")]
