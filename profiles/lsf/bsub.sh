#!/bin/sh
# bsub.sh OPTIONS COMMAND: bsub, but it prints only the number of "Job <7> is submitted to queue <normal>.",
# which Snakemake keeps.
said=$(bsub "$@") || exit
number=$(printf '%s\n' "$said" | sed -n 's/^Job <\([0-9][0-9]*\)>.*/\1/p')
[ -n "$number" ] || { echo "bsub gave no job's number: $said" >&2; exit 1; }
echo "$number"
