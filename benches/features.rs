//! The cost of random Fourier features, and of curves and grids of their minimum-norm fits.
//!
//! - `cos(X W + b)` at 1000 × 784 → 5000, for images and for inputs without zeros, against the product `X W` alone (by
//!   ndarray) and against numpy.
//! - A model-wise curve at n = 5,000, p = 50 … 20,000 (40 values), and a grid of 20 × 20 values of n and p up to 4,000.
//!   Each has ten outputs and 10,000 test rows, and features are included. The peer fits cell by cell, by whichever of
//!   numpy and `SciPy`'s methods is fastest: QR or their least squares routines. A few cells are timed and the others
//!   interpolated between them (log times, linear in log n and log p); the peer makes its features once. A second peer
//!   (`strong`) fits all cells from two growing triangles in LAPACK.
//! - Every p from 1 to 1,500 at n = 300 by a sweep, against the nested engine called directly: the overhead of a sweep.
//!
//! CPU seconds, one thread on every side; the peer's start-up does not count. All features and all timed cells are
//! compared.
//!
//! Run: `PYTHON=<python with scipy> cargo bench --bench features`; add `-- --quick` for small sizes only, `-- rff_grid`
//! for one of the four, `-- --strong` for the curve and the grid without the cell-by-cell fits.

#[cfg(not(unix))]
fn main() {
    println!("SKIPPED: CPU times are read on Unix only");
}

#[cfg(unix)]
#[path = "features/every_width.rs"]
mod every_width;
#[cfg(unix)]
#[path = "features/plane.rs"]
mod plane;
#[cfg(unix)]
#[path = "whole_curve/python.rs"]
mod python;
#[cfg(unix)]
#[path = "features/random_fourier.rs"]
mod random_fourier;
#[cfg(unix)]
#[path = "whole_curve/timing.rs"]
#[allow(dead_code)] // shared by several benches
mod timing;

/// The interpreter, and the core type that makes its `OpenBLAS` fastest.
#[cfg(unix)]
type Peer<'a> = (&'a str, Option<&'a str>);

#[cfg(unix)]
fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let python = python::with_numpy();
    let core_type = python.as_deref().and_then(|python| {
        python::fastest_core_type(python, |core_type| {
            python::run(python, core_type, "core_type.py", &[])?.trim().parse().ok()
        })
    });
    let peer = python.as_deref().map(|python| (python, core_type));
    let only = |name: &str| {
        std::env::args().find(|argument| argument.starts_with("rff_")).is_none_or(|arg| arg == name)
    };
    if only("rff_features") {
        random_fourier::run(if quick { (100, 78, 500) } else { (1000, 784, 5000) }, peer);
    }
    if only("rff_every_width") {
        every_width::run(quick);
    }
    for (name, study) in
        [("rff_curve", plane::Study::curve as fn(bool) -> plane::Study), ("rff_grid", plane::Study::grid)]
    {
        if only(name) {
            study(quick).report(peer);
        }
    }
}
