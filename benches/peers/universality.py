"""Expected noise terms tr((X⁺)ᵀ Σ X⁺) point by point: for every n or p one batched SVD over all repeats.

    universality.py FOLDER REPEATS FIXED LARGEST

FOLDER holds x (REPEATS × LARGEST × LARGEST) and root (LARGEST × LARGEST, upper triangular) as raw
numbers.  Prints the CPU seconds of the two curves and writes them to FOLDER/terms, repeat by repeat."""

import sys
import time
from pathlib import Path

import numpy as np


def noise_terms(x, root):
    _, s, vt = np.linalg.svd(x, full_matrices=False)
    images = vt @ root.T                                # S vᵣ as rows
    keep = s > max(x.shape[1:]) * np.finfo(float).eps * s[:, :1]
    gains = np.divide(1, s, out=np.zeros_like(s), where=keep)
    return np.sum((images * gains[:, :, None]) ** 2, axis=(1, 2))


def curves(x, root, fixed):
    largest = x.shape[1]
    samples = [noise_terms(x[:, :n, :fixed], root[:fixed, :fixed]) for n in range(1, largest + 1)]
    features = [noise_terms(x[:, :fixed, :p], root[:p, :p]) for p in range(1, largest + 1)]
    return np.array(samples + features).T


def main(folder, repeats, fixed, largest):
    x = np.fromfile(folder / "x").reshape(repeats, largest, largest)
    root = np.fromfile(folder / "root").reshape(largest, largest)
    curves(x[:1], root, fixed)                          # warms up caches
    start = time.process_time()
    terms = curves(x, root, fixed)
    print(time.process_time() - start)
    np.ascontiguousarray(terms).tofile(folder / "terms")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
