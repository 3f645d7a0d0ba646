"""Is there a cluster behind a profile?

Imported while the Snakefile is parsed, so it imports nothing slow.
"""

import shutil

# The programs that submit, watch and cancel jobs, by the executor; of cluster-generic by the program that it cancels with.
SLURM, LSF = ("Slurm", ["sbatch", "squeue", "scancel"]), ("LSF", ["bsub", "bjobs", "bkill"])
PROGRAMS = {"slurm": SLURM, "scancel": SLURM, "bkill": LSF}


def no_cluster(arguments, which=shutil.which):
    """Why no job can be submitted from here, and the way out; '' where it can be, or where no job is to run.

    `arguments` are Snakemake's own with those of its profiles, as snakemake.cli.parse_args gives them.
    """
    if arguments.dryrun or arguments.touch or arguments.unlock or arguments.lint or arguments.summary:
        return ""
    executor = arguments.executor
    if executor == "cluster-generic":
        executor = (arguments.cluster_generic_cancel_cmd or "").split(" ")[0]
    if executor not in PROGRAMS:
        return ""
    cluster, programs = PROGRAMS[executor]
    missing = [program for program in programs if which(program) is None]
    if not missing:
        return ""
    profiles = ", ".join(map(str, [*(arguments.profile or []), *filter(None, [arguments.workflow_profile])]))
    return (
        f"{profiles or f'--executor {arguments.executor}'}: sends jobs to {cluster}, but {', '.join(missing)} cannot be found here; "
        f"call Snakemake where jobs are submitted from (on many clusters a login node, after 'module load {cluster.lower()}'), "
        "or without the profile, to run on this machine"
    )
