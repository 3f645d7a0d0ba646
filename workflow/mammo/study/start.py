"""What is checked before anything runs. Each function raises Snakemake's error, in words.

Imported while the Snakefile is parsed, so it imports nothing slow.
"""

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from snakemake.exceptions import WorkflowError

from mammo.study.clusters import no_cluster, options_of
from mammo.study.experiments import studies
from mammo.study.mistakes import mistakes
from mammo.study.ownership import Owner
from mammo.study.settings import Study, read_config
from mammo.study.storage import no_place, owner_mistake


def checked_studies(workflow: Any, config: dict[str, Any]) -> dict[str, Study]:
    """{experiment: its Study} of a `typed` configuration; all its mistakes where it has any."""
    try:
        layers = list(_layers(workflow))
    except ValueError as error:
        raise WorkflowError(str(error)) from None
    if wrong := mistakes(config, layers):
        head = f"The configuration has {len(wrong)} mistake(s):"
        raise WorkflowError(head, *(f"  {line}" for line in wrong))
    return studies(config)


def _layers(workflow: Any) -> Iterator[tuple[str, dict]]:
    """What the configuration was merged from, the strongest first, as (name, dict)."""
    settings = workflow.config_settings
    yield "--config", dict(settings.config or {})
    for path in [*reversed(settings.configfiles), Path(workflow.basedir) / "config/config.yaml"]:
        yield os.path.relpath(path), read_config(path)


def check_place(workflow: Any, arguments: Sequence[str]) -> None:
    """That there is a place for results, and a cluster where jobs are to be sent to one.

    `arguments` are those that Snakemake was called with. --jobs is given wherever jobs are
    submitted, as cluster profiles do; without it nothing has to be parsed once more.
    """
    found = [no_place(workflow)]
    if workflow.is_main_process and workflow.resource_settings.nodes is not None:
        found.insert(0, no_cluster(options_of(workflow, arguments)))
    if any(found):
        raise WorkflowError("\n".join(filter(None, found)))


def check_owner(
    workflow: Any, mine: Owner, arguments: Sequence[str], beside: Collection[str]
) -> str:
    """The message that results are of another dataset, '' where they are not.

    It is raised at once where none of the arguments is a target that is `beside` any study: what
    is asked for is known to onstart alone, which is not called for a dry run. The processes that
    jobs run in ask nothing.
    """
    if not workflow.is_main_process:
        return ""
    message = owner_mistake(workflow, mine)
    if message and not set(arguments) & set(beside):
        raise WorkflowError(message)
    return message
