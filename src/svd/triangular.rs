//! Triangular systems. Large ones are split into panels of columns for all threads, with the same bits on any number of
//! threads.

use super::product::{by_panels, matrix_mut};
use faer::linalg::triangular_solve::{solve_lower_triangular_in_place, solve_upper_triangular_in_place};
use faer::{MatMut, MatRef, Par};
use ndarray::Array2;

/// Least columns of a panel: each panel repacks the triangle.
const PANEL: usize = 128;

/// `B ← R⁻¹ B` for an upper triangle `R`, column-major.
pub(crate) fn solve_upper(upper: &Array2<f64>, b: &mut Array2<f64>) {
    upper_panels(columns(upper), matrix_mut(b));
}

/// `B ← R⁻ᵀ B` for an upper triangle `R`, column-major.
pub(crate) fn solve_upper_transposed(upper: &Array2<f64>, b: &mut Array2<f64>) {
    lower_panels(columns(upper).transpose(), matrix_mut(b));
}

/// `B ← L⁻¹ B` for a lower triangle `L`, row-major.
pub(crate) fn solve_lower(lower: &Array2<f64>, b: &mut Array2<f64>) {
    lower_panels(columns(lower).transpose(), matrix_mut(b));
}

/// `B ← L⁻ᵀ B` for a lower triangle `L`, row-major. If `L` has more rows than `B`, the leading ones are used.
pub(crate) fn solve_lower_transposed(lower: &Array2<f64>, b: &mut Array2<f64>) {
    let r = b.nrows();
    upper_panels(columns(lower).submatrix(0, 0, r, r), matrix_mut(b));
}

fn upper_panels(upper: MatRef<'_, f64>, b: MatMut<'_, f64>) {
    by_panels(b, PANEL, each(upper), |panel| solve_upper_triangular_in_place(upper, panel, Par::Seq));
}

fn lower_panels(lower: MatRef<'_, f64>, b: MatMut<'_, f64>) {
    by_panels(b, PANEL, each(lower), |panel| solve_lower_triangular_in_place(lower, panel, Par::Seq));
}

/// Returns the multiplications per column.
fn each(triangle: MatRef<'_, f64>) -> usize {
    triangle.nrows() * triangle.nrows() / 2
}

/// Views the entries of a square matrix in memory order as column-major.
fn columns(square: &Array2<f64>) -> MatRef<'_, f64> {
    let n = square.nrows();
    MatRef::from_column_major_slice(square.as_slice_memory_order().unwrap_or_default(), n, n)
}
