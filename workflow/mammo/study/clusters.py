"""Is there a cluster behind a profile?

Imported while the Snakefile is parsed, so it imports nothing slow.
"""

import contextlib
import io
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Scheduler(NamedTuple):
    """A batch system: its name, and its programs.

    `submit` submits jobs, `watch` lists them, `cancel` cancels those whose numbers it is given.
    With the arguments `listing`, `watch` prints "number|folder" of each unfinished job of {user}:
    profiles/recover.py goes by that. `executor` is Snakemake's own plugin for it, '' for none.
    """

    name: str
    submit: str
    watch: str
    cancel: str
    listing: list[str]
    executor: str = ""


SCHEDULERS = [
    Scheduler(
        name="Slurm",
        submit="sbatch",
        watch="squeue",
        cancel="scancel",
        listing=["--noheader", "--user={user}", "--format=%A|%Z"],
        executor="slurm",
    ),
    Scheduler(
        name="LSF",
        submit="bsub",
        watch="bjobs",
        cancel="bkill",
        listing=["-noheader", "-o", "jobid sub_cwd delimiter='|'"],
    ),
]
IN_POD = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # where a pod finds its cluster


def options_of(workflow: Any, arguments: Sequence[str]) -> Any:
    """Snakemake's options of this call, with those of its profiles.

    They are read once more, from where Snakemake was called: it has not said yet who runs jobs.
    """
    from snakemake.cli import parse_args

    with contextlib.chdir(workflow.rundir), contextlib.redirect_stderr(io.StringIO()):
        return parse_args(list(arguments))[1]


def no_cluster(options: Any, which: Callable[[str], str | None] = shutil.which) -> str:
    """Why no job can be submitted from here, and the way out.

    It is '' where jobs can be submitted, or where none is to run. `options` are as `options_of`
    gives them.
    """
    if options.dryrun or options.touch or options.unlock or options.lint or options.summary:
        return ""
    named = [*(options.profile or []), *filter(None, [options.workflow_profile])]
    profiles = ", ".join(map(str, named)) or f"--executor {options.executor}"
    executor = options.executor
    if executor == "kubernetes":
        return _no_kubernetes(profiles)
    cancel = ""
    if executor == "cluster-generic":
        given = options.cluster_generic_cancel_cmd  # what stands for "not given" is no text
        cancel = given.split(" ")[0] if isinstance(given, str) else ""
    found = [one for one in SCHEDULERS if one.executor == executor or one.cancel == cancel]
    if not found:
        return ""
    cluster, programs = found[0].name, [found[0].submit, found[0].watch, found[0].cancel]
    missing = [program for program in programs if which(program) is None]
    if not missing:
        return ""
    return (
        f"{profiles}: sends jobs to {cluster}, but {', '.join(missing)} cannot be found here;"
        " call Snakemake where jobs are submitted from (on many clusters a login node, after"
        f" 'module load {cluster.lower()}'), or without the profile, to run on this machine"
    )


def _no_kubernetes(profiles: str, environment: Mapping[str, str] = os.environ) -> str:
    named = environment.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    sends = f"{profiles}: sends jobs to Kubernetes, but"
    if not any(Path(path).is_file() for path in [*named.split(os.pathsep), IN_POD]):
        return (
            f"{sends} {named} is not there, which would name a cluster; let $KUBECONFIG name"
            " kubectl's configuration, or call Snakemake without the profile, to run on this"
            " machine"
        )
    import urllib3  # these come with the plugin, which few have
    from kubernetes import client, config

    settings = client.Configuration()
    settings.retries = False
    try:
        try:
            config.load_kube_config(named, client_configuration=settings)
        except config.ConfigException:  # as the plugin does
            config.load_incluster_config(client_configuration=settings)
        client.VersionApi(client.ApiClient(settings)).get_code(
            _request_timeout=10, _preload_content=False
        )
    except config.ConfigException:
        way_out = "choose one: kubectl config use-context NAME"
        return f"{sends} {named} has no current context; {way_out}"
    except (client.ApiException, urllib3.exceptions.HTTPError) as error:
        why = getattr(error, "reason", None) or error
        return f"{sends} {settings.host}, which {named} names, does not answer: {why}"
    return ""
