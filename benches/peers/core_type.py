"""Prints the CPU seconds of products and QR factorisations, by which OpenBLAS's core type is chosen."""

import time

import numpy as np

x = np.random.default_rng(0).standard_normal((1500, 784))
x @ x.T
start = time.process_time()
for _ in range(3):
    x @ x.T
    np.linalg.qr(x, mode="r")
print(time.process_time() - start)
