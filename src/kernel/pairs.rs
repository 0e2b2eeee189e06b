//! A sum of squares for each pair of inputs.

// All must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use crate::Error;
use ndarray::{Array2, ArrayRef2};

/// Rows of `b` that stay in the cache while all of `a` passes by.
const TILE: usize = 32;

/// `Σ_h (scale (a_ih + sign b_jh))²` for every pair of rows, `(m, n)`; `sign` is 1 or −1. The same bits come out of
/// every instruction set.
pub(super) fn squares(
    a: &ArrayRef2<f64>,
    b: &ArrayRef2<f64>,
    sign: f64,
    scale: f64,
) -> Result<Array2<f64>, Error> {
    let mut sums = crate::features::zeros("a Gram matrix", a.nrows(), b.nrows())?;
    let (d, n) = (a.ncols(), b.nrows());
    let [a, b] = [a, b].map(|rows| rows.iter().copied().collect::<Vec<f64>>());
    let into = sums.as_slice_mut().unwrap_or_default();
    pulp::Arch::new().dispatch(Squares { a: &a, b: &b, shape: (n, d), sign, scale, into });
    Ok(sums)
}

struct Squares<'a> {
    a: &'a [f64],
    b: &'a [f64],
    /// Rows of `b`, and columns of both.
    shape: (usize, usize),
    sign: f64,
    scale: f64,
    into: &'a mut [f64],
}

impl pulp::WithSimd for Squares<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let (n, d) = self.shape;
        for first in (0..n).step_by(TILE) {
            let last = n.min(first + TILE);
            let rows = &self.b[first * d..last * d];
            for (x, into) in self.a.chunks_exact(d).zip(self.into.chunks_exact_mut(n)) {
                for (into, y) in into[first..last].iter_mut().zip(rows.chunks_exact(d)) {
                    *into = sum_of_squares(x, y, self.sign, self.scale);
                }
            }
        }
    }
}

/// In eight sums, which run side by side.
#[inline(always)]
fn sum_of_squares(x: &[f64], y: &[f64], sign: f64, scale: f64) -> f64 {
    let ((xs, x), (ys, y)) = (x.as_chunks::<8>(), y.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (x, y) in xs.iter().zip(ys) {
        for lane in 0..8 {
            let term = scale * (x[lane] + sign * y[lane]);
            sums[lane] += term * term;
        }
    }
    let mut rest = 0.0;
    for (x, y) in x.iter().zip(y) {
        let term = scale * (x + sign * y);
        rest += term * term;
    }
    sums.iter().sum::<f64>() + rest
}
