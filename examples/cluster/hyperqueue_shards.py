#!/usr/bin/env python3
"""A study in shards on HyperQueue: the tables and figures have the bytes of one run.

    pip install hyperqueue
    python examples/cluster/hyperqueue_shards.py --workers 2 -- double-descent ablations --repeats 200000

The program says into how many shards the work is to be cut, of minutes each, the most expensive first, or --shards does.
Without --server a cluster of this machine alone is started, of WORKERS workers with one core each. With --server DIR
the shards go to a server that runs (`hq server start --server-dir DIR`), whose workers may come from Slurm or PBS
(`hq alloc add slurm --time-limit 1h`). Every shard writes a record to the results' folder, which all workers must see. A
worker that is lost costs the repeats under way: its shard is started again and goes on with its record. When nothing is
missing, the records are merged.
"""

import argparse
import re
import shlex
import subprocess
import sys

from hyperqueue import Client, Job, LocalCluster
from hyperqueue.cluster import WorkerConfig


def submit(client, command, shards, log):
    """Runs some shards, and waits for all of them, whatever comes of each."""
    job = Job(max_fails=None, name="double-descent")
    for shard in shards:
        where = {"stdout": None, "stderr": None}
        if log:
            name = f"{log}/shard-{shard.replace('/', '-of-')}"
            where = {"stdout": f"{name}.out", "stderr": f"{name}.err"}
        job.program([*command, "--shard", shard], name=shard, crash_limit=20, **where)
    client.wait_for_jobs([client.submit(job)], raise_on_error=False)


def shards(command, which):
    """The shards that the program itself names: by `plan/W` all, for W workers, by `resume` those that are not complete."""
    lines = subprocess.run([*command, "--shard", which], check=True, text=True, stdout=subprocess.PIPE).stdout
    return re.findall(r" --shard (\d+/\d+)$", lines, flags=re.MULTILINE)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, help="how many parts; left out, as many as take minutes each")
    parser.add_argument("--workers", type=int, default=2, help="workers of one core; started without --server")
    parser.add_argument("--server", help="folder of a HyperQueue server that runs")
    parser.add_argument("--attempts", type=int, default=3, help="how many times a shard that fails is started")
    parser.add_argument("--log", help="folder for what each shard says; left out, it is dropped")
    parser.add_argument("command", nargs="+", help="the study with its flags")
    args = parser.parse_args()
    has_threads = "--threads" in args.command
    command = args.command if has_threads else [*args.command, "--threads", "1"]

    cluster = None if args.server else LocalCluster()
    try:
        for _ in range(0 if args.server else args.workers):
            cluster.start_worker(WorkerConfig(cores=1))
        client = Client(args.server) if args.server else cluster.client()
        every = [f"{k}/{args.shards}" for k in range(1, (args.shards or 0) + 1)]
        missing = every or shards(command, f"plan/{args.workers}")
        for _ in range(args.attempts):
            submit(client, command, missing, args.log)
            missing = shards(command, "resume")
            if not missing:
                break
    finally:
        if cluster:
            cluster.stop()
    if missing:
        sys.exit(f"after {args.attempts} attempts missing: {', '.join(missing)} of {shlex.join(command)}")
    # On as many threads as there were workers here, or on all of this machine.
    merge = [*args.command, "--threads", str(args.workers)] if not (has_threads or args.server) else args.command
    sys.exit(subprocess.run([*merge, "--shard", "merge"]).returncode)


if __name__ == "__main__":
    main()
