"""Leave-one-out errors of many ridge penalties by scikit-learn's RidgeCV.

    ridge_path.py FOLDER

FOLDER holds x, y and lambdas as raw numbers.  Prints the CPU seconds of a fit (the
median of three), then the mean squared leave-one-out error of each penalty."""

import statistics
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.linear_model import RidgeCV

RUNS = 3
ENOUGH = 25             # seconds after which a fit is not repeated


def main(folder):
    x, y, lambdas = (np.fromfile(folder / name) for name in ("x", "y", "lambdas"))
    x = x.reshape(len(y), -1)
    RidgeCV(alphas=lambdas[:2]).fit(x, y)
    times = []
    while len(times) < RUNS and sum(times) < ENOUGH:
        start = time.process_time()
        RidgeCV(alphas=lambdas).fit(x, y)
        times.append(time.process_time() - start)
    print(statistics.median(times))
    stored = RidgeCV(alphas=lambdas, store_cv_results=True).fit(x, y)
    print(*stored.cv_results_.mean(axis=0).tolist(), sep="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
