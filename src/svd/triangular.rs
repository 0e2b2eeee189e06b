//! Triangular systems, sequential: the same bits on any number of threads.

use super::product::matrix_mut;
use faer::linalg::triangular_solve::{solve_lower_triangular_in_place, solve_upper_triangular_in_place};
use faer::{MatRef, Par};
use ndarray::Array2;

/// `B ← R⁻¹ B` for an upper triangle `R`, column by column.
pub(crate) fn solve_upper(upper: &Array2<f64>, b: &mut Array2<f64>) {
    solve_upper_triangular_in_place(columns(upper), matrix_mut(b), Par::Seq);
}

/// `B ← R⁻ᵀ B` for an upper triangle `R`, column by column.
pub(crate) fn solve_upper_transposed(upper: &Array2<f64>, b: &mut Array2<f64>) {
    solve_lower_triangular_in_place(columns(upper).transpose(), matrix_mut(b), Par::Seq);
}

/// `B ← L⁻¹ B` for a lower triangle `L`, row by row.
pub(crate) fn solve_lower(lower: &Array2<f64>, b: &mut Array2<f64>) {
    solve_lower_triangular_in_place(columns(lower).transpose(), matrix_mut(b), Par::Seq);
}

/// `B ← L⁻ᵀ B` for a lower triangle `L`, row by row.
pub(crate) fn solve_lower_transposed(lower: &Array2<f64>, b: &mut Array2<f64>) {
    solve_upper_triangular_in_place(columns(lower), matrix_mut(b), Par::Seq);
}

/// The entries of a square matrix as they lie, column by column.
fn columns(square: &Array2<f64>) -> MatRef<'_, f64> {
    let n = square.nrows();
    MatRef::from_column_major_slice(square.as_slice_memory_order().unwrap_or_default(), n, n)
}
