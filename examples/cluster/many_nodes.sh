#!/usr/bin/env bash
# What it takes to merge the records of as many nodes, simulated on one machine: shards of one repeat each, as processes
# and files. Prints what `docs/past_one_machine.md` has in its table. The program must be on the PATH.
# Usage: many_nodes.sh NODES, such as 10000, which takes some minutes.
set -euo pipefail
nodes=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
study=(ablations --dataset diabetes --sizes 5,10,20 --repeats "$nodes" --threads 1)
run="double-descent ${study[*]} --out $work/nodes --shard"
seq "$nodes" | xargs -P "$(nproc)" -I{} sh -c "$run {}/$nodes > /dev/null 2>&1"

folder=$work/nodes/diabetes/shards
echo "files, bytes, bytes with blocks: $(find "$folder" -type f | wc -l)," \
  "$(find "$folder" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }')," \
  "$(du -s --block-size=1 "$folder" | cut -f 1)"
for part in status tables merge; do
  # CPU seconds of the program, and the most memory that it had, in KiB.
  python3 - "$part" ${run% --shard} << 'EOF'
import resource, subprocess, sys
part, *words = sys.argv[1:]
subprocess.run([*words, "--shard", part], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"{part}: {used.ru_utime + used.ru_stime:.2f} s of CPU, {used.ru_maxrss / 1024:.0f} MiB")
EOF
done
double-descent "${study[@]}" --out "$work/one" --no-figures > /dev/null 2>&1
for table in cells summary; do
  cmp "$work/one/diabetes/$table.csv" "$work/nodes/diabetes/$table.csv"
done
echo "the bytes of one run"
