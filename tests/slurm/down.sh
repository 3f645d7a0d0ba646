#!/usr/bin/env bash
# Ends what up.sh DIR started, by process id, and removes what it wrote.
set -uo pipefail
DIR=$1
CONF=/etc/slurm/slurm.conf
if grep -qsxF "StateSaveLocation=$DIR/state" $CONF; then  # else the Slurm that answers is another one
    timeout 10 scancel --user="$(id -un)" 2>/dev/null
    for _ in $(seq 50); do [ -z "$(timeout 5 squeue -h 2>/dev/null)" ] && break; sleep 0.2; done
fi
for daemon in slurmd-c1 slurmd-c2 slurmctld munged; do
    pid=$(cat "$DIR/run/$daemon.pid" 2>/dev/null) || continue
    grep -qsz -- "${daemon%%-*}" "/proc/$pid/cmdline" || continue  # the number may be another process's by now
    kill "$pid"
    for _ in $(seq 50); do [ -d "/proc/$pid" ] || break; sleep 0.1; done
    [ ! -d "/proc/$pid" ] || kill -9 "$pid"
done
grep -qsxF "StateSaveLocation=$DIR/state" $CONF && rm -f $CONF
rm -rf "$DIR"
