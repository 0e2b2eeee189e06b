"""Code shared by the two studies: data, splits, the test product, output, timing.

A cell is one training set: (data set, repeat, n).  A study supplies `arms(dataset)`, a
list of (name, setting), and `coefficients(batch, arms)`.  From the singular value
decompositions for one n and all repeats, the latter computes for every repeat

    test, train   coefficient rows, to be multiplied by the rows [x, y, ...].  Each
                  product is a residual, so its mean square is an error.  The last
                  row of `test` gives the bias: the mean is used, not the mean square.
    train_rows    the rows by which `train` is multiplied
    use           which rows of `test` any arm needs
    pick_test, pick_train   the row of each arm.
"""

import argparse
import csv
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np

SIZES = range(1, 40)
LARGEST = SIZES[-1]
WHO_FEATURES = [
    "Adult Mortality", "infant deaths", "Alcohol", "percentage expenditure",
    "Hepatitis B", "Measles", "BMI", "under-five deaths", "Polio",
    "Total expenditure", "Diphtheria", "HIV/AIDS", "GDP", "Population",
    "thinness 1-19 years", "thinness 5-9 years", "Schooling"]
DATASETS = ["diabetes", "student_teacher", "california", "who"]
CHUNK_BYTES = 1024 * 1024       # of residuals per step, so that they stay in cache


def modes(name):
    """Numbers of leading modes onto which the ablation study projects the test rows."""
    if name == "student_teacher":
        return [5, 10, 15, 20]
    features = {"california": 8, "who": 17}.get(name, 10)
    return [*range(1, min(features, 10) + 1), *([features] if features > 10 else [])]


def load_who(path):
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        header = [" ".join(name.split()) for name in next(reader)]
        columns = [header.index(name) for name in WHO_FEATURES + ["Life expectancy"]]
        return np.array([[float(row[j]) for j in columns] for row in reader
                         if all(cell.strip() for cell in row)])


def load(name, directory):
    """Returns the table as rows [x, y]."""
    if name == "who":
        return load_who(directory / "who_life_expectancy.csv")
    file = {"student_teacher": "student_teacher_seed0",
            "california": "california_housing"}.get(name, name)
    return np.loadtxt(directory / f"{file}.csv", delimiter=",", skiprows=1)


def draw_orders(count, repeats, rng):
    return [rng.permutation(count) for _ in range(repeats)]


def read_orders(path, count):
    """Returns, for each repeat, the recorded training rows followed by all other rows."""
    first = np.loadtxt(path, delimiter=",", skiprows=1, dtype=int, ndmin=2)[:, 1:]
    rest = np.ones((len(first), count), bool)
    np.put_along_axis(rest, first, False, axis=1)
    return [np.concatenate([f, np.flatnonzero(r)]) for f, r in zip(first, rest)]


class Batch:
    """Thin SVDs of the training sets of one size, for all repeats."""

    def __init__(self, rows, p, beta_ideal):
        self.rows, self.p, self.beta_ideal = rows, p, beta_ideal
        self.x, self.y = rows[:, :, :p], rows[:, :, p]
        self.u, self.s, self.vt = np.linalg.svd(self.x, full_matrices=False)
        nonzero = self.s > 0
        self.inverse = np.divide(1, self.s, out=np.zeros_like(self.s), where=nonzero)
        self.rank = nonzero.sum(axis=1)
        self.last = np.maximum(self.rank - 1, 0)
        self.smallest = np.take_along_axis(self.s, self.last[:, None], 1)[:, 0]
        # the fit's coefficients along the right singular vectors
        self.weights = (self.y[:, None, :] @ self.u)[:, 0] * self.inverse
        ideal = self.vt @ beta_ideal
        kept = ideal * nonzero
        self.bias = (kept[:, None, :] @ self.vt)[:, 0] - beta_ideal


def mean_squares(residuals):
    return np.vecdot(residuals, residuals) / residuals.shape[-1]


def test_errors(rows, coefficients, buffer):
    """Returns the mean square of every product but the last, and the squared mean of the last."""
    count, width = len(rows), len(coefficients)
    step = max(64, CHUNK_BYTES // (8 * width))
    squares, total = np.zeros(width - 1), 0.0
    for low in range(0, count, step):
        chunk = rows[low:low + step]
        size = width * len(chunk)
        out = buffer[:size].reshape(width, len(chunk))
        np.matmul(coefficients, chunk.T, out=out)
        errors = out[:-1]
        squares += np.vecdot(errors, errors)
        total += out[-1].sum()
    return squares / count, (total / count) ** 2


def run_dataset(name, data, orders, study, share):
    """Returns (arms, p, train, test, bias, smallest singular value, rank).

    `train` and `test` have the shape (repeat, n, arm), the last three (repeat, n)."""
    p = data.shape[1] - 1
    beta_ideal = np.linalg.lstsq(data[:, :p], data[:, p], rcond=None)[0]
    if study.CONSTANT:
        data = np.column_stack([data, np.ones(len(data))])
    arms = study.arms(name)
    repeats = len(orders)
    shape = (repeats, len(SIZES))
    train = np.empty(shape + (len(arms),))
    test = np.empty_like(train)
    bias, smallest = np.empty(shape), np.empty(shape)
    rank = np.empty(shape, int)

    first = data[np.array([order[:LARGEST] for order in orders])]
    plans = []
    for j, n in enumerate(SIZES):
        batch = Batch(first[:, :n], p, beta_ideal)
        smallest[:, j], rank[:, j] = batch.smallest, batch.rank
        plan = study.coefficients(batch, arms)
        errors = mean_squares(plan["train"] @ plan["train_rows"].swapaxes(1, 2))
        train[:, j] = np.take_along_axis(errors, plan["pick_train"], 1)
        coefficients, use, pick = plan["test"], plan["use"], plan["pick_test"]
        if not share:       # a column for each arm, even if equal
            end = np.full((repeats, 1), coefficients.shape[1] - 1)
            take = np.concatenate([pick, end], axis=1)
            coefficients = np.take_along_axis(coefficients, take[:, :, None], 1)
            use = np.ones(take.shape, bool)
            pick = np.broadcast_to(np.arange(len(arms)), pick.shape)
        plans.append((coefficients, use, pick))

    buffer = np.empty(max(CHUNK_BYTES // 8, 64 * 64))
    for repeat, order in enumerate(orders):
        rows = data[order]
        for j, n in enumerate(SIZES):
            coefficients, use, pick = (part[repeat] for part in plans[j])
            found = np.empty(len(use) - 1)
            found[use[:-1]], bias[repeat, j] = test_errors(
                rows[n:], coefficients[use], buffer)
            test[repeat, j] = found[pick]
    return arms, p, train, test, bias, smallest, rank


def write_cells(path, result):
    arms, p, train, test, bias, smallest, rank = result
    middles = [f",{p},{name},{setting!r}," for name, setting in arms]
    lines = ["repeat,n,p,arm,setting,train_mse,test_mse,bias_squared,"
             "smallest_singular_value,rank\n"]
    for repeat, parts in enumerate(zip(train.tolist(), test.tolist(), bias.tolist(),
                                       smallest.tolist(), rank.tolist())):
        for n, a, b, c, d, e in zip(SIZES, *parts):
            head, tail = f"{repeat},{n}", f",{c!r},{d!r},{e}\n"
            lines += [f"{head}{middle}{x!r},{y!r}{tail}"
                      for middle, x, y in zip(middles, a, b)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines), encoding="utf-8")


def main(study):
    start = time.perf_counter()
    parser = argparse.ArgumentParser(description=study.__doc__)
    parser.add_argument("--data-dir", type=Path,
                        default=os.environ.get("DOUBLE_DESCENT_DATA"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--dataset", choices=DATASETS, action="append")
    parser.add_argument("--splits", type=Path,
                        help="replay recorded splits (with exactly one --dataset)")
    parser.add_argument("--no-share", action="store_true",
                        help="compute equal coefficient columns separately")
    args = parser.parse_args()
    if args.data_dir is None:
        parser.error("give --data-dir or set DOUBLE_DESCENT_DATA")
    names = args.dataset or DATASETS
    if args.splits and len(names) != 1:
        parser.error("--splits wants exactly one --dataset")
    for name in names:
        data = load(name, Path(args.data_dir))
        if args.splits:
            orders = read_orders(args.splits, len(data))[:args.repeats]
        else:
            rng = np.random.default_rng([args.seed, DATASETS.index(name)])
            orders = draw_orders(len(data), args.repeats, rng)
        result = run_dataset(name, data, orders, study, not args.no_share)
        write_cells(args.out / name / "cells.csv", result)

    usage = resource.getrusage(resource.RUSAGE_SELF)
    settings = " ".join(f"{key}={os.environ.get(key, 'unset')}" for key in
                        ("OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE"))
    print(f"cpu_s={usage.ru_utime + usage.ru_stime:.3f} "
          f"wall_s={time.perf_counter() - start:.3f} {settings}", file=sys.stderr)
