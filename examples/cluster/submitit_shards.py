#!/usr/bin/env python3
"""A study in shards by submitit: on Slurm where there is one, else as processes of this machine.

    pip install submitit
    python examples/cluster/submitit_shards.py --shards 8 -- double-descent ablations --repeats 200

The folder of the results must be one that all nodes see. Jobs that failed, or came to their time limit, are named; run
the same command again, and what is missing is computed.
"""

import argparse
import subprocess
import sys

import submitit


def shard(command, place):
    subprocess.run([*command, "--shard", place], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--minutes", type=int, default=60, help="time limit of a shard")
    parser.add_argument("--folder", default="submitit", help="folder for what submitit writes")
    parser.add_argument("--engine", help="`slurm` or `local`; left out, what is there")
    parser.add_argument("command", nargs="+", help="the study with its flags")
    args = parser.parse_args()
    command = args.command if "--threads" in args.command else [*args.command, "--threads", "1"]

    executor = submitit.AutoExecutor(folder=args.folder, cluster=args.engine)
    executor.update_parameters(name="double-descent", timeout_min=args.minutes, cpus_per_task=1)
    places = [f"{k}/{args.shards}" for k in range(1, args.shards + 1)]
    jobs = executor.map_array(lambda place: shard(command, place), places)
    for job in jobs:
        if job.exception() is not None:
            print(f"{job.job_id}: {job.exception()}", file=sys.stderr)
    # An error here names what is missing.
    sys.exit(subprocess.run([*command, "--shard", "merge"]).returncode)


if __name__ == "__main__":
    main()
