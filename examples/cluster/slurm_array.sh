#!/bin/bash
#SBATCH --job-name=double-descent
#SBATCH --array=1-8
#SBATCH --ntasks=1 --cpus-per-task=1 --time=01:00:00
# A study in eight shards on Slurm: sbatch slurm_array.sh ablations --repeats 200. The program must be on the PATH, and the
# folder of the results be one that all nodes see. Then, on one machine: double-descent merge results/ablations
# What is missing (a node that was lost, a time limit): double-descent resume results/ablations; or the whole array again,
# which goes on where it was.
exec double-descent "$@" --threads 1 --shard auto/8
