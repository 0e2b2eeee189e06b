//! Many rows at once: inside a block the points of a sample-wise curve are nested sums too.
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

/// Under this many rows or columns single ones are as fast.
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
    /// For rows as columns, `Mᵀ` (`p × b`), and targets `Y` (`b × k`). `None` where they are too large for that.
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

/// `H` as rows (`b × p`) and `t` (`b × k`); `None` where `V` is so large that `I` is nothing beside it.
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

/// `V ← V C⁻ᵀ`, and `C⁻¹ (Y − Vᵀ c)`, for `V` (`p × b`) and `C Cᵀ = I + Vᵀ V`. `None` if rounding leaves nothing of `I`.
fn whiten(v: &mut Array2<f64>, c: &Array2<f64>, targets: &Array2<f64>) -> Option<Array2<f64>> {
    let b = v.ncols();
    let mut gram = Array2::from_shape_vec((b, b), row_gram(v.t())).ok()?;
    gram.diag_mut().mapv_inplace(|square| square + 1.0);
    let mut innovations = targets.to_owned();
    subtract_product(&mut innovations, v.t(), c.view());
    let root = cholesky(gram)?;
    // Row by row the upper Cᵀ is column by column the lower C.
    let lower = root.t().as_standard_layout().into_owned();
    solve(&lower, &mut innovations);
    let mut rows = std::mem::take(v).reversed_axes();
    solve(&lower, &mut rows);
    *v = rows.reversed_axes();
    Some(innovations)
}

/// `B ← L⁻¹ B` for a lower triangle, row by row.
pub(super) use crate::svd::solve_lower as solve;
/// `B ← L⁻ᵀ B` for a lower triangle, row by row.
pub(super) use crate::svd::solve_lower_transposed as solve_transposed;

/// Vectors as the columns of a matrix with `rows` rows, filled up by zeros.
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
