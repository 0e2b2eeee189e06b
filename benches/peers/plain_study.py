"""Both studies as a good numpy user would write them: one SVD per cell, with every arm a column of
one coefficient matrix, by which the test rows are multiplied once.

`common.py` and its two studies do the same work, tuned further: decompositions batched over repeats,
test rows in cache-sized chunks, arms with equal coefficients computed once."""

import argparse
import os
import sys
import time
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import numpy as np

from common import DATASETS, SIZES, draw_orders, load, modes, read_orders, write_cells

CUTOFFS = np.logspace(-3, 0, 7)
STRENGTHS = [0.0, 0.1, 0.316, 1.0, 3.16, 10.0, 31.6]


def ablation_arms(name):
    return ([("unablated", "")] + [("no_small_singular_values", c) for c in CUTOFFS.tolist()]
            + [("test_features_projected", k) for k in modes(name)] + [("no_residuals", "")])


def adversarial_arms(name):
    return ([("unablated", "")] + [("adversarial_test", a) for a in STRENGTHS]
            + [("adversarial_train", a) for a in STRENGTHS])


def cell(x, y, x_test, y_test, ideal, arms):
    """Returns train and test errors of every arm, squared bias, smallest singular value, rank."""
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    rank = int((s > 0).sum())
    weights = (u.T @ y) / s
    last = rank - 1
    sign = 1.0 if u[:, last] @ y >= 0 else -1.0
    count = len(arms)
    train_columns = np.empty((x.shape[1], count + 1))
    test_columns = np.empty_like(train_columns)
    targets, shifts = np.tile(y[:, None], (1, count)), np.zeros(count)
    test_targets = np.tile(y_test[:, None], (1, count))
    unablated = vt.T @ weights
    for i, (arm, setting) in enumerate(arms):
        fit = shown = unablated
        if arm == "no_small_singular_values":
            fit = shown = vt.T @ np.where(s < setting, 0.0, weights)
        elif arm == "test_features_projected":
            shown = vt[:setting].T @ weights[:setting]
        elif arm == "no_residuals":
            fit = shown = vt.T @ (vt @ ideal)
            targets[:, i], test_targets[:, i] = x @ ideal, x_test @ ideal
        elif arm == "adversarial_test":
            shifts[i] = setting * sign * (vt[last] @ fit)
        elif arm == "adversarial_train":
            targets[:, i] = y + setting * sign * u[:, last]
            fit = shown = vt.T @ ((u.T @ targets[:, i]) / s)
        train_columns[:, i], test_columns[:, i] = fit, shown
    test_columns[:, -1] = vt.T @ (vt @ ideal) - ideal
    predictions = x_test @ test_columns
    test = np.mean((predictions[:, :-1] + shifts - test_targets) ** 2, axis=0)
    train = np.mean((x @ train_columns[:, :-1] - targets) ** 2, axis=0)
    return train, test, np.mean(predictions[:, -1]) ** 2, s[last], rank


def run(name, data, orders, arms):
    p = data.shape[1] - 1
    ideal = np.linalg.lstsq(data[:, :p], data[:, p], rcond=None)[0]
    shape = (len(orders), len(SIZES))
    train, test = np.empty(shape + (len(arms),)), np.empty(shape + (len(arms),))
    bias, smallest, rank = np.empty(shape), np.empty(shape), np.empty(shape, int)
    for repeat, order in enumerate(orders):
        rows = data[order]
        x, y = np.ascontiguousarray(rows[:, :p]), rows[:, p].copy()
        for j, n in enumerate(SIZES):
            found = cell(x[:n], y[:n], x[n:], y[n:], ideal, arms)
            train[repeat, j], test[repeat, j] = found[:2]
            bias[repeat, j], smallest[repeat, j], rank[repeat, j] = found[2:]
    return arms, p, train, test, bias, smallest, rank


def main():
    start = time.perf_counter()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", choices=["ablation", "adversarial"])
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("DOUBLE_DESCENT_DATA"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--dataset", choices=DATASETS, action="append")
    parser.add_argument("--splits", type=Path, help="replay recorded splits (with one --dataset)")
    args = parser.parse_args()
    arms = ablation_arms if args.study == "ablation" else adversarial_arms
    for name in args.dataset or DATASETS:
        data = load(name, Path(args.data_dir))
        if args.splits:
            orders = read_orders(args.splits, len(data))[:args.repeats]
        else:
            rng = np.random.default_rng([args.seed, DATASETS.index(name)])
            orders = draw_orders(len(data), args.repeats, rng)
        write_cells(args.out / name / "cells.csv", run(name, data, orders, arms(name)))
    usage = getrusage(RUSAGE_SELF)
    print(f"cpu_s={usage.ru_utime + usage.ru_stime:.3f} wall_s={time.perf_counter() - start:.3f}",
          file=sys.stderr)


if __name__ == "__main__":
    main()
