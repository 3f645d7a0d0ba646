#!/bin/sh
# status.sh JOB: the state of a Slurm job for Snakemake: running, success or failed. The reason of a failure goes to stderr.
if said=$(squeue --noheader --states=all --jobs="$1" --format=%T 2>&1); then
    state=$said
elif [ "${said#*Invalid job id}" = "$said" ]; then
    state=UNANSWERED  # the controller is down or busy: jobs keep running
fi
if [ -z "$state" ]; then  # the controller has forgotten the job (MinJobAge); the accounting database, if any, has not
    state=$(sacct --noheader --allocations --jobs="$1" --format=State%-20 2>/dev/null | head -n 1)
fi
case "$state" in
    COMPLETED*) echo success ;;
    "" | BOOT_FAIL* | CANCELLED* | DEADLINE* | FAILED* | NODE_FAIL* | OUT_OF_MEMORY* | PREEMPTED* | REVOKED* | TIMEOUT*)
        log=.snakemake/log/slurm-$1.log
        echo "Slurm job $1: ${state:-forgotten by Slurm}; log: $log" >&2
        grep -s '^slurmstepd' "$log" | tail -n 1 >&2  # Slurm's message about exceeded memory or time
        echo failed ;;
    *) echo running ;;
esac
