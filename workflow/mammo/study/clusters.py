"""Is there a cluster behind a profile?

Imported while the Snakefile is parsed, so it imports nothing slow.
"""

import os
import shutil
from pathlib import Path

# The programs that submit, watch and cancel jobs, by the executor; of cluster-generic by the program that it cancels with.
SLURM, LSF = ("Slurm", ["sbatch", "squeue", "scancel"]), ("LSF", ["bsub", "bjobs", "bkill"])
PROGRAMS = {"slurm": SLURM, "scancel": SLURM, "bkill": LSF}


# Where a pod finds the cluster that it runs in.
IN_POD = "/var/run/secrets/kubernetes.io/serviceaccount/token"


def no_cluster(arguments, which=shutil.which):
    """Why no job can be submitted from here, and the way out; '' where it can be, or where no job is to run.

    `arguments` are Snakemake's own with those of its profiles, as snakemake.cli.parse_args gives them.
    """
    if (
        arguments.dryrun
        or arguments.touch
        or arguments.unlock
        or arguments.lint
        or arguments.summary
    ):
        return ""
    profiles = ", ".join(
        map(str, [*(arguments.profile or []), *filter(None, [arguments.workflow_profile])])
    )
    profiles = profiles or f"--executor {arguments.executor}"
    executor = arguments.executor
    if executor == "kubernetes":
        return _no_kubernetes(profiles)
    if executor == "cluster-generic":
        cancel = arguments.cluster_generic_cancel_cmd  # what stands for "not given" is no text
        executor = cancel.split(" ")[0] if isinstance(cancel, str) else ""
    if executor not in PROGRAMS:
        return ""
    cluster, programs = PROGRAMS[executor]
    missing = [program for program in programs if which(program) is None]
    if not missing:
        return ""
    return (
        f"{profiles}: sends jobs to {cluster}, but {', '.join(missing)} cannot be found here; "
        f"call Snakemake where jobs are submitted from (on many clusters a login node, after 'module load {cluster.lower()}'), "
        "or without the profile, to run on this machine"
    )


def _no_kubernetes(profiles, environment=os.environ):
    named = environment.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    if not any(Path(path).is_file() for path in [*named.split(os.pathsep), IN_POD]):
        return (
            f"{profiles}: sends jobs to Kubernetes, but {named} is not there, which would tell of a cluster; let $KUBECONFIG name "
            "kubectl's configuration, or call Snakemake without the profile, to run on this machine"
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
        return f"{profiles}: sends jobs to Kubernetes, but {named} has no current context; choose one: kubectl config use-context NAME"
    except (client.ApiException, urllib3.exceptions.HTTPError) as error:
        why = getattr(error, "reason", None) or error
        return f"{profiles}: sends jobs to Kubernetes, but {settings.host}, which {named} names, does not answer: {why}"
    return ""
