#!/usr/bin/env python3
"""What src/features/activation.rs is made of and tested with; needs mpmath.

    activations.py polynomial   the coefficients of (1 + 2z) exp(z^2) erfc(z) in t = (z - 4) / (z + 4),
                                0 <= z <= 28: Chebyshev interpolation, rewritten in powers of t
    activations.py erf          x, then erf x
    activations.py values       x, then sigmoid, tanh, GELU, softplus, ReLU, SELU, ELU at the double x
"""
import sys
from mpmath import mp, mpf, cos, erf, erfc, exp, expm1, log1p, pi, sqrt, tanh

mp.dps = 80
DEGREE, NODES = 23, 60


def times(p, q):
    r = [mpf(0)] * (len(p) + len(q) - 1)
    for i, x in enumerate(p):
        for j, y in enumerate(q):
            r[i + j] += x * y
    return r


def polynomial():
    low, high = mpf(-1), (mpf(28) - 4) / (28 + 4)
    middle, half = (low + high) / 2, (high - low) / 2

    def function(t):
        z = 4 * (1 + t) / (1 - t)
        return (1 + 2 * z) * exp(z * z) * erfc(z)

    angles = [pi * (2 * k + 1) / (2 * NODES) for k in range(NODES)]
    values = [function(middle + half * cos(angle)) for angle in angles]
    series = [2 * sum(v * cos(j * a) for v, a in zip(values, angles)) / NODES for j in range(DEGREE + 1)]
    series[0] /= 2
    u = [-middle / half, 1 / half]
    chebyshev = [[mpf(1)], u]
    for _ in range(2, DEGREE + 1):
        following = times([2 * x for x in u], chebyshev[-1])
        chebyshev.append([x - (chebyshev[-2][i] if i < len(chebyshev[-2]) else 0) for i, x in enumerate(following)])
    powers = [sum(c * p[i] for c, p in zip(series, chebyshev) if i < len(p)) for i in range(DEGREE + 1)]
    for coefficient in powers:
        print(repr(float(coefficient)) + ",")
    grid = [low + 2 * half * mpf(k) / 500 for k in range(1, 500)]
    worst = max(abs(sum(c * t**i for i, c in enumerate(powers)) / function(t) - 1) for t in grid)
    print("largest relative error", mp.nstr(worst, 2))


def values():
    scale, alpha = mpf("1.0507009873554804934193349852946"), mpf("1.6732632423543772848170429916717")
    for x in [-700.0, -40.0, -20.0, -8.25, -3.0, -1.2, -0.5, -0.01, -1e-9, 0.0, 1e-12, 0.003, 0.2, 0.7, 1.9, 4.5, 11.0, 37.5, 600.0]:
        x = mpf(x)
        found = [
            1 / (1 + exp(-x)),
            tanh(x),
            x * erfc(-x / sqrt(2)) / 2,
            log1p(exp(x)),
            max(x, 0),
            scale * (x if x > 0 else alpha * expm1(x)),
            x if x > 0 else expm1(x),
        ]
        cells = [float(x)] + [float(v) if abs(v) > mpf(2) ** -1022 else 0.0 for v in found]
        print("[" + ", ".join(repr(v) for v in cells) + "],")


def erf_values():
    for x in [0.0, 1e-300, 1e-12, 0.003, 0.1, 0.2, 0.45, 0.6, 0.74, 0.7499999, 0.75, 0.76, 0.8, 0.9, 1.1, 1.5, 2.2, 3.3, 5.0, 40.0]:
        print(f"[{x!r}, {float(erf(mpf(x)))!r}],")


{"polynomial": polynomial, "erf": erf_values, "values": values}[sys.argv[1]]()
