"""Either study as an expert would write it in numpy.  A QR factorisation compresses the table once, so that
a sum over all rows becomes one over its triangle, from which the training rows' share is subtracted.
Decompositions are batched over repeats, and equal coefficients are computed once.

    strong_study.py ablation|adversarial --data-dir DIR --out DIR [--seed N] [--repeats N]

Test errors are differences of two sums: the part that cancels is the training rows' share, small for long tables."""

import argparse
from pathlib import Path

import numpy as np

import ablation_study
import adversarial_study
from common import DATASETS, LARGEST, SIZES, Batch, load, write_cells


def squares(rows, coefficients):
    """For each row of coefficients, sums the squared products over all rows."""
    products = coefficients @ rows.swapaxes(-1, -2)
    return np.vecdot(products, products)


def run(name, data, first, study):
    """`first` holds the training rows of each repeat."""
    count, p = len(data), data.shape[1] - 1
    triangle = np.linalg.qr(data, mode="r")
    beta_ideal = np.linalg.lstsq(triangle[:p, :p], triangle[:p, p], rcond=None)[0]
    if study.CONSTANT:
        data = np.column_stack([data, np.ones(count)])
        triangle = np.linalg.qr(data, mode="r")
    column_sums = data.sum(axis=0)
    training = data[first]
    arms, shape = study.arms(name), (len(first), len(SIZES))
    train, test = np.empty(shape + (len(arms),)), np.empty(shape + (len(arms),))
    bias, smallest, rank = np.empty(shape), np.empty(shape), np.empty(shape, int)
    for j, n in enumerate(SIZES):
        batch = Batch(training[:, :n], p, beta_ideal)
        smallest[:, j], rank[:, j] = batch.smallest, batch.rank
        plan = study.coefficients(batch, arms)
        errors = squares(plan["train_rows"], plan["train"]) / n
        train[:, j] = np.take_along_axis(errors, plan["pick_train"], 1)
        rows = plan["test"]
        errors = squares(triangle, rows[:, :-1]) - squares(batch.rows, rows[:, :-1])
        test[:, j] = np.take_along_axis(errors, plan["pick_test"], 1) / (count - n)
        rest = column_sums - batch.rows.sum(axis=1)
        bias[:, j] = (np.vecdot(rest, rows[:, -1]) / (count - n)) ** 2
    return arms, p, train, test, bias, smallest, rank


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", choices=["ablation", "adversarial"])
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=50)
    args = parser.parse_args()
    study = ablation_study if args.study == "ablation" else adversarial_study
    for name in DATASETS:
        data = load(name, args.data_dir)
        rng = np.random.default_rng([args.seed, DATASETS.index(name)])
        first = np.array([rng.choice(len(data), LARGEST, replace=False) for _ in range(args.repeats)])
        write_cells(args.out / name / "cells.csv", run(name, data, first, study))


if __name__ == "__main__":
    main()
