#!/bin/sh
# status.sh JOB: what Snakemake wants to know of an LSF job: running, success or failed. Why it failed goes to the terminal.
state=$(bjobs -noheader -o stat "$1" 2>&1)
case "$state" in
    DONE*) echo success ;;
    EXIT* | ZOMBI* | *"is not found"*)
        echo "LSF job $1: $(bjobs -noheader -o exit_reason "$1" 2>&1)" >&2
        echo failed ;;
    *) echo running ;;  # also where LSF does not answer: jobs run on without it
esac
