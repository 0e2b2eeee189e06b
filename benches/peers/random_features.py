"""Random Fourier features cos(X W + b) in double precision.

    random_features.py FOLDER N D P ROUNDS

FOLDER holds x (n x d), w (d x p) and b (p) as raw numbers.  Writes the features to FOLDER/z and
prints the CPU seconds of the fastest of four methods, as the median of ROUNDS rounds: the plain
formula, bias and cosine in place, in place in reused memory, and with x sparse."""

import statistics
import sys
import time
from pathlib import Path

import numpy as np
import scipy.sparse

KEPT = {}


def formula(x, w, b):
    return np.cos(x @ w + b)


def in_place(x, w, b):
    z = x @ w
    z += b
    return np.cos(z, out=z)


def in_kept_memory(x, w, b):
    z = KEPT.setdefault("z", np.empty((len(x), len(b))))
    np.matmul(x, w, out=z)
    z += b
    return np.cos(z, out=z)


def sparse(x, w, b):
    z = scipy.sparse.csr_array(x) @ w
    z += b
    return np.cos(z, out=z)


def main(folder, n, d, p, rounds):
    x, w, b = (np.fromfile(folder / name) for name in ("x", "w", "b"))
    x, w = x.reshape(n, d), w.reshape(d, p)
    times = {way: [] for way in (formula, in_place, in_kept_memory, sparse)}
    for way in times:
        z = way(x, w, b)
    z.tofile(folder / "z")
    for _ in range(rounds):
        for way, seconds in times.items():
            start = time.process_time()
            way(x, w, b)
            seconds.append(time.process_time() - start)
    print(min(map(statistics.median, times.values())))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
