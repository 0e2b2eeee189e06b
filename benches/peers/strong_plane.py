"""Minimum-norm fits of random Fourier features for a list of n and a list of p, as fast as LAPACK allows.

    strong_plane.py FOLDER N,N,... P,P,...

FOLDER holds x, y, tx, ty, w and b as in `fourier_plane.py`.  One triangle grows along n for all p <= n, another
along p for all n < p.  LAPACK's tpqrt adds each block of rows, so that all cells share two factorisations.  Each
step solves all its cells by one triangular solve, and one product gives the predictions of all cells with the same
p.  Cells with n < p use the corrected semi-normal equations, which need no orthogonal factor.

Prints the CPU seconds of everything, including the features, then `n p mse` for each cell."""

import sys
import time
from pathlib import Path

import numpy as np
from scipy.linalg import solve_triangular
from scipy.linalg.lapack import dgeqrf, dormqr, dtpmqrt, dtpqrt

BLOCK = 32


def features(x, w, b):
    z = x @ w.T
    z += b
    return np.cos(z, out=z)


class Growing:
    """The R factor of rows added in blocks, and extra columns to which the same rotations are applied."""

    def __init__(self, width, beside):
        self.table = np.zeros((width, width + beside), order="F")
        self.width, self.count = width, 0

    def take(self, rows):
        """Adds rows, each with its extra columns."""
        width, count = self.width, self.count
        rows = np.asfortranarray(rows)
        if count:
            triangle = np.asfortranarray(self.table[:count, :count])
            head = np.asfortranarray(rows[:, :count])
            triangle, head, factor, info = dtpqrt(0, min(BLOCK, count), triangle, head, overwrite_a=1, overwrite_b=1)
            assert info == 0
            self.table[:count, :count] = triangle
            if count == self.table.shape[1]:
                return
            above, below, info = dtpmqrt(
                0, head, factor, np.asfortranarray(self.table[:count, count:]),
                np.asfortranarray(rows[:, count:]), side="L", trans="T", overwrite_a=1, overwrite_b=1)
            assert info == 0
            self.table[:count, count:] = above
        else:
            below = rows
        left = min(len(rows), width - count)
        if left > 0:
            head = np.asfortranarray(below[:, :width - count])
            qr, tau, _, info = dgeqrf(head, lwork=64 * head.shape[1], overwrite_a=1)
            assert info == 0
            self.table[count:count + left, count:width] = np.triu(qr[:left])
            if below.shape[1] > width - count:
                tail = np.asfortranarray(below[:, width - count:])
                tail, _, info = dormqr("L", "T", qr[:, :len(tau)], tau, tail, 64 * tail.shape[1], overwrite_c=1)
                assert info == 0
                self.table[count:count + left, width:] = tail[:left]
            self.count += left

    def triangle(self):
        return np.asfortranarray(self.table[:self.count, :self.count])

    def beside(self):
        return self.table[:self.count, self.width:]


def masked(values, sizes):
    """Returns copies of `values` side by side, one per size, with the rows past that size set to zero."""
    out = np.zeros((len(values), len(sizes) * values.shape[1]), order="F")
    for i, size in enumerate(sizes):
        out[:size, i * values.shape[1]:(i + 1) * values.shape[1]] = values[:size]
    return out


def tall(z, y, samples, sizes, found):
    """Solves the cells with p <= n: appends (n, coefficients) to found[p]."""
    growing = Growing(min(max(sizes), max(samples)), y.shape[1])
    width, start = growing.width, 0
    for n in samples:
        growing.take(np.column_stack([z[start:n, :width], y[start:n]]))
        start = n
        here = [p for p in sizes if p <= n]
        if here:
            beta = solve_triangular(growing.triangle(), masked(growing.beside(), here), check_finite=False)
            for i, p in enumerate(here):
                found[p].append((n, beta[:p, i * y.shape[1]:(i + 1) * y.shape[1]].copy()))


def wide(z, y, samples, sizes, found):
    """Does the same for the cells with n < p."""
    below = [n for n in samples if n < max(sizes)]
    if not below:
        return
    growing, start, k = Growing(max(below), 0), 0, y.shape[1]
    for p in sizes:
        part = z[:growing.width, :p]
        growing.take(part[:, start:].T)
        start = p
        here = [n for n in below if n < p]
        if not here:
            continue
        largest = here[-1]
        r = np.asfortranarray(growing.table[:largest, :largest])
        part = part[:largest]

        def solution(targets):
            forward = solve_triangular(r, targets, trans="T", check_finite=False)
            for i, n in enumerate(here):
                forward[n:, i * k:(i + 1) * k] = 0
            return part.T @ solve_triangular(r, forward, check_finite=False)

        targets = masked(y[:largest], here)
        beta = solution(targets)
        rest = targets - part @ beta
        for i, n in enumerate(here):
            rest[n:, i * k:(i + 1) * k] = 0
        beta += solution(rest)
        for i, n in enumerate(here):
            found[p].append((n, beta[:, i * k:(i + 1) * k]))


def main(folder, samples, sizes):
    x, y, tx, ty, w, b = (np.fromfile(folder / name) for name in ("x", "y", "tx", "ty", "w", "b"))
    w = w.reshape(len(b), -1)
    x, tx = x.reshape(-1, w.shape[1]), tx.reshape(-1, w.shape[1])
    y, ty = y.reshape(len(x), -1), ty.reshape(len(tx), -1)
    start = time.process_time()
    train, test = features(x, w, b), features(tx, w, b)
    found = {p: [] for p in sizes}
    tall(train, y, samples, sizes, found)
    wide(train, y, samples, sizes, found)
    cells = []
    for p, fits in found.items():
        predictions = test[:, :p] @ np.column_stack([beta for _, beta in fits])
        for i, (n, _) in enumerate(fits):
            off = predictions[:, i * y.shape[1]:(i + 1) * y.shape[1]] - ty
            cells.append((n, p, np.vdot(off, off) / off.size))
    print(time.process_time() - start)
    for n, p, mse in sorted(cells):
        print(n, p, mse)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *(sorted(map(int, words.split(","))) for words in sys.argv[2:4]))
