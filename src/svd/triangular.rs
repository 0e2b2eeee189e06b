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
    let mut small =
        Small { size: triangle.nrows(), factors: [[0.0; SMALL]; SMALL], pivots: [1.0; SMALL], is_upper };
    for step in 0..small.size {
        let row = triangle.row(small.place(step));
        for before in 0..step {
            small.factors[step][before] = row[small.place(before)];
        }
        small.pivots[step] = row[small.place(step)];
    }
    arch().dispatch(Substitute { small: &small, b });
}

/// A small triangle, in the order in which its rows are solved.
struct Small {
    size: usize,
    /// Of the rows solved before, for each row.
    factors: [[f64; SMALL]; SMALL],
    pivots: [f64; SMALL],
    is_upper: bool,
}

impl Small {
    /// Returns the row that is solved in a step.
    fn place(&self, step: usize) -> usize {
        if self.is_upper { self.size - 1 - step } else { step }
    }
}

struct Substitute<'a> {
    small: &'a Small,
    b: ArrayViewMut2<'a, f64>,
}

impl WithSimd for Substitute<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for columns in self.b.axis_chunks_iter_mut(Axis(1), TOGETHER) {
            match columns.ncols() {
                ..=8 => substitute_in::<S, 8>(simd, self.small, columns),
                9..=16 => substitute_in::<S, 16>(simd, self.small, columns),
                _ => substitute_in::<S, TOGETHER>(simd, self.small, columns),
            }
        }
    }
}

/// Solves for at most `W` columns.
#[inline(always)]
fn substitute_in<S: Simd, const W: usize>(simd: S, small: &Small, mut columns: ArrayViewMut2<'_, f64>) {
    let mut known = [[0.0; W]; SMALL];
    for (i, row) in columns.rows().into_iter().enumerate() {
        known[small.place(i)].iter_mut().zip(row).for_each(|(to, v)| *to = *v);
    }
    for (step, pivot) in small.pivots.iter().enumerate().take(small.size) {
        let (before, rest) = known.split_at_mut(step);
        let Some(row) = rest.first_mut() else { return };
        let mut sums = *row;
        let registers = S::as_mut_simd_f64s(&mut sums).0;
        for (factor, known) in small.factors[step].iter().zip(before) {
            let factor = simd.splat_f64s(-factor);
            for (sum, known) in registers.iter_mut().zip(S::as_simd_f64s(known).0) {
                *sum = simd.mul_add_e_f64s(factor, *known, *sum);
            }
        }
        // A division takes as long as many products.
        let inverse = pivot.recip();
        *row = if inverse.is_normal() { sums.map(|v| v * inverse) } else { sums.map(|v| v / pivot) };
    }
    for (i, row) in columns.rows_mut().into_iter().enumerate() {
        known[small.place(i)].iter().zip(row).for_each(|(v, to)| *to = *v);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;
    use rand::RngExt;

    /// `|T x − b| ≤ (n + 2) ε |T||x|`: an `n`-term sum, and a reciprocal and a product instead of a division (Higham,
    /// *Accuracy and Stability of Numerical Algorithms*, theorem 8.5). The check rounds as often.
    #[test]
    fn solutions_fit_the_system() {
        let shapes = [(1, 1), (5, 8), (16, 9), (17, 16), (31, 33), (64, 40), (100, 3), (200, 150)];
        for ((n, columns), is_upper) in shapes.into_iter().flat_map(|shape| [(shape, true), (shape, false)]) {
            let mut rng = stream(1, n, columns);
            let mut drawn = |shape| Array2::from_shape_simple_fn(shape, || 2.0 * rng.random::<f64>() - 1.0);
            let (mut triangle, b) = (drawn((n, n)), drawn((n, columns)));
            for ((i, j), v) in triangle.indexed_iter_mut() {
                *v = if i == j {
                    v.signum() * (1.0 + v.abs())
                } else if (i < j) == is_upper {
                    *v
                } else {
                    0.0
                };
            }
            for (from_rows, of_rows) in [(false, false), (false, true), (true, false), (true, true)] {
                let turned = |m: &Array2<f64>| m.t().as_standard_layout().into_owned().reversed_axes();
                let triangle = if from_rows { triangle.clone() } else { turned(&triangle) };
                let mut x = if of_rows { b.clone() } else { turned(&b) };
                if is_upper {
                    solve_from_last(triangle.view(), x.view_mut());
                } else {
                    solve_from_first(triangle.view(), x.view_mut());
                }
                let bound = triangle.mapv(f64::abs).dot(&x.mapv(f64::abs)) * ((n + 2) as f64 * f64::EPSILON);
                let off = triangle.dot(&x) - &b;
                let fits = off.iter().zip(&bound).all(|(off, bound)| off.abs() <= 2.0 * bound);
                assert!(fits, "{n} × {columns}, upper: {is_upper}");
            }
        }
    }

    /// Pivots whose reciprocals overflow or lose digits are divided by.
    #[test]
    fn pivots_of_extreme_size() {
        for pivot in [5e-324, 1e-310, 1e-300, 1e300, 1.7e308] {
            let triangle = Array2::from_diag(&ndarray::arr1(&[pivot; 3]));
            let mut x = Array2::from_elem((3, 2), pivot * 0.75);
            solve_upper(&triangle, &mut x);
            let expected = pivot * 0.75 / pivot;
            assert!(x.iter().all(|v| (v / expected - 1.0).abs() <= 2.0 * f64::EPSILON), "{pivot:e}: {x}");
        }
    }
}
