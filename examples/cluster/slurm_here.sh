#!/bin/bash
# A Slurm of this machine alone, from Debian's packages, unpacked and not installed: to try job arrays where there is no
# cluster.
#
#   . examples/cluster/slurm_here.sh FOLDER    # starts it; sbatch, srun, squeue and scancel are on the PATH then
#   slurm_vanish; slurm_return                 # its node is lost with all that runs there; it is back
#   slurm_stop                                 # stops it
#
# Needs Debian (written for 12, Slurm 22.05) or what can unpack its packages, apt-get's lists, and root, as which slurmd runs.

slurm_start() {
  local root=$1 host cpus
  root=$(mkdir -p "$1" && cd "$1" && pwd) || return
  host=$(hostname -s)
  cpus=$(nproc)
  if [ ! -x "$root/usr/bin/sbatch" ]; then
    (cd "$root" && apt-get download -q slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge libmunge2 \
      libhwloc15 liblua5.1-0 > apt.log 2>&1 && for package in *.deb; do dpkg -x "$package" . || exit; done) || {
      cat "$root/apt.log"
      return 1
    }
    # Debian's alternatives, which an installation would have linked.
    for name in slurmctld slurmd slurmstepd; do ln -sf "$name-wlm" "$root/usr/sbin/$name"; done
  fi
  export PATH="$root/usr/bin:$PATH" SLURM_CONF="$root/slurm.conf"
  LD_LIBRARY_PATH=$(dirname "$(find "$root/usr/lib" -name 'libhwloc.so.*' | head -n 1)"):$(
    find "$root/usr/lib" -type d -name slurm-wlm | head -n 1):${LD_LIBRARY_PATH:-}
  export LD_LIBRARY_PATH
  mkdir -p "$root/state" "$root/spool"
  cat > "$SLURM_CONF" << CONF
ClusterName=here
SlurmctldHost=$host(127.0.0.1)
AuthType=auth/none
CredType=cred/none
SlurmUser=root
SlurmdUser=root
PluginDir=$(find "$root/usr/lib" -type d -name slurm-wlm | head -n 1)
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation=$root/state
SlurmdSpoolDir=$root/spool
SlurmctldPidFile=$root/slurmctld.pid
SlurmdPidFile=$root/slurmd.pid
SlurmctldLogFile=$root/slurmctld.log
SlurmdLogFile=$root/slurmd.log
MpiDefault=none
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus State=UNKNOWN
PartitionName=here Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
  "$root/usr/sbin/slurmctld" || return
  "$root/usr/sbin/slurmd" -d "$root/usr/sbin/slurmstepd" || return
  SLURM_HERE=$root
  # Until the node has said that it is there.
  for _ in $(seq 100); do
    sinfo -h -o %T 2> /dev/null | grep -q idle && return 0
    sleep 0.2
  done
  tail "$root/slurmctld.log" "$root/slurmd.log"
  return 1
}

# As the power switch would: the node's daemon, those of its jobs and their processes get no chance to say anything.
slurm_vanish() {
  local processes daemons
  processes=$(scontrol listpids 2> /dev/null | awk 'NR > 1 && $1 > 0 { print $1 }')
  daemons=$(for process in $processes; do ps -o ppid= -p "$process"; done | awk '$1 > 1' | sort -u)
  kill -9 "$(cat "$SLURM_HERE/slurmd.pid")"
  # shellcheck disable=SC2086 # one word for each process
  kill -9 $daemons $processes 2> /dev/null
  scontrol update nodename="$(hostname -s)" state=down reason=vanished
  # Jobs that were lost with it wait to be run again.
  scancel --name=double-descent
  for _ in $(seq 100); do
    [ -z "$(squeue -h)" ] && return 0
    sleep 0.2
  done
}

slurm_return() {
  "$SLURM_HERE/usr/sbin/slurmd" -d "$SLURM_HERE/usr/sbin/slurmstepd" || return
  for _ in $(seq 100); do
    scontrol update nodename="$(hostname -s)" state=resume 2> /dev/null || true # it may be back by itself
    sinfo -h -o %T | grep -q idle && return 0
    sleep 0.2
  done
  return 1
}

slurm_stop() {
  for daemon in slurmd slurmctld; do
    [ -e "$SLURM_HERE/$daemon.pid" ] && kill "$(cat "$SLURM_HERE/$daemon.pid")"
  done
  true
}

slurm_start "${1:-slurm-here}"
