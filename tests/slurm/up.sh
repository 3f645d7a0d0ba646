#!/usr/bin/env bash
# A real Slurm for tests: a controller and two virtual nodes, all on loopback, without systemd, cgroups or a database.
# Needs root and the packages slurmctld, slurmd, slurm-client and munge (Debian's names). All it writes lies in DIR, but for
# /etc/slurm/slurm.conf: srun inside a job looks at that path alone. down.sh DIR ends it and removes both.
set -euo pipefail
DIR=$1
CONF=/etc/slurm/slurm.conf
MARK="# of the tests' Slurm"
HOST=$(hostname -s)

die() { echo "$*" >&2; tail -n 20 "$DIR"/log/*.log >&2 || true; exit 1; }

[ "$(id -u)" = 0 ] || { echo "Slurm's daemons need root" >&2; exit 1; }
command -v slurmctld slurmd sbatch munged >/dev/null || { echo "Slurm or munge is not installed" >&2; exit 1; }
if [ -e $CONF ]; then
    grep -qF "$MARK" $CONF || { echo "this machine has a Slurm of its own: $CONF" >&2; exit 1; }
    "$(dirname "$0")/down.sh" "$(sed -n 's|^StateSaveLocation=\(.*\)/state$|\1|p' $CONF)"  # a killed test left it
fi
grep -qE "[[:space:]]$HOST([[:space:]]|\$)" /etc/hosts || echo "127.0.0.1 $HOST" >> /etc/hosts

mkdir -p "$DIR"/{run,log,state} "$(dirname $CONF)"
chmod 755 "$DIR"
chown slurm: "$DIR"/{run,log,state}
MEMORY=$(awk '/^MemTotal/ {print int($2 / 1024 * 0.45)}' /proc/meminfo)  # of each node, in MB
cat > $CONF <<CONF_END
$MARK
ClusterName=tests
SlurmctldHost=$HOST(127.0.0.1)
SlurmctldPort=26817
SlurmUser=slurm
SlurmdUser=root
# on the nodes' addresses, which are 127.0.0.1, not on all
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation=$DIR/state
SlurmdSpoolDir=$DIR/spool-%n
SlurmctldPidFile=$DIR/run/slurmctld.pid
SlurmdPidFile=$DIR/run/slurmd-%n.pid
SlurmctldLogFile=$DIR/log/slurmctld.log
SlurmdLogFile=$DIR/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0,bf_interval=2
# memory is looked at every second; a job over its --mem is killed
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill,UsePss
AccountingStorageType=accounting_storage/none
MinJobAge=3600
KillWait=5
JobRequeue=0
EnforcePartLimits=ALL
ReturnToService=2
SlurmdParameters=config_overrides
NodeName=c[1-2] NodeHostname=$HOST NodeAddr=127.0.0.1 Port=[27001-27002] CPUs=4 RealMemory=$MEMORY State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES DefMemPerCPU=250 DefaultTime=60 MaxTime=1-00:00:00 State=UP
CONF_END

if ! munge -n </dev/null >/dev/null 2>&1; then
    install -d -o munge -g munge -m 0755 /run/munge
    [ -s /etc/munge/munge.key ] || (umask 077; head -c 128 /dev/urandom > /etc/munge/munge.key; chown munge: /etc/munge/munge.key)
    setpriv --reuid=munge --regid=munge --clear-groups /usr/sbin/munged
    for _ in $(seq 50); do munge -n </dev/null >/dev/null 2>&1 && break; sleep 0.1; done
    cp /run/munge/munged.pid "$DIR/run/munged.pid" || die "munged does not answer"
fi
slurmctld </dev/null
for node in c1 c2; do slurmd -N $node </dev/null; done

for _ in $(seq 150); do
    [ "$(sinfo -h -N -t idle -o %N 2>/dev/null | sort -u | wc -l)" = 2 ] && exit 0
    sleep 0.2
done
die "the nodes did not come up within 30 s"
