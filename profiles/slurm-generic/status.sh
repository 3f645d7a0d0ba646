#!/bin/sh
# status.sh JOB: what Snakemake wants to know of a Slurm job: running, success or failed. Why it failed goes to the terminal.
if said=$(squeue --noheader --states=all --jobs="$1" --format=%T 2>&1); then
    state=$said
elif [ "${said#*Invalid job id}" = "$said" ]; then
    state=UNANSWERED  # the controller is away, or busy: jobs run on without it
fi
if [ -z "$state" ]; then  # ended so long ago (MinJobAge) that the controller forgot it; the accounting, if there is one, did not
    state=$(sacct --noheader --allocations --jobs="$1" --format=State%-20 2>/dev/null | head -n 1)
fi
case "$state" in
    COMPLETED*) echo success ;;
    "" | BOOT_FAIL* | CANCELLED* | DEADLINE* | FAILED* | NODE_FAIL* | OUT_OF_MEMORY* | PREEMPTED* | REVOKED* | TIMEOUT*)
        log=.snakemake/log/slurm-$1.log
        echo "Slurm job $1: ${state:-forgotten by Slurm}; log: $log" >&2
        grep -s '^slurmstepd' "$log" | tail -n 1 >&2  # Slurm's own word, of memory or time that ran out
        echo failed ;;
    *) echo running ;;
esac
