"""Thin singular value decompositions in double precision, one thread, unchecked.

    svd.py FOLDER

Each file NxPxCOUNT in FOLDER holds COUNT matrices of N × P raw numbers.  Prints a
line for each file: its name, the fastest method, the CPU seconds for all COUNT matrices,
and the sum of all singular values.  The methods: numpy.linalg.svd, batched;
scipy.linalg.svd with either driver, if scipy is installed; and the LAPACK of AMD's AOCL
and of Intel's MKL, if the wheels `aoclda` and `mkl` are installed.  Those two are called
by address with a reused workspace; the overhead of such a call, measured on a matrix
without rows, is subtracted."""

import ctypes
import importlib.util
import os
import statistics
import sys
import time
from pathlib import Path

import numpy as np

try:
    import scipy.linalg
except ImportError:
    scipy = None

RUNS = 3
SHORTEST = 0.05         # seconds: shorter work is repeated within a run


def numpy_svd(x):
    return np.linalg.svd(x, full_matrices=False)[1].sum()


def scipy_svd(driver):
    def way(x):
        return sum(scipy.linalg.svd(one, full_matrices=False, check_finite=False,
                                    lapack_driver=driver)[1].sum() for one in x)
    return way


class Lapack:
    """A LAPACK library whose routines are called by address."""

    def __init__(self, path):
        self.library = ctypes.CDLL(str(path), mode=ctypes.RTLD_LOCAL)
        self.plans = {}

    def plan(self, driver, n, p):
        """Prepares a call and its buffers. LAPACK is column-major, so it sees the row-major X as X'."""
        kind = ctypes.c_int
        m, k, r = p, n, min(n, p)
        a, u, vt, s = np.empty((k, m)), np.empty((r, m)), np.empty((k, r)), np.empty(max(r, 1))
        integers = np.zeros(8 * max(r, 1), np.int32)
        numbers = [kind(v) for v in (m, k, max(m, 1), max(m, 1), max(r, 1), 0)]
        rows, columns, lda, ldu, ldvt, info = map(ctypes.byref, numbers)
        where = [ctypes.c_void_p(v.ctypes.data) for v in (a, s, u, vt)]
        routine = getattr(self.library, driver + "_")
        routine.restype = None

        def call(work, length):
            job = [b"S"] if driver == "dgesdd" else [b"S", b"S"]
            extra = [ctypes.c_void_p(integers.ctypes.data)] if driver == "dgesdd" else []
            arguments = (*job, rows, columns, where[0], lda, where[1], where[2], ldu, where[3], ldvt,
                         ctypes.c_void_p(work.ctypes.data), ctypes.byref(length), *extra, info)
            return arguments + (1,) * len(job)

        query = np.zeros(1)
        routine(*call(query, kind(-1)))
        work = np.empty(max(int(query[0]), 1))
        length = kind(len(work))
        return routine, call(work, length), a, s, (numbers, where, u, vt, integers, work, length)

    def way(self, driver):
        def factorise(x):
            shape = (driver, *x.shape[1:])
            if shape not in self.plans:
                self.plans[shape] = self.plan(*shape)
            routine, arguments, a, s, _ = self.plans[shape]
            to, bytes_, total = a.ctypes.data, a.nbytes, 0.0
            from_ = x.ctypes.data
            for _ in range(len(x)):
                ctypes.memmove(to, from_, bytes_)
                routine(*arguments)
                total += s.sum()
                from_ += bytes_
            return total
        return factorise

    def overhead(self, driver, shape):
        """Returns the seconds of a call on an empty matrix, including the copy and the sum."""
        routine, arguments, _, s, _ = self.plan(driver, 0, shape[1])
        full = np.ones(min(shape))
        a, b = np.ones(shape), np.ones(shape)
        to, from_, bytes_ = a.ctypes.data, b.ctypes.data, a.nbytes
        repeats = 300
        start = time.process_time()
        for _ in range(repeats):
            ctypes.memmove(to, from_, bytes_)
            routine(*arguments)
            full.sum()
        return (time.process_time() - start) / repeats


def is_loaded(path):
    try:
        return bool(ctypes.CDLL(str(path), mode=ctypes.RTLD_LOCAL))
    except OSError:
        return False


def other_libraries():
    """Returns AOCL and MKL by name, if they are installed."""
    found = {}
    spec = importlib.util.find_spec("aoclda")
    if spec:
        folder = Path(spec.origin).parent.with_name("aoclda.libs")
        # They cannot find each other, so each is loaded once all those that it needs are.
        waiting = sorted(folder.iterdir())
        for _ in range(len(waiting)):
            waiting = [path for path in waiting if not is_loaded(path)]
        found["aocl"] = Lapack(next(folder.glob("libflame*")))
    os.environ["MKL_THREADING_LAYER"] = "SEQUENTIAL"
    for path in sorted((Path(sys.prefix) / "lib").glob("libmkl_rt.so*"))[:1]:
        try:
            found["mkl"] = Lapack(path)
        except OSError:
            pass
    return found


def seconds(way, x, batch):
    start = time.process_time()
    for _ in range(batch):
        way(x)
    return (time.process_time() - start) / batch


def main(folder):
    ways = {"numpy": numpy_svd}
    if scipy:
        ways |= {f"scipy_{driver}": scipy_svd(driver) for driver in ("gesdd", "gesvd")}
    costs = {}
    for name, library in other_libraries().items():
        for driver in ("dgesdd", "dgesvd"):
            ways[f"{name}_{driver}"] = library.way(driver)
            costs[f"{name}_{driver}"] = lambda shape, library=library, driver=driver: library.overhead(driver, shape)
    for path in sorted(folder.iterdir()):
        n, p, count = map(int, path.name.split("x"))
        x = np.fromfile(path).reshape(count, n, p)
        first = {}
        for name, way in ways.items():
            way(x[:1])                                  # warms up caches and code
            first[name] = seconds(way, x, 1)
        best = min(first.values())
        timed = {}
        for name, once in first.items():
            if once <= 2 * best:                        # slower methods cannot win
                batch = max(1, round(SHORTEST / max(once, 1e-6)))
                timed[name] = statistics.median(seconds(ways[name], x, batch)
                                                for _ in range(RUNS))
        for name, cost in costs.items():
            if name in timed and timed[name] / count < 1e-3:
                timed[name] -= count * cost((n, p))
        name = min(timed, key=timed.get)
        print(path.name, name, timed[name], ways[name](x), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
