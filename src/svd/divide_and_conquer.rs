//! The default backend: pure Rust, nothing to link.

use super::householder::{block_size, factor};
use super::{Backend, RawSvd, Route, conquer, one_sided};
use crate::machine::turned::by_columns;
use ndarray::{Array2, ArrayView2, ShapeBuilder, s};

/// Ratio of rows to columns from which reducing to a triangle first is faster than reducing directly to a bidiagonal
/// matrix.
const LONG: f64 = 3.0;
/// Most entries for which the direct reduction is faster at any ratio.
const DIRECT: usize = 1 << 14;
/// Ratio from which a triangle first costs little.
const SAFER: f64 = 11.0 / 6.0;
/// Ratio of column lengths beyond which a triangle is computed first anyway.
const UNEVEN: f64 = 16.0;

/// The default backend, in pure Rust: reduction to a bidiagonal matrix, then divide and conquer.
///
/// The reduction takes one pass over the matrix per step. Divide and conquer solves as many roots of the secular
/// equation at once as a register holds. The threads of the calling rayon pool share matrices with 768 or more
/// columns and rows, in pieces that depend on the shape alone: results have the same bits on any number of threads.
///
/// The second route is a one-sided Jacobi method: it shares neither the reduction nor what follows, and takes about 20
/// times as long (1 s at 600 × 600).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DivideAndConquer;

impl Backend for DivideAndConquer {
    fn name(&self) -> &'static str {
        "divide and conquer"
    }

    fn factorise(&self, x: ArrayView2<'_, f64>, route: Route) -> Result<RawSvd, String> {
        match route {
            Route::First => {
                let (n, p) = x.dim();
                let ratio = n.max(p) as f64 / n.min(p) as f64;
                let is_faster_direct = x.len() <= DIRECT || ratio < LONG;
                let by_triangle = ratio > SAFER && !(is_faster_direct && is_even(x));
                conquer::factorise(x, by_triangle)
            }
            Route::Second => one_sided::factorise(x),
        }
    }

    fn triangle(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
        let (n, p) = x.dim();
        let mut factors = by_columns(x);
        let mut coefficients = Array2::zeros((block_size(n, p), n.min(p)).f());
        factor(factors.view_mut(), coefficients.view_mut());
        // Row-major, which is column-major order of the transpose.
        let mut triangle = by_columns(factors.slice(s![..n.min(p), ..]).reversed_axes()).reversed_axes();
        for (i, mut row) in triangle.rows_mut().into_iter().enumerate() {
            row.slice_mut(s![..i.min(p)]).fill(0.0);
        }
        Ok(triangle)
    }
}

/// Whether the columns (the rows, if fewer) have similar lengths. If not, reducing to a triangle first keeps more
/// digits of the short ones.
fn is_even(x: ArrayView2<'_, f64>) -> bool {
    let long = if x.nrows() < x.ncols() { x.reversed_axes() } else { x };
    let mut squares = vec![0.0; long.ncols()];
    for row in long.rows() {
        squares.iter_mut().zip(row).for_each(|(sum, v)| *sum += v * v);
    }
    let (least, most) = squares.iter().fold((f64::INFINITY, 0.0f64), |(a, b), &v| (a.min(v), b.max(v)));
    most <= UNEVEN * UNEVEN * least
}
