//! Sums over coordinates for every pair of inputs.

// `pulp` compiles one function per instruction set; everything must be inlined into it.
#![allow(clippy::inline_always)]

use crate::Error;
use crate::machine::instructions::arch;
use crate::machine::memory::{self, table};
use ndarray::{Array2, ArrayRef2};

/// The number of rows of `b` in a tile, which stays in the cache during a pass over `a`.
const TILE: usize = 32;

/// Returns `Σ_h (scale (a_ih + sign b_jh))²` for every pair of rows, `m × n`; `sign` is 1 or −1.
pub(super) fn squares(
    a: &ArrayRef2<f64>,
    b: &ArrayRef2<f64>,
    sign: f64,
    scale: f64,
) -> Result<Array2<f64>, Error> {
    sums(a, b, move |x, y| {
        let term = scale * (x + sign * y);
        term * term
    })
}

/// Returns `Σ_h |scale (a_ih − b_jh)|` for every pair of rows, `m × n`.
pub(super) fn absolute_values(
    a: &ArrayRef2<f64>,
    b: &ArrayRef2<f64>,
    scale: f64,
) -> Result<Array2<f64>, Error> {
    sums(a, b, move |x, y| (scale * (x - y)).abs())
}

/// Returns `Σ_h term(a_ih, b_jh)` for every pair of rows, `m × n`, with the same bits on every instruction set.
fn sums(
    a: &ArrayRef2<f64>,
    b: &ArrayRef2<f64>,
    term: impl Fn(f64, f64) -> f64,
) -> Result<Array2<f64>, Error> {
    let copies = [table(a.nrows(), a.ncols()), table(b.nrows(), b.ncols())];
    memory::reserve("a Gram matrix", memory::sum([table(a.nrows(), b.nrows())].into_iter().chain(copies)))?;
    let mut sums = crate::machine::memory::zeros("a Gram matrix", a.nrows(), b.nrows())?;
    let (d, n) = (a.ncols(), b.nrows());
    let [a, b] = [a, b].map(|rows| rows.iter().copied().collect::<Vec<f64>>());
    let into = sums.as_slice_mut().unwrap_or_default();
    arch().dispatch(Sums { a: &a, b: &b, shape: (n, d), term, into });
    Ok(sums)
}

struct Sums<'a, F> {
    a: &'a [f64],
    b: &'a [f64],
    /// The number of rows of `b`, and the number of columns of both.
    shape: (usize, usize),
    term: F,
    into: &'a mut [f64],
}

impl<F: Fn(f64, f64) -> f64> pulp::WithSimd for Sums<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let (n, d) = self.shape;
        for first in (0..n).step_by(TILE) {
            let last = n.min(first + TILE);
            let rows = &self.b[first * d..last * d];
            for (x, into) in self.a.chunks_exact(d).zip(self.into.chunks_exact_mut(n)) {
                for (into, y) in into[first..last].iter_mut().zip(rows.chunks_exact(d)) {
                    *into = sum(x, y, &self.term);
                }
            }
        }
    }
}

/// Sums over coordinates in eight partial sums, so that the loop vectorises.
#[inline(always)]
fn sum(x: &[f64], y: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    let ((xs, x), (ys, y)) = (x.as_chunks::<8>(), y.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (x, y) in xs.iter().zip(ys) {
        for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum += term(*x, *y);
        }
    }
    let mut rest = 0.0;
    for (x, y) in x.iter().zip(y) {
        rest += term(*x, *y);
    }
    sums.iter().sum::<f64>() + rest
}
