//! Sums over coordinates for every pair of inputs.

// `pulp` compiles one function per instruction set; everything must be inlined into it.
#![allow(clippy::inline_always)]

use crate::Error;
use crate::machine::instructions::arch;
use crate::machine::memory::{self, table};
use crate::machine::threads::{piece, share};
use ndarray::{Array2, ArrayRef2};

/// The number of rows of `b` in a tile, which stays in the cache during a pass over `a`.
const TILE: usize = 32;
/// The number of rows of `b` that are summed at once: each sum waits for its last addition.
const AT_ONCE: usize = 4;
/// Terms worth a thread: about 0.2 ms of work.
const WORTH: usize = 1 << 20;

/// Returns `Σ_h (scale (a_ih − b_jh))²` for every pair of rows, `m × n`.
pub(super) fn squares(a: &ArrayRef2<f64>, b: &ArrayRef2<f64>, scale: f64) -> Result<Array2<f64>, Error> {
    sums(a, b, move |x, y| {
        let term = scale * (x - y);
        term * term
    })
}

/// Returns `Σ_h (a_ih + b_jh)²` for every pair of rows, `m × n`.
pub(super) fn squares_of_sums(a: &ArrayRef2<f64>, b: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
    sums(a, b, |x, y| (x + y) * (x + y))
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
    term: impl Fn(f64, f64) -> f64 + Copy + Sync,
) -> Result<Array2<f64>, Error> {
    let copies = [table(a.nrows(), a.ncols()), table(b.nrows(), b.ncols())];
    memory::reserve("a Gram matrix", memory::sum([table(a.nrows(), b.nrows())].into_iter().chain(copies)))?;
    let mut sums = crate::machine::memory::zeros("a Gram matrix", a.nrows(), b.nrows())?;
    let (d, n) = (a.ncols(), b.nrows());
    let [a, b] = [a, b].map(|rows| rows.iter().copied().collect::<Vec<f64>>());
    // Rows in pieces, which do not depend on the number of threads.
    let height = piece(a.len() / d.max(1), 1, a.len().saturating_mul(n), WORTH);
    let into = sums.as_slice_mut().unwrap_or_default();
    let pieces = a.chunks((height * d).max(1)).zip(into.chunks_mut((height * n).max(1))).collect();
    share(pieces, |(a, into)| arch().dispatch(Sums { a, b: &b, shape: (n, d), term, into }));
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
                let (blocks, rest) = into[first..last].as_chunks_mut::<AT_ONCE>();
                let (in_blocks, others) = rows.split_at(blocks.len() * AT_ONCE * d);
                for (into, rows) in blocks.iter_mut().zip(in_blocks.chunks_exact(AT_ONCE * d)) {
                    *into = sum(x, rows, &self.term);
                }
                for (into, row) in rest.iter_mut().zip(others.chunks_exact(d)) {
                    [*into] = sum(x, row, &self.term);
                }
            }
        }
    }
}

/// Sums over coordinates, with each of `K` rows `ys` one after another, in eight partial sums, so that the loop
/// vectorises.
#[inline(always)]
fn sum<const K: usize>(x: &[f64], ys: &[f64], term: impl Fn(f64, f64) -> f64) -> [f64; K] {
    let d = x.len();
    let (xs, x_rest) = x.as_chunks::<8>();
    let mut sums = [[0.0; 8]; K];
    for (at, x) in xs.iter().enumerate() {
        for (k, sums) in sums.iter_mut().enumerate() {
            let y = &ys[k * d + 8 * at..][..8];
            for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
                *sum += term(*x, *y);
            }
        }
    }
    let mut totals = [0.0; K];
    for (k, (total, sums)) in totals.iter_mut().zip(&sums).enumerate() {
        let mut rest = 0.0;
        for (x, y) in x_rest.iter().zip(&ys[k * d + 8 * xs.len()..]) {
            rest += term(*x, *y);
        }
        *total = sums.iter().sum::<f64>() + rest;
    }
    totals
}
