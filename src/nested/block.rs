//! Many rows at once: the points of a sample-wise curve inside a block are nested sums too.
//!
//! With all directions spanned, `L z = c`, and a block of `b` rows `M` (in the coordinates of the basis) with
//! targets `Y`, let `V = M L⁻¹` and `C Cᵀ = I + V Vᵀ` (Cholesky). The leading blocks of `C` belong to the leading
//! rows, so with `t = C⁻¹ (Y − V c)` and `H = L⁻¹ (C⁻¹ V)ᵀ` the fit after `i` rows of the block is
//! `z + Σ_{j ≤ i} H_j t_j`, and the sum of squared training errors grows by `tᵢ²`. All of it is
//! matrix–matrix work. The accuracy is that of single rows as long as `L` is well conditioned.

use super::fold::fold;
use super::triangle::Triangle;
use crate::Error;
use crate::svd::{axpy, cholesky, row_gram, subtract_product};
use ndarray::{Array2, ArrayView1, ArrayViewMut1, s};

/// Below this many rows or columns, processing them one by one is as fast.
pub(super) const SMALLEST_BLOCK: usize = 16;

/// The fits of a block of rows, as steps.
pub(super) struct Block {
    /// `H` as rows: the change of `z` per unit of `t`.
    pub(super) steps: Array2<f64>,
    /// `t`, `b × k`.
    pub(super) innovations: Array2<f64>,
    /// `L` and `c` (`p × k`) with the block taken in.
    pub(super) triangle: Triangle,
    pub(super) c: Array2<f64>,
}

impl Block {
    /// Takes in rows, given as the columns of `Mᵀ` (`p × b`), with targets `Y` (`b × k`). `None` if the rows are too
    /// large.
    pub(super) fn new(
        start: &Triangle,
        c: &Array2<f64>,
        rows: &Array2<f64>,
        targets: &Array2<f64>,
    ) -> Result<Option<Self>, Error> {
        let Some((steps, innovations)) = steps(start, c, rows, targets) else { return Ok(None) };
        let (mut c, mut targets) = (c.clone(), targets.clone());
        let triangle = fold(start, rows.t(), &mut c, &mut targets)?;
        Ok(Some(Self { steps, innovations, triangle, c }))
    }
}

/// Returns `H` as rows (`b × p`) and `t` (`b × k`); `None` if `V` is so large that `I` is lost in rounding.
pub(super) fn steps(
    start: &Triangle,
    c: &Array2<f64>,
    rows: &Array2<f64>,
    targets: &Array2<f64>,
) -> Option<(Array2<f64>, Array2<f64>)> {
    let lower = &start.to_array();
    let mut v = rows.clone();
    solve_transposed(lower, &mut v);
    let innovations = whiten(&mut v, c, targets)?;
    solve(lower, &mut v);
    Some((v.t().as_standard_layout().into_owned(), innovations))
}

/// Computes `V ← V C⁻ᵀ` and returns `C⁻¹ (Y − Vᵀ c)`, for `V` (`p × b`) and `C Cᵀ = I + Vᵀ V`. `None` if `I` is lost in
/// rounding.
fn whiten(v: &mut Array2<f64>, c: &Array2<f64>, targets: &Array2<f64>) -> Option<Array2<f64>> {
    let b = v.ncols();
    let mut gram = Array2::from_shape_vec((b, b), row_gram(v.t())).ok()?;
    gram.diag_mut().mapv_inplace(|square| square + 1.0);
    let mut innovations = targets.to_owned();
    subtract_product(&mut innovations, v.t(), c.view());
    let root = cholesky(gram)?;
    // The upper Cᵀ in row-major order is the lower C in column-major order.
    let lower = root.t().as_standard_layout().into_owned();
    solve(&lower, &mut innovations);
    let mut rows = std::mem::take(v).reversed_axes();
    solve(&lower, &mut rows);
    *v = rows.reversed_axes();
    Some(innovations)
}

/// Computes `B ← L⁻¹ B` for a row-major lower triangle.
pub(super) use crate::svd::solve_lower as solve;
/// Computes `B ← L⁻ᵀ B` for a row-major lower triangle.
pub(super) use crate::svd::solve_lower_transposed as solve_transposed;

/// Returns the vectors as columns of a matrix with `rows` rows, padded with zeros.
pub(super) fn as_columns(vectors: &[Vec<f64>], rows: usize) -> Array2<f64> {
    let mut matrix = Array2::zeros((vectors.len(), rows));
    for (mut row, vector) in matrix.rows_mut().into_iter().zip(vectors) {
        row.slice_mut(s![..vector.len()]).assign(&ArrayView1::from(vector));
    }
    matrix.reversed_axes()
}

/// `sum ← sum + factor · x`.
pub(super) fn step(sum: &mut [f64], factor: f64, x: ArrayView1<'_, f64>) {
    match x.to_slice() {
        Some(x) => axpy(sum, factor, x),
        None => ArrayViewMut1::from(sum).scaled_add(factor, &x),
    }
}
