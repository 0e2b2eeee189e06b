#!/usr/bin/env python3
"""High-precision tables of the linear-regression ablation and adversarial studies.

Computes, at 400 bits by default, what a double-precision implementation of
the ablation study of Schaeffer et al. 2023 ("Double Descent Demystified") should
find on given splits, and writes the results rounded to doubles.  It is the tool
that made the test values <prefix>_<study>.csv.

    exact_study.py --data california_housing.csv --target MedHouseVal \
        --features MedInc,HouseAge,... --splits splits/california.csv \
        --out-prefix exact/california

The splits file has a header `repeat,i0,i1,...`: row numbers (counted from 0 among
the rows kept) in the order in which they join the training set.  The training set
of size n is the first n of them; the test set is every other row.  If the file
does not exist, --draw R and --seed S draw R splits with numpy and write it.

Rows with a blank cell in any column of the data file are dropped.  Column names
are compared after blanks are stripped and runs of blanks collapsed.  Without
--features, every column but the target is a feature, in file order.

Tables (`repeat,subset_size,setting,train_mse,test_mse` and what is named below):

unablated                least squares of smallest norm, no intercept, no scaling; only
                         exactly zero singular values are dropped.  Also bias_squared,
                         the square of the mean over the test rows of x (V V' - I) beta*,
                         and the smallest nonzero and largest singular value and the rank.
singular_value_cutoff    singular values below the (absolute) cutoff dropped.
test_features_projected  test rows projected on the first k right singular vectors, the
                         coefficients unablated; train_mse is the unablated one.
no_residuals             all targets, test targets too, replaced by x beta*.
adversarial_test_datum   a v added to each test row, v the last right singular vector.
                         test_mse is for the sign of (u, v) with u'y >= 0,
                         test_mse_minus for the other; v_dot_beta_plus is v'beta for
                         the first sign.
adversarial_train_data   a u added to the training targets, u the last left singular
                         vector, signs as above; test errors against the true targets,
                         train errors against the altered ones.
beta_ideal               beta*: least squares on all rows, test rows included.

Method.  The data are exact binary fractions, held as integers times a power of two,
so every Gram matrix of rows is exact.  The singular value decomposition comes from
the symmetric eigenproblem of the smaller Gram matrix at the working precision; of
its 120 digits, the squared condition number takes perhaps 30.  With e = y - X beta*
on all rows and d = beta - beta*,

    SSE_test(beta) = d' G_test d + 2 d' X_train' e_train + (e'e - e_train' e_train),

since X'e = 0, where G_test = G_all - G_train; so no cell touches the test rows.
Values that are zero in exact arithmetic come out as tiny numbers (1e-100 or less
relative to the data).  The working precision is checked by --bits: raise it, and
the doubles must not change.
"""

import argparse
import csv
import os
import sys

from mpmath import mp, mpf

SIZES = range(1, 40)
CUTOFFS = [0.001, 0.0031622776601683794, 0.01, 0.03162277660168379, 0.1,
           0.31622776601683794, 1.0]                    # numpy.logspace(-3, 0, 7)
AMPLITUDES = [0.0, 0.1, 0.316, 1.0, 3.16, 10.0, 31.6]
COLUMNS = {
    "unablated": ["bias_squared", "smallest_nonzero_sv", "largest_sv", "rank"],
    "singular_value_cutoff": [],
    "test_features_projected": [],
    "no_residuals": [],
    "adversarial_test_datum": ["test_mse_minus", "v_dot_beta_plus"],
    "adversarial_train_data": ["test_mse_minus", "train_mse_minus"],
}


# ---------------------------------------------------------------- input

def squeeze(name):
    return " ".join(name.split())


def read_data(path, target, features):
    """The rows without a blank cell, as doubles: (X, y)."""
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        header = [squeeze(name) for name in next(reader)]
        rows = [row for row in reader if row and all(cell.strip() for cell in row)]
    if features is None:
        features = [name for name in header if name != squeeze(target)]
    columns = [header.index(squeeze(name)) for name in features]
    goal = header.index(squeeze(target))
    return ([[float(row[j]) for j in columns] for row in rows],
            [float(row[goal]) for row in rows])


def read_splits(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return [(int(row[0]), [int(i) for i in row[1:]]) for row in rows if row]


def draw_splits(path, row_count, repeats, seed):
    import numpy
    rng = numpy.random.default_rng(seed)
    size = SIZES[-1]
    with open(path, "w", encoding="utf-8") as file:
        file.write("repeat," + ",".join(f"i{j}" for j in range(size)) + "\n")
        for repeat in range(repeats):
            first = rng.permutation(row_count)[:size]
            file.write(f"{repeat}," + ",".join(map(str, first)) + "\n")


# ---------------------------------------------------------------- linear algebra

def dot(a, b):
    return mp.fdot(zip(a, b))


def times(matrix, vector):
    return [dot(row, vector) for row in matrix]


def transposed(matrix):
    return [list(column) for column in zip(*matrix)]


class Exact:
    """Doubles as integers times 2**-shift, so that sums of products are exact."""

    def __init__(self, rows):
        self.shift = max((value.as_integer_ratio()[1].bit_length() - 1
                          for row in rows for value in row), default=0)
        self.rows = [[numerator << (self.shift + 1 - denominator.bit_length())
                      for numerator, denominator in map(float.as_integer_ratio, row)]
                     for row in rows]

    def gram(self, indices=None):
        """Sum of row'row, as integers times 2**(-2 shift)."""
        rows = self.rows if indices is None else [self.rows[i] for i in indices]
        columns = transposed(rows)
        result = [[0] * len(columns) for _ in columns]
        for i, a in enumerate(columns):
            for j, b in enumerate(columns[:i + 1]):
                result[i][j] = result[j][i] = sum(map(int.__mul__, a, b))
        return result

    def outer_gram(self, indices):
        rows = [self.rows[i] for i in indices]
        return [[sum(map(int.__mul__, a, b)) for b in rows] for a in rows]

    def scaled(self, integers):
        """Products of two entries, as numbers at the working precision."""
        return [[mp.ldexp(mpf(value), -2 * self.shift) for value in row]
                for row in integers]


def thin_svd(exact, indices, x):
    """(U columns, singular values, V columns), nonzero ones, largest first.

    `x` holds the same rows at the working precision."""
    wide = len(indices) < len(x[0])
    integers = exact.outer_gram(indices) if wide else exact.gram(indices)
    values, vectors = mp.eigsy(mp.matrix(exact.scaled(integers)))
    size = len(values)
    order = sorted(range(size), key=lambda i: -values[i])
    floor = values[order[0]] * mp.ldexp(1, -(mp.prec * 3) // 4)
    left, sigma, right = [], [], []
    for i in order:
        if values[i] <= floor:      # zero in exact arithmetic
            continue
        root = mp.sqrt(values[i])
        vector = [vectors[j, i] for j in range(size)]
        other = [value / root for value in
                 times(transposed(x) if wide else x, vector)]
        sigma.append(root)
        left.append(vector if wide else other)
        right.append(other if wide else vector)
    return left, sigma, right


# ---------------------------------------------------------------- the study

class Study:
    def __init__(self, x, y):
        self.count, self.width = len(x), len(x[0])
        self.doubles, self.targets = x, y
        self.features = Exact(x)
        self.gram = self.features.gram()
        # beta* from the normal equations, whose entries are exact
        joint = Exact([row + [goal] for row, goal in zip(x, y)])
        normal = joint.scaled(joint.gram())
        solution = mp.lu_solve(mp.matrix([row[:-1] for row in normal[:-1]]),
                               mp.matrix([row[-1] for row in normal[:-1]]))
        self.beta_ideal = list(solution)
        self.residual = [mpf(goal) - dot(map(mpf, row), self.beta_ideal)
                         for row, goal in zip(x, y)]
        self.residual_sum = mp.fsum(self.residual)
        self.residual_sse = mp.fsum(self.residual, squared=True)
        self.feature_sum = [mp.fsum(map(mpf, column)) for column in zip(*x)]

    def cell(self, train, projections):
        """{study: [(setting, train_mse, test_mse, ...)]} for one training set."""
        n, p = len(train), self.width
        tests = self.count - n
        x = [[mpf(value) for value in self.doubles[i]] for i in train]
        y = [mpf(self.targets[i]) for i in train]
        e = [self.residual[i] for i in train]
        ideal = self.beta_ideal
        u, sigma, v = thin_svd(self.features, train, x)
        rank = len(sigma)

        inner = self.features.gram(train)
        gram_test = self.features.scaled(
            [[a - b for a, b in zip(*rows)] for rows in zip(self.gram, inner)])
        cross = times(transposed(x), e)
        constant = self.residual_sse - mp.fsum(e, squared=True)
        sum_test = [total - mp.fsum(column) for total, column
                    in zip(self.feature_sum, zip(*x))]
        residual_sum_test = self.residual_sum - mp.fsum(e)

        def minus_ideal(beta):
            return [b - c for b, c in zip(beta, ideal)]

        def test_mse(beta):
            d = minus_ideal(beta)
            return (dot(d, times(gram_test, d)) + 2 * dot(d, cross) + constant) / tests

        def train_mse(beta, goals):
            return mp.fsum((a - b for a, b in zip(times(x, beta), goals)),
                           squared=True) / n

        def combined(weights):
            """Sum of the right singular vectors, weighted; zip stops at the shorter."""
            beta = [mpf(0)] * p
            for weight, vector in zip(weights, v):
                beta = [b + weight * c for b, c in zip(beta, vector)]
            return beta

        out = {}
        # coefficients of the unablated fit along the right singular vectors
        weights = [dot(a, y) / s for a, s in zip(u, sigma)]
        beta = combined(weights)
        base_train, base_test = train_mse(beta, y), test_mse(beta)
        seen = combined([dot(a, ideal) for a in v])
        bias = dot(sum_test, minus_ideal(seen)) / tests
        out["unablated"] = [(0.0, base_train, base_test, bias ** 2,
                             sigma[-1], sigma[0], float(rank))]

        # Both ablations keep leading terms of the same sum.
        leading = {r: combined(weights[:r]) for r in range(rank)}
        test_by_rank = {r: test_mse(b) for r, b in leading.items()}
        train_by_rank = {r: train_mse(b, y) for r, b in leading.items()}
        test_by_rank[rank], train_by_rank[rank] = base_test, base_train
        kept = [(c, sum(s >= mpf(c) for s in sigma)) for c in CUTOFFS]
        out["singular_value_cutoff"] = [(c, train_by_rank[r], test_by_rank[r])
                                        for c, r in kept]
        out["test_features_projected"] = [(float(k), base_train, test_by_rank[min(k, rank)])
                                          for k in projections]

        goals = times(x, ideal)
        clean = combined([dot(a, goals) / s for a, s in zip(u, sigma)])
        d = minus_ideal(clean)
        out["no_residuals"] = [(0.0, train_mse(clean, goals),
                                dot(d, times(gram_test, d)) / tests)]

        # Sign of the last pair: u'y >= 0, which is the sign of its weight.
        sign = 1 if weights[-1] >= 0 else -1
        v_dot_beta = sign * weights[-1]
        error_mean = (dot(sum_test, minus_ideal(beta)) - residual_sum_test) / tests

        def shifted(step):
            return base_test + 2 * step * error_mean + step ** 2

        out["adversarial_test_datum"] = [
            (a, base_train, shifted(mpf(a) * v_dot_beta), shifted(-mpf(a) * v_dot_beta),
             v_dot_beta) for a in AMPLITUDES]
        rows = []
        for a in AMPLITUDES:
            pair = []
            for side in (sign, -sign):
                step = side * mpf(a)
                fit = [b + step / sigma[-1] * c for b, c in zip(beta, v[-1])]
                pair.append((train_mse(fit, [g + step * c for g, c in zip(y, u[-1])]),
                             test_mse(fit)))
            rows.append((a, pair[0][0], pair[0][1], pair[1][1], pair[1][0]))
        out["adversarial_train_data"] = rows
        return out


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--features", help="comma-separated column names")
    parser.add_argument("--splits", required=True)
    parser.add_argument("--out-prefix", required=True)
    parser.add_argument("--repeats", type=int, help="only the first so many splits")
    parser.add_argument("--projections", default="1,2,3,4,5,6,7,8,9,10")
    parser.add_argument("--bits", type=int, default=400)
    parser.add_argument("--draw", type=int, help="splits to draw if the file is missing")
    parser.add_argument("--seed", type=int, default=12345)
    args = parser.parse_args()
    mp.prec = args.bits

    x, y = read_data(args.data, args.target,
                     args.features.split(",") if args.features else None)
    if args.draw and not os.path.exists(args.splits):
        draw_splits(args.splits, len(x), args.draw, args.seed)
    splits = read_splits(args.splits)[:args.repeats]
    projections = [int(k) for k in args.projections.split(",")]

    study = Study(x, y)
    print(f"{len(x)} rows, {len(x[0])} features, {len(splits)} splits", file=sys.stderr)
    with open(f"{args.out_prefix}_beta_ideal.csv", "w", encoding="utf-8") as file:
        file.write("column,beta_ideal\n")
        for j, value in enumerate(study.beta_ideal):
            file.write(f"{j},{float(value)!r}\n")

    files = {}
    for name, extra in COLUMNS.items():
        files[name] = open(f"{args.out_prefix}_{name}.csv", "w", encoding="utf-8")
        files[name].write(",".join(["repeat", "subset_size", "setting",
                                    "train_mse", "test_mse"] + extra) + "\n")
    for repeat, order in splits:
        for n in SIZES:
            for name, rows in study.cell(order[:n], projections).items():
                for row in rows:
                    values = ",".join(repr(float(value)) for value in row)
                    files[name].write(f"{repeat},{n},{values}\n")
        print(f"repeat {repeat} done", file=sys.stderr, flush=True)
    for file in files.values():
        file.close()


if __name__ == "__main__":
    main()
