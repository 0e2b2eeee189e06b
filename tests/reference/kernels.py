#!/usr/bin/env python3
"""The values of tests/features/kernels.rs, rounded from 60 digits; needs mpmath.

Rows: x, x', then in this order
    arc-cosine 0, 1, 2
    wide layers: step (s = 1.5, t = 0.5), sign (1, 0), erf (1.5, 0.5), absolute value (1, 0), ReLU (1.5, 0.5)
    Gaussian (0.7), Laplacian (0.7), Matern 1/2, 3/2, 5/2 (length 2)
    ReLU networks: Gaussian process of 3 layers, tangent kernels of 1, 3 and 5
"""
from mpmath import acos, asin, cos, exp, mp, mpf, pi, sin, sqrt

mp.dps = 60
BASE = [0.3, -1.1, 2.7]
PAIRS = [
    (BASE, [1.4, 0.2, -0.6]),
    (BASE, BASE),
    (BASE, [3 * v for v in BASE]),
    (BASE, [-v for v in BASE]),
    (BASE, [0.3 + 1e-9, -1.1, 2.7]),
    (BASE, [-0.3, 1.1 + 1e-7, -2.7]),
    ([1.0, 0.0, 0.0], [0.0, 2.0, 0.0]),
    ([1.0, 1e-5, 0.0], [1.0, 0.0, 0.0]),
    ([-1.0, 0.01, 0.0], [1.0, 0.0, 0.0]),
    ([1e3, 2e3, -1e3], [1e3, 2e3, -999.5]),
    ([1e-3, 2e-3, 5e-4], [-4e-3, 1e-3, 2e-3]),
    ([0.25, -0.5, 0.75], [0.5, 0.5, 0.5]),
]


def dot(x, y):
    return sum(mpf(a) * mpf(b) for a, b in zip(x, y))


def angle(x, y):
    u = dot(x, y) / sqrt(dot(x, x) * dot(y, y))
    return acos(min(max(u, mpf(-1)), mpf(1)))


def kappa(order, t):
    rest = pi - t
    return [
        lambda: rest / pi,
        lambda: (sin(t) + rest * cos(t)) / pi,
        lambda: (3 * sin(t) * cos(t) + rest * (1 + 2 * cos(t) ** 2)) / (3 * pi),
    ][order]()


def seen(x, s, t):
    return [mpf(s) * mpf(v) for v in x] + [mpf(t)]


def erf(x, y):
    return 2 / pi * asin(2 * dot(x, y) / sqrt((1 + 2 * dot(x, x)) * (1 + 2 * dot(y, y))))


def deep(x, y, depth):
    size, t = sqrt(dot(x, x) * dot(y, y)), angle(x, y)
    tangent = cos(t)
    for _ in range(depth):
        tangent = tangent * kappa(0, t) + kappa(1, t)
        t = acos(min(kappa(1, t), mpf(1)))
    return size * cos(t), size * tangent


def row(x, y):
    t, size = angle(x, y), sqrt(dot(x, x) * dot(y, y))
    u, v = seen(x, 1.5, 0.5), seen(y, 1.5, 0.5)
    biased, biased_size = angle(u, v), sqrt(dot(u, u) * dot(v, v))
    square = sum((mpf(a) - mpf(b)) ** 2 for a, b in zip(x, y))
    r = sqrt(square) / 2
    return [
        kappa(0, t),
        size * kappa(1, t),
        3 * size**2 * kappa(2, t),
        kappa(0, biased) / 2,
        1 - 2 * t / pi,
        erf(u, v),
        size * 2 / pi * (sin(t) + (pi / 2 - t) * cos(t)),
        biased_size * kappa(1, biased) / 2,
        exp(-mpf(0.7) * square),
        exp(-mpf(0.7) * sum(abs(mpf(a) - mpf(b)) for a, b in zip(x, y))),
        exp(-r),
        (1 + sqrt(3) * r) * exp(-sqrt(3) * r),
        (1 + sqrt(5) * r + 5 * r**2 / 3) * exp(-sqrt(5) * r),
        deep(x, y, 3)[0],
        deep(x, y, 1)[1],
        deep(x, y, 3)[1],
        deep(x, y, 5)[1],
    ]


for x, y in PAIRS:
    values = [float(v) for v in row(x, y)]
    print(f"    ({x}, {y}, {values}),")
