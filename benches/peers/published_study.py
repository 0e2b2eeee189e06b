"""Both studies by the steps of the published scripts (Schaeffer et al. 2023): every cell splits the
whole table, and every arm fits and predicts all test rows.

Arms, sizes and results are those of `plain_study.py`, which is written for speed."""

import sys

import numpy as np
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split

import plain_study
from common import SIZES


def split(x, y, n, seed):
    return train_test_split(x, y, np.arange(len(y)), random_state=seed, test_size=len(y) - n)[:4]


def inverted(s):
    with np.errstate(divide="ignore"):
        inverse = 1.0 / s
    inverse[np.isinf(inverse)] = 0.0
    return inverse


def cell(x, x_test, y, y_test, ideal, arms):
    u, s, vt = np.linalg.svd(x, full_matrices=False)

    def fit(gains, targets):
        return vt.T @ np.diag(gains) @ u.T @ targets

    def errors(beta, targets, rows, test_targets):
        return (mean_squared_error(targets, x @ beta),
                mean_squared_error(test_targets, rows @ beta))

    def projected(modes):
        leading = u[:, :modes] @ np.diag(s[:modes]) @ vt[:modes]
        projection = leading.T @ np.linalg.pinv(leading).T
        rows = x_test @ projection.T
        inside = np.linalg.norm(rows, axis=1) / np.linalg.norm(x_test, axis=1)
        assert np.all((inside > -1e-3) & (inside < 1 + 1e-3))
        return rows

    unablated = fit(inverted(s), y)
    train, test = errors(unablated, y, x_test, y_test)
    found = []
    for arm, setting in arms:
        if arm == "unablated":
            found.append((train, test))
        elif arm == "no_small_singular_values":
            beta = fit(inverted(np.where(s < setting, 0.0, s)), y)
            found.append(errors(beta, y, x_test, y_test))
        elif arm == "test_features_projected":
            found.append((train, mean_squared_error(y_test, projected(setting) @ unablated)))
        elif arm == "no_residuals":
            targets, test_targets = x @ ideal, x_test @ ideal
            found.append(errors(fit(inverted(s), targets), targets, x_test, test_targets))
        elif arm == "adversarial_test":
            sign = np.copysign(1.0, u[:, -1] @ y)
            rows = x_test.copy()
            rows += setting * sign * vt[-1]
            found.append((train, mean_squared_error(y_test, rows @ unablated)))
        elif arm == "adversarial_train":
            sign = np.copysign(1.0, u[:, -1] @ y)
            residuals = y - x @ ideal + setting * sign * u[:, -1]
            targets = x @ ideal + residuals
            found.append(errors(np.linalg.pinv(x) @ targets, targets, x_test, y_test))
    train, test = zip(*found)
    # Only the ablation script computes the bias.
    bias = 0.0
    if any(arm == "no_residuals" for arm, _ in arms):
        seen = x_test @ x.T @ np.linalg.pinv(x @ x.T) @ x
        bias = np.mean((seen - x_test) @ ideal) ** 2
    return train, test, bias, s[s > 0].min(), int((s > 0).sum())


def run(name, data, orders, arms):
    x, y = np.ascontiguousarray(data[:, :-1]), data[:, -1].copy()
    ideal = np.linalg.inv(x.T @ x) @ x.T @ y
    shape = (len(orders), len(SIZES))
    train, test = np.empty(shape + (len(arms),)), np.empty(shape + (len(arms),))
    bias, smallest, rank = np.empty(shape), np.empty(shape), np.empty(shape, int)
    for repeat in range(len(orders)):
        for j, n in enumerate(SIZES):
            found = cell(*split(x, y, n, repeat), ideal, arms)
            train[repeat, j], test[repeat, j] = found[:2]
            bias[repeat, j], smallest[repeat, j], rank[repeat, j] = found[2:]
    return arms, x.shape[1], train, test, bias, smallest, rank


if __name__ == "__main__":
    plain_study.run = run
    sys.exit(plain_study.main())
