"""Ablation study: small singular values, projected test features, no residuals."""

import sys

import numpy as np

import common

CONSTANT = False        # rows are [x, y]
CUTOFFS = [float(c) for c in np.logspace(-3, 0, 7)]


def arms(dataset):
    return ([("unablated", 0.0)]
            + [("no_small_singular_values", c) for c in CUTOFFS]
            + [("test_features_projected", float(k)) for k in common.modes(dataset)]
            + [("no_residuals", 0.0)])


def coefficients(batch, arms):
    """Row r is the fit with r leading terms; then come no residuals and the bias.

    Dropping small singular values and projecting the test rows both keep leading
    terms; they differ only in the training error.
    """
    repeats, terms = batch.s.shape
    p = batch.p
    rows = np.zeros((repeats, terms + 3, p + 1))
    np.cumsum(batch.weights[:, :, None] * batch.vt, axis=1, out=rows[:, 1:terms + 1, :p])
    rows[:, :terms + 1, p] = -1
    goals = batch.x @ batch.beta_ideal
    weights = (goals[:, None, :] @ batch.u)[:, 0] * batch.inverse
    rows[:, terms + 1, :p] = (weights[:, None, :] @ batch.vt)[:, 0] - batch.beta_ideal
    rows[:, terms + 2, :p] = batch.bias

    rank = batch.rank[:, None]
    kept = (batch.s[:, None, :] >= np.array(CUTOFFS)[:, None]).sum(axis=2)
    kept = np.minimum(kept, rank)
    ks = np.array([int(k) for name, k in arms if name == "test_features_projected"])
    last = np.full((repeats, 1), terms + 1)
    pick_test = np.concatenate([rank, kept, np.minimum(ks, rank), last], axis=1)
    pick_train = np.concatenate([rank, kept, np.repeat(rank, len(ks), axis=1), last],
                                axis=1)
    use = np.zeros(rows.shape[:2], bool)
    np.put_along_axis(use, pick_test, True, axis=1)
    use[:, -1] = True
    return {"test": rows, "train": rows, "train_rows": batch.rows, "use": use,
            "pick_test": pick_test, "pick_train": pick_train}


if __name__ == "__main__":
    common.main(sys.modules[__name__])
