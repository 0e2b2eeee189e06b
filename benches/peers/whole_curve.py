"""Single points of a curve of minimum-norm fits, one by one, in double precision.

    whole_curve.py samples|features SIZES FOLDER

FOLDER holds x, y, tx, ty as raw numbers.  Prints a line for each size: the size, the CPU
seconds of the fit and its test error, the test error, and the faster method
(numpy.linalg.lstsq, or an SVD and three products)."""

import statistics
import sys
import time
from pathlib import Path

import numpy as np

RUNS = 3
SHORTEST = 0.02         # seconds: shorter work is repeated within a run


def lstsq(x, y):
    return np.linalg.lstsq(x, y, rcond=None)[0]


def svd(x, y):
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    keep = s > max(x.shape) * np.finfo(float).eps * s[0]
    return vt[keep].T @ ((u[:, keep].T @ y) / s[keep])


def timed(fit, x, y, tx, ty, runs):
    def work():
        return np.mean((tx @ fit(x, y) - ty) ** 2)

    start = time.process_time()
    work()
    first = time.process_time() - start
    batch = max(1, round(SHORTEST / max(first, 1e-6)))
    times = [first] if batch == 1 else []
    while len(times) < runs:
        start = time.process_time()
        for _ in range(batch):
            work()
        times.append((time.process_time() - start) / batch)
    return statistics.median(times), work()


def main(axis, sizes, folder):
    x, y, tx, ty = (np.fromfile(folder / name) for name in ("x", "y", "tx", "ty"))
    x, tx = x.reshape(len(y), -1), tx.reshape(len(ty), -1)
    for size in map(int, sizes.split(",")):
        if axis == "samples":
            data = np.ascontiguousarray(x[:size]), y[:size], tx, ty
        else:
            data = np.ascontiguousarray(x[:, :size]), y, np.ascontiguousarray(tx[:, :size]), ty
        seconds, mse = timed(lstsq, *data, RUNS)
        way = "lstsq"
        if timed(svd, *data, 1)[0] < seconds:
            (seconds, mse), way = timed(svd, *data, RUNS), "svd"
        print(size, seconds, mse, way)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
