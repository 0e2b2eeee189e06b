"""Test errors of gradient descent for many widths and step counts, by taking the steps and by one SVD per point.

    epochs_map.py FOLDER STEP_SIZE NOISE COUNT WIDTH...

FOLDER holds one training set as raw numbers: x, y, teacher, variances (of independent features) and steps.
Least squares on the first WIDTH columns, with loss |X b - y|^2 / (2n), starts from 0; the test error is the
expectation over normal test rows.  Prints a line for each width: WIDTH, the CPU seconds of COUNT steps and
of the SVD and fit of one point (medians of three), the relative difference of the two test errors at the last
of the steps up to COUNT, then the test errors at all those steps, computed by taking the steps."""

import statistics
import sys
import time
from pathlib import Path

import numpy as np

RUNS = 3


def descend(x, y, size, steps, count, risk):
    """Returns the test errors at each of `steps` up to `count`."""
    n, p = x.shape
    b, found = np.zeros(p), []
    wanted = set(int(step) for step in steps)
    transposed = np.ascontiguousarray(x.T)              # contiguous rows in both products
    for step in range(1, count + 1):
        b -= size / n * (transposed @ (x @ b - y))
        if step in wanted:
            found.append(risk(b))
    return found


def point(x, y, size, step, risk):
    """Returns the test error after `step` steps."""
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    left = (1 - size / len(y) * s * s) ** step
    return risk(vt.T @ ((1 - left) / s * (u.T @ y)))


def timed(work):
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        found = work()
        times.append(time.process_time() - start)
    return found, statistics.median(times)


def main(folder, size, noise, count, widths):
    y, teacher, variances, steps = (np.fromfile(folder / name)
                                    for name in ("y", "teacher", "variances", "steps"))
    x = np.fromfile(folder / "x").reshape(len(y), -1)
    for p in widths:
        design = np.ascontiguousarray(x[:, :p])
        unseen = variances[p:] @ teacher[p:] ** 2 + noise

        def risk(b):
            return variances[:p] @ (b - teacher[:p]) ** 2 + unseen

        descend(design, y, size, steps, 3, risk)        # warms up caches
        by_steps, of_steps = timed(lambda: descend(design, y, size, steps, count, risk))
        one, of_point = timed(lambda: point(design, y, size, steps[len(by_steps) - 1], risk))
        print(p, of_steps, of_point, abs(one / by_steps[-1] - 1), *by_steps)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]),
         list(map(int, sys.argv[5:])))
