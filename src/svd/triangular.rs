//! Triangular systems. Large ones are split into panels of columns for all threads, with the same bits on any number of
//! threads.

// Must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use super::product::by_panels;
use super::tiles::{Accum, multiply};
use crate::machine::instructions::arch;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, ShapeBuilder, s};
use pulp::{Simd, WithSimd};

/// Least columns of a panel: each panel repacks the triangle.
const PANEL: usize = 128;
/// Rows of a triangle that are solved one by one; the rest is products.
const SMALL: usize = 16;
/// Columns solved together: their entries of a row are neighbours.
const TOGETHER: usize = 32;

/// `B ← R⁻¹ B` for an upper triangle `R`, column-major.
pub(crate) fn solve_upper(upper: &Array2<f64>, b: &mut Array2<f64>) {
    upper_panels(columns(upper), b.view_mut());
}

/// `B ← R⁻ᵀ B` for an upper triangle `R`, column-major.
pub(crate) fn solve_upper_transposed(upper: &Array2<f64>, b: &mut Array2<f64>) {
    lower_panels(columns(upper).reversed_axes(), b.view_mut());
}

/// `B ← L⁻¹ B` for a lower triangle `L`, row-major.
pub(crate) fn solve_lower(lower: &Array2<f64>, b: &mut Array2<f64>) {
    lower_panels(columns(lower).reversed_axes(), b.view_mut());
}

/// `B ← L⁻ᵀ B` for a lower triangle `L`, row-major. If `L` has more rows than `B`, the leading ones are used.
pub(crate) fn solve_lower_transposed(lower: &Array2<f64>, b: &mut Array2<f64>) {
    let r = b.nrows();
    upper_panels(columns(lower).slice_move(s![..r, ..r]), b.view_mut());
}

fn upper_panels(upper: ArrayView2<'_, f64>, b: ArrayViewMut2<'_, f64>) {
    by_panels(b, PANEL, each(upper), |panel| solve_from_last(upper, panel));
}

fn lower_panels(lower: ArrayView2<'_, f64>, b: ArrayViewMut2<'_, f64>) {
    by_panels(b, PANEL, each(lower), |panel| solve_from_first(lower, panel));
}

/// Returns the multiplications per column.
fn each(triangle: ArrayView2<'_, f64>) -> usize {
    triangle.nrows() * triangle.nrows() / 2
}

/// Views the entries of a square matrix in memory order as column-major.
fn columns(square: &Array2<f64>) -> ArrayView2<'_, f64> {
    let (n, entries) = (square.nrows(), square.as_slice_memory_order().unwrap_or_default());
    ArrayView2::from_shape((n, n).f(), entries).unwrap_or_else(|_| square.view())
}

/// `B ← L⁻¹ B` on this thread, for a lower triangle `L` in any memory order.
pub(super) fn solve_from_first(lower: ArrayView2<'_, f64>, b: ArrayViewMut2<'_, f64>) {
    let n = lower.nrows();
    if n <= SMALL {
        return substitute(lower, b, false);
    }
    let half = half(n);
    let (above, below) = lower.split_at(Axis(0), half);
    let (mut first, mut second) = b.split_at(Axis(0), half);
    solve_from_first(above.slice_move(s![.., ..half]), first.view_mut());
    let (beside, rest) = below.split_at(Axis(1), half);
    multiply(second.view_mut(), Accum::Add, beside, first.view(), -1.0);
    solve_from_first(rest, second);
}

/// `B ← R⁻¹ B` on this thread, for an upper triangle `R` in any memory order.
pub(super) fn solve_from_last(upper: ArrayView2<'_, f64>, b: ArrayViewMut2<'_, f64>) {
    let n = upper.nrows();
    if n <= SMALL {
        return substitute(upper, b, true);
    }
    let half = half(n);
    let (above, below) = upper.split_at(Axis(0), half);
    let (mut first, mut second) = b.split_at(Axis(0), half);
    solve_from_last(below.slice_move(s![.., half..]), second.view_mut());
    let (diagonal, beside) = above.split_at(Axis(1), half);
    multiply(first.view_mut(), Accum::Add, beside, second.view(), -1.0);
    solve_from_last(diagonal, first);
}

/// Returns about half of `n`, a multiple of [`SMALL`].
fn half(n: usize) -> usize {
    (n / 2).next_multiple_of(SMALL)
}

/// Solves a small system by substitution, starting with the first or the last row.
fn substitute(triangle: ArrayView2<'_, f64>, b: ArrayViewMut2<'_, f64>, is_upper: bool) {
    arch().dispatch(Substitute { triangle, b, is_upper });
}

struct Substitute<'a> {
    triangle: ArrayView2<'a, f64>,
    b: ArrayViewMut2<'a, f64>,
    is_upper: bool,
}

impl WithSimd for Substitute<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { triangle, mut b, is_upper } = self;
        let n = triangle.nrows();
        let mut known = [[0.0; TOGETHER]; SMALL];
        for mut columns in b.axis_chunks_iter_mut(Axis(1), TOGETHER) {
            for (known, row) in known.iter_mut().zip(columns.rows()) {
                known.iter_mut().zip(row).for_each(|(to, v)| *to = *v);
            }
            for step in 0..n {
                let i = if is_upper { n - 1 - step } else { step };
                let mut row = known[i];
                for j in if is_upper { i + 1..n } else { 0..i } {
                    let factor = triangle[[i, j]];
                    row.iter_mut().zip(&known[j]).for_each(|(to, v)| *to -= factor * v);
                }
                let pivot = triangle[[i, i]];
                known[i] = row.map(|v| v / pivot);
            }
            for (known, row) in known.iter().zip(columns.rows_mut()) {
                known.iter().zip(row).for_each(|(v, to)| *to = *v);
            }
        }
    }
}
