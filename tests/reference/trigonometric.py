#!/usr/bin/env python3
"""What src/features/trigonometric.rs is made of and tested with; needs mpmath.

    trigonometric.py pi           pi in four doubles, each the rounded rest
    trigonometric.py polynomial   the coefficients of (sin(r) / r - 1) / r^2 in r^2, |r| <= pi/2: the first
                                  rounded, the others by interpolation of what it leaves
    trigonometric.py hard         for each power of two up to 2^29 the double over it that comes closest to
                                  a multiple of pi/2, by continued fractions
"""
import sys
from mpmath import cos, floor, lu_solve, matrix, mp, mpf, nint, pi, sin, sqrt

mp.dps = 60
DEGREE = 6


def rounded_rest():
    rest = +pi
    for _ in range(4):
        piece = float(rest)
        print(repr(piece))
        rest -= piece


def polynomial():
    # A little over (pi/2)^2: the nearest multiple of pi is found in double precision.
    largest = (pi / 2 + mpf(10) ** -6) ** 2
    first = float(-mpf(1) / 6)

    def rest(s):
        return ((sin(sqrt(s)) / sqrt(s) - 1) / s - first) / s

    # The zeros of a Chebyshev polynomial whose first is at 0: the error of s P(s) is zero there, whatever P(0),
    # and of one size in between.
    zeros = [-cos(pi * (2 * k + 1) / (2 * DEGREE + 4)) for k in range(DEGREE + 2)]
    nodes = [largest * (zero - zeros[0]) / (1 - zeros[0]) for zero in zeros[1:]]
    powers = lu_solve(matrix([[s**i for i in range(DEGREE + 1)] for s in nodes]), matrix([rest(s) for s in nodes]))
    coefficients = [first] + [float(c) for c in powers]
    for coefficient in coefficients:
        print(repr(coefficient) + ",")
    worst = 0
    for k in range(1, 1000):
        s = largest * mpf(k) / 1000
        found = sqrt(s) * (1 + s * sum(mpf(c) * s**i for i, c in enumerate(coefficients)))
        worst = max(worst, abs(found / sin(sqrt(s)) - 1))
    print("largest relative error", mp.nstr(worst, 2))


def hard():
    for exponent in range(-1, 30):
        # x = m 2^(exponent - 52): |m a - k| is smallest at the denominators of the convergents of a.
        a = mpf(2) ** (exponent - 52) * 2 / pi
        rest, before, q = a, 0, 1
        best = None
        for _ in range(60):
            rest = 1 / (rest - floor(rest))
            before, q = q, int(floor(rest)) * q + before
            if q >= 2**53:
                break
            for m in range(q * -(-(2**52) // q), 2**53, q):
                off = abs(m * a - nint(m * a))
                if best is None or off < best[0]:
                    best = off, m
                if m > 2**52 + 8 * q:
                    break
        if best is None:
            continue
        x = mpf(best[1]) * mpf(2) ** (exponent - 52)
        print(repr(float(x)) + ",", "#", mp.nstr(best[0] * pi / 2, 3))


{"pi": rounded_rest, "polynomial": polynomial, "hard": hard}[sys.argv[1]]()
