"""Minimum-norm fits of random Fourier features, cell by cell, on parts of one table.

    fourier_plane.py FOLDER N:P,N:P,... [LSTSQ_BELOW]

FOLDER holds x, y, tx, ty (raw inputs and targets), w (features x inputs) and b as raw
numbers.  Prints `features <CPU seconds>` for cos(x w' + b) of all rows, computed once and
sliced for all cells.  Then prints `n p seconds mse method` for each cell: the CPU seconds
of fit and predictions together, the test error, and the fastest method.  The methods are
scipy's QR, which applies the orthogonal factor without forming it, numpy.linalg.lstsq, and
scipy.linalg.lstsq by pivoted QR.  The least squares routines are slower, and are tried
only if min(n, p) < LSTSQ_BELOW."""

import statistics
import sys
import time
from pathlib import Path

import numpy as np
import scipy.linalg
from scipy.linalg import lapack

SHORT = 3.0             # seconds: shorter work is timed three times


def features(x, w, b):
    z = x @ w.T
    z += b
    return np.cos(z, out=z)


def by_qr(x, y):
    """Solves R b = Q'y, or computes b = Q R^-T y from the QR of the transposed matrix."""
    n, p = x.shape
    matrix = x if n >= p else x.T
    small = min(n, p)
    (qr, tau), r = scipy.linalg.qr(matrix, mode="raw", check_finite=False)
    r = r[:small, :small]
    k = y.shape[1]
    if n >= p:
        c = np.asfortranarray(y)
        work = lapack.dormqr("L", "T", qr, tau, c, -1)[1]
        c = lapack.dormqr("L", "T", qr, tau, c, int(work[0]))[0]
        return scipy.linalg.solve_triangular(r, c[:small], check_finite=False)
    z = np.zeros((p, k), order="F")
    z[:n] = scipy.linalg.solve_triangular(r, y, trans="T", check_finite=False)
    work = lapack.dormqr("L", "N", qr, tau, z, -1)[1]
    return lapack.dormqr("L", "N", qr, tau, z, int(work[0]))[0]


def by_numpy(x, y):
    return np.linalg.lstsq(x, y, rcond=None)[0]


def by_scipy(x, y):
    return scipy.linalg.lstsq(x, y, lapack_driver="gelsy", check_finite=False)[0]


def timed(work):
    start = time.process_time()
    result = work()
    times = [time.process_time() - start]
    while times[0] < SHORT and len(times) < 3:
        start = time.process_time()
        result = work()
        times.append(time.process_time() - start)
    return statistics.median(times), result


def main(folder, cells, below):
    x, y, tx, ty, w, b = (np.fromfile(folder / name) for name in ("x", "y", "tx", "ty", "w", "b"))
    w = w.reshape(len(b), -1)
    x, tx = x.reshape(-1, w.shape[1]), tx.reshape(-1, w.shape[1])
    y, ty = y.reshape(len(x), -1), ty.reshape(len(tx), -1)
    train_time, train = timed(lambda: features(x, w, b))
    test_time, test = timed(lambda: features(tx, w, b))
    print("features", train_time + test_time, flush=True)
    for cell in cells.split(","):
        n, p = map(int, cell.split(":"))
        part, targets, rows = train[:n, :p], y[:n], test[:, :p]
        ways = {"qr": by_qr}
        if min(n, p) < below:
            ways |= {"numpy.lstsq": by_numpy, "scipy.lstsq": by_scipy}
        best = None
        for name, fit in ways.items():
            seconds, mse = timed(lambda: np.mean((rows @ fit(part, targets) - ty) ** 2))
            if best is None or seconds < best[0]:
                best = seconds, mse, name
        print(n, p, *best, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 0)
