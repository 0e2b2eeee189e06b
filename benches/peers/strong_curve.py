"""A whole curve of minimum-norm fits in double precision, as fast as numpy and BLAS allow.

    strong_curve.py samples|features SIZES FOLDER

FOLDER holds x, y, tx, ty as raw numbers.  One QR factorisation and a running sum give all
points up to the threshold; from there on, each point is a rank-one update of an inverse.
This is cheap but not safe: rank deficiency goes unnoticed, errors grow with the square of
the condition number, and errors made at the threshold persist.

Prints the CPU seconds of the whole curve and of its half up to the threshold, then a line
for each of SIZES: the size and its test error."""

import statistics
import sys
import time
from pathlib import Path

import numpy as np
from scipy.linalg import qr, solve_triangular
from scipy.linalg.blas import dgemv, dger, dsymv, dsyr, dtrmm, dtrmv, dtrsm
from scipy.linalg.lapack import dtrtri

RUNS = 3


def compressed(tx, ty):
    """Returns a triangle and targets with the same errors as all test rows, or the test rows if they are few."""
    if len(tx) <= tx.shape[1]:
        return np.asfortranarray(tx), ty
    r = np.linalg.qr(np.column_stack([tx, ty]), mode="r")
    return np.asfortranarray(r[:, :-1]), r[:, -1].copy()


def running(images, z, target, count):
    """Returns the errors of the partial sums of z times the columns of images."""
    sums = np.cumsum(images * z, axis=1)
    sums -= target[:, None]
    return np.einsum("ij,ij->j", sums, sums) / count


def inverse_of_product(q, r):
    """Returns (Q R R' Q')^-1, of which only the upper triangle is used."""
    inverse, _ = dtrtri(r)
    root = dtrmm(1.0, inverse, np.asfortranarray(q.T), lower=0)
    return np.asfortranarray(root.T @ root)


def sample_wise(x, y, tx, ty):
    p, count = x.shape[1], len(ty)
    start = time.process_time()
    a, target = compressed(tx, ty)
    q, r = qr(x[:p].T, mode="economic", check_finite=False)
    z = solve_triangular(r, y[:p], trans=1)
    errors = np.empty(len(y))
    errors[:p] = running(a @ q, z, target, count)
    half = time.process_time() - start
    p_inverse = inverse_of_product(q, r)
    beta = q @ z
    square = np.asfortranarray(a[:p])
    times = dtrmv if len(a) > p else lambda a, b: dgemv(1.0, a, b)
    below = target[p:] @ target[p:]
    for i in range(p, len(y)):
        row = x[i]
        gain = dsymv(1.0, p_inverse, row)
        scale = 1.0 / (1.0 + row @ gain)
        beta += gain * (scale * (y[i] - row @ beta))
        p_inverse = dsyr(-scale, gain, a=p_inverse, overwrite_a=True)
        off = times(square, beta) - target[:p]
        errors[i] = (off @ off + below) / count
    return errors, time.process_time() - start, half


def model_wise(x, y, tx, ty):
    n, count = len(y), len(ty)
    start = time.process_time()
    a, target = compressed(tx, ty)
    q, r = qr(x[:, :n], mode="economic", check_finite=False)
    c = q.T @ y
    errors = np.empty(x.shape[1])
    # Rows of A R^-1.
    images = dtrsm(1.0, np.asfortranarray(r), a[:, :n], side=1)
    errors[:n] = running(images, c, target, count)
    half = time.process_time() - start
    # P = (X X')^-1 and B = A X' P
    p_inverse = inverse_of_product(q, r)
    b = np.asfortranarray(images @ q.T)
    predictions = b @ y
    alpha = p_inverse @ y
    columns = np.ascontiguousarray(x[:, n:].T)
    for i, column in enumerate(columns):
        gain = dsymv(1.0, p_inverse, column)
        scale = 1.0 / (1.0 + column @ gain)
        step = column @ alpha * scale
        rest = dgemv(-1.0, b, column, 1.0, a[:, n + i])
        b = dger(scale, rest, gain, a=b, overwrite_a=True)
        p_inverse = dsyr(-scale, gain, a=p_inverse, overwrite_a=True)
        alpha -= step * gain
        predictions += step * rest
        off = predictions - target
        errors[n + i] = off @ off / count
    return errors, time.process_time() - start, half


def main(axis, sizes, folder):
    x, y, tx, ty = (np.fromfile(folder / name) for name in ("x", "y", "tx", "ty"))
    x, tx = x.reshape(len(y), -1), tx.reshape(len(ty), -1)
    whole = sample_wise if axis == "samples" else model_wise
    runs = [whole(x, y, tx, ty) for _ in range(RUNS)]
    print(*(statistics.median(run[part] for run in runs) for part in (1, 2)))
    for size in map(int, sizes.split(",")):
        print(size, runs[0][0][size - 1])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
