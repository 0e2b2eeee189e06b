"""Adversarial study: test rows moved along v, or training targets along u."""

import sys

import numpy as np

import common

CONSTANT = True         # rows are [x, y, 1]
AMPLITUDES = [0.0, 0.1, 0.316, 1.0, 3.16, 10.0, 31.6]


def arms(dataset):
    return ([("unablated", 0.0)]
            + [("adversarial_test", a) for a in AMPLITUDES]
            + [("adversarial_train", a) for a in AMPLITUDES])


def coefficients(batch, arms):
    """Rows: unablated; the nonzero amplitudes, first of test, then of train; the bias.

    The last singular pair is signed so that u'y >= 0.  The last entry of each
    training row is its entry of u, not 1."""
    p = batch.p
    repeats = len(batch.s)
    every = np.arange(repeats)
    weight = batch.weights[every, batch.last]
    sign = np.where(weight >= 0, 1.0, -1.0)
    v = sign[:, None] * batch.vt[every, batch.last]
    u = sign[:, None] * batch.u[every, :, batch.last]
    beta = (batch.weights[:, None, :] @ batch.vt)[:, 0]
    steps = np.array([a for a in AMPLITUDES if a])
    count = len(steps)

    test = np.zeros((repeats, 2 * count + 2, p + 2))
    test[:, :, :p] = beta[:, None, :]
    test[:, 1:count + 1, p + 1] = steps * np.abs(weight)[:, None]
    test[:, count + 1:-1, :p] += (steps[:, None]
                                  * (v * batch.inverse[every, batch.last][:, None])[:, None])
    test[:, :, p] = -1
    test[:, -1, :p], test[:, -1, p] = batch.bias, 0

    train = np.concatenate([test[:, :1], test[:, count + 1:-1]], axis=1)
    train[:, 1:, p + 1] = -steps
    train_rows = batch.rows.copy()
    train_rows[:, :, p + 1] = u

    number = np.cumsum([a != 0 for a in AMPLITUDES])
    there = np.array([a != 0 for a in AMPLITUDES])
    pick_test = np.concatenate([[0], number, np.where(there, number + count, 0)])
    pick_train = np.concatenate([[0], np.zeros_like(number), np.where(there, number, 0)])
    return {"test": test, "train": train, "train_rows": train_rows,
            "use": np.ones(test.shape[:2], bool),
            "pick_test": np.tile(pick_test, (repeats, 1)),
            "pick_train": np.tile(pick_train, (repeats, 1))}


if __name__ == "__main__":
    common.main(sys.modules[__name__])
