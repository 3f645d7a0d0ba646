#!/bin/sh
# status.sh JOB: the state of an LSF job for Snakemake: running, success or failed. The reason of a failure goes to stderr.
state=$(bjobs -noheader -o stat "$1" 2>&1)
case "$state" in
    DONE*) echo success ;;
    EXIT* | ZOMBI* | *"is not found"*)
        echo "LSF job $1: $(bjobs -noheader -o exit_reason "$1" 2>&1)" >&2
        echo failed ;;
    *) echo running ;;  # also while LSF does not answer: jobs keep running
esac
