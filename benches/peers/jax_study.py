"""The ablation study of one data set in JAX, in memory, with every size and repeat in one compiled function.

    jax_study.py --data-dir DIR [--dataset NAME] [--repeats N] [--rounds N]

The method is that of `strong_study.py`: the table is compressed once, decompositions are batched over repeats, and a
test sum is the sum over all rows minus that over the training rows. Prints `compile_s`, the CPU seconds of the first
call, and `steady_s`, the median of later calls, each on different training rows. The first result is checked against
numpy."""

import argparse
import statistics
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import ablation_study
import strong_study
from common import DATASETS, LARGEST, SIZES, load

jax.config.update("jax_enable_x64", True)


def squares(rows, coefficients):
    """For each row of coefficients, sums the squared products over all rows."""
    return jnp.sum((coefficients @ rows.T) ** 2, axis=1)


def cell(rows, n, table, cutoffs, modes):
    """All arms of a training set of `n` rows, padded with zeros.

    Returns (train, test, squared bias, smallest singular value, rank)."""
    triangle, column_sums, beta_ideal, count = table
    p = rows.shape[1] - 1
    rows = jnp.where((jnp.arange(len(rows)) < n)[:, None], rows, 0)
    x, y = rows[:, :p], rows[:, p]
    u, s, vt = jnp.linalg.svd(x, full_matrices=False)
    # The zero rows of the padding give singular values at rounding level.
    kept = (jnp.arange(len(s)) < n) & (s > 0)
    s = jnp.where(kept, s, 0)
    rank = kept.sum()
    inverse = jnp.where(kept, 1 / jnp.where(kept, s, 1), 0)
    # Row r is the fit with r leading terms; below them, the fit without residuals (the bias follows separately).
    prefixes = jnp.cumsum((y @ u * inverse)[:, None] * vt, axis=0)
    prefixes = jnp.concatenate([jnp.zeros((1, p)), prefixes])
    without = ((x @ beta_ideal) @ u * inverse) @ vt - beta_ideal
    fits = jnp.concatenate([jnp.column_stack([prefixes, -jnp.ones(len(prefixes))]),
                            jnp.append(without, 0.0)[None]])
    bias = ((vt @ beta_ideal) * kept) @ vt - beta_ideal

    within = squares(rows, fits)
    train, test = within / n, (squares(triangle, fits) - within) / (count - n)
    cut = jnp.minimum((s >= cutoffs[:, None]).sum(axis=1), rank)
    last = jnp.array([len(fits) - 1])
    pick_train = jnp.concatenate([rank[None], cut, jnp.full(len(modes), rank), last])
    pick_test = jnp.concatenate([rank[None], cut, jnp.minimum(modes, rank), last])
    rest = column_sums[:p] - x.sum(axis=0)
    return (train[pick_train], test[pick_test], (rest @ bias / (count - n)) ** 2,
            s[jnp.maximum(rank - 1, 0)], rank)


@jax.jit
def study(training, table, cutoffs, modes):
    """Returns each part of `cell` with a row per repeat and a column per size.

    All sizes share one padded shape: with one decomposition per size, calls of jax 0.10 deadlock."""
    each_size = jax.vmap(cell, (None, 0, None, None, None))
    each_repeat = jax.vmap(each_size, (0, None, None, None, None))
    return each_repeat(training, jnp.array(SIZES), table, cutoffs, modes)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--dataset", choices=DATASETS, default="diabetes")
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=11)
    args = parser.parse_args()
    data = load(args.dataset, args.data_dir)
    count, p = len(data), data.shape[1] - 1
    rng = np.random.default_rng(0)
    draws = [np.array([rng.choice(count, LARGEST, replace=False) for _ in range(args.repeats)])
             for _ in range(args.rounds)]
    arms = ablation_study.arms(args.dataset)
    modes = np.array([int(k) for name, k in arms if name == "test_features_projected"])

    def run(first):
        start = time.process_time()
        triangle = np.linalg.qr(data, mode="r")
        beta_ideal = np.linalg.lstsq(triangle[:p, :p], triangle[:p, p], rcond=None)[0]
        table = triangle, data.sum(axis=0), beta_ideal, float(count)
        result = jax.device_get(study(data[first], table, np.array(ablation_study.CUTOFFS), modes))
        return result, time.process_time() - start

    found, first_s = run(draws[0])
    expected = strong_study.run(args.dataset, data, draws[0], ablation_study)[2:]
    for part, values in zip(found, expected):
        # Both are accurate to the condition number times rounding; without residuals only rounding errors are left.
        np.testing.assert_allclose(part, values, rtol=1e-6, atol=1e-12 * np.median(expected[1]))
    steady = [run(first)[1] for first in draws[1:]]
    print(f"compile_s={first_s:.3f} steady_s={statistics.median(steady):.4f}")


if __name__ == "__main__":
    main()
