"""Thin singular value decompositions in double precision, one thread, unchecked.

    svd.py FOLDER

Each file NxPxCOUNT of FOLDER holds COUNT matrices of N × P raw numbers.  Prints a
line for each: its name, the fastest way, CPU seconds for all COUNT of them, and
the sum of all singular values.  The ways: numpy.linalg.svd, of many at once where
there are many, and scipy.linalg.svd with either driver where there is scipy."""

import statistics
import sys
import time
from pathlib import Path

import numpy as np

try:
    import scipy.linalg
except ImportError:
    scipy = None

RUNS = 3
SHORTEST = 0.05         # seconds: shorter work is done many times a run


def numpy_svd(x):
    return np.linalg.svd(x, full_matrices=False)[1].sum()


def scipy_svd(driver):
    def way(x):
        return sum(scipy.linalg.svd(one, full_matrices=False, check_finite=False,
                                    lapack_driver=driver)[1].sum() for one in x)
    return way


def seconds(way, x, batch):
    start = time.process_time()
    for _ in range(batch):
        way(x)
    return (time.process_time() - start) / batch


def main(folder):
    ways = {"numpy": numpy_svd}
    if scipy:
        ways |= {f"scipy_{driver}": scipy_svd(driver) for driver in ("gesdd", "gesvd")}
    for path in sorted(folder.iterdir()):
        n, p, count = map(int, path.name.split("x"))
        x = np.fromfile(path).reshape(count, n, p)
        first = {}
        for name, way in ways.items():
            way(x[:1])                                  # caches and code
            first[name] = seconds(way, x, 1)
        best = min(first.values())
        timed = {}
        for name, once in first.items():
            if once <= 2 * best:                        # the others are out of the race
                batch = max(1, round(SHORTEST / max(once, 1e-6)))
                timed[name] = statistics.median(seconds(ways[name], x, batch)
                                                for _ in range(RUNS))
        name = min(timed, key=timed.get)
        print(path.name, name, timed[name], ways[name](x), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
