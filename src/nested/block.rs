//! Many rows at once: inside a block the points of a sample-wise curve are nested sums too.
//!
//! With all directions spanned, `L z = c`, and a block of `b` rows `M` (in the coordinates of the basis) with
//! targets `Y`, let `V = M L⁻¹` and `C Cᵀ = I + V Vᵀ` (Cholesky). The leading blocks of `C` belong to the leading
//! rows, so with `t = C⁻¹ (Y − V c)` and `H = L⁻¹ (C⁻¹ V)ᵀ` the fit after `i` rows of the block is
//! `z + Σ_{j ≤ i} H_j t_j`, and the sum of squared training errors grows by `tᵢ²`. All of it is
//! matrix–matrix work. The accuracy is that of single rows as long as `L` is well conditioned.

use super::fold::fold;
use super::triangle::{Triangle, dot};
use crate::Error;
use ndarray::{Array2, ArrayView1, ArrayViewMut1, Axis, linalg::general_mat_mul, s};

/// Under this many rows or columns single ones are as fast.
pub(super) const SMALLEST_BLOCK: usize = 16;

/// Columns solved for at a time: the rest is matrix products.
const PANEL: usize = 48;

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
    /// For rows as columns, `Mᵀ` (`p × b`), and targets `Y` (`b × k`).
    pub(super) fn new(
        start: &Triangle,
        c: &Array2<f64>,
        rows: &Array2<f64>,
        targets: &Array2<f64>,
    ) -> Result<Self, Error> {
        let (steps, innovations) = steps(start, c, rows, targets);
        let (mut c, mut targets) = (c.clone(), targets.clone());
        let triangle = fold(start, rows.t(), &mut c, &mut targets)?;
        Ok(Self { steps, innovations, triangle, c })
    }
}

/// `H` as rows (`b × p`) and `t` (`b × k`).
pub(super) fn steps(
    start: &Triangle,
    c: &Array2<f64>,
    rows: &Array2<f64>,
    targets: &Array2<f64>,
) -> (Array2<f64>, Array2<f64>) {
    let b = rows.ncols();
    let lower = &start.to_array();
    let mut v = rows.clone();
    solve_transposed(lower, &mut v);
    let factor = cholesky(Array2::eye(b) + v.t().dot(&v));
    let mut innovations = targets - &v.t().dot(c);
    for mut column in innovations.columns_mut() {
        let solved = forward(&factor, column.to_vec());
        column.assign(&ArrayView1::from(&solved));
    }
    for mut row in v.rows_mut() {
        let solved = forward(&factor, row.to_vec());
        row.assign(&ArrayView1::from(&solved));
    }
    solve(lower, &mut v);
    (v.t().as_standard_layout().into_owned(), innovations)
}

/// `B ← L⁻¹ B`.
pub(super) fn solve(lower: &Array2<f64>, b: &mut Array2<f64>) {
    let p = lower.nrows();
    for from in (0..p).step_by(PANEL) {
        let to = (from + PANEL).min(p);
        let (known, mut panel) = b.view_mut().split_at(Axis(0), from);
        let mut panel = panel.slice_mut(s![..to - from, ..]);
        general_mat_mul(-1.0, &lower.slice(s![from..to, ..from]), &known, 1.0, &mut panel);
        for i in 0..to - from {
            let (above, mut row) = panel.view_mut().split_at(Axis(0), i);
            let mut row = row.row_mut(0);
            for (j, above) in above.rows().into_iter().enumerate() {
                row.scaled_add(-lower[[from + i, from + j]], &above);
            }
            row /= lower[[from + i, from + i]];
        }
    }
}

/// `B ← L⁻ᵀ B`.
pub(super) fn solve_transposed(lower: &Array2<f64>, b: &mut Array2<f64>) {
    let p = lower.nrows();
    for from in (0..p).step_by(PANEL).rev() {
        let to = (from + PANEL).min(p);
        let (mut unknown, known) = b.view_mut().split_at(Axis(0), to);
        let mut panel = unknown.slice_mut(s![from.., ..]);
        general_mat_mul(-1.0, &lower.slice(s![to.., from..to]).t(), &known, 1.0, &mut panel);
        for i in (0..to - from).rev() {
            let (mut row, below) = panel.view_mut().split_at(Axis(0), i + 1);
            let mut row = row.row_mut(i);
            for (j, below) in below.rows().into_iter().enumerate() {
                row.scaled_add(-lower[[from + i + 1 + j, from + i]], &below);
            }
            row /= lower[[from + i, from + i]];
        }
    }
}

/// The rows of `C`, `C Cᵀ = S`, up to the diagonal. `S` is `I` plus a Gram matrix: nothing can go wrong.
fn cholesky(gram: Array2<f64>) -> Vec<Vec<f64>> {
    let mut rows: Vec<Vec<f64>> = Vec::with_capacity(gram.nrows());
    for (i, given) in gram.rows().into_iter().enumerate() {
        let mut row = Vec::with_capacity(i + 1);
        for (j, other) in rows.iter().enumerate() {
            let rest = given[j] - dot(&row, &other[..j]);
            row.push(rest / other[j]);
        }
        row.push((given[i] - dot(&row, &row)).max(1.0).sqrt());
        rows.push(row);
    }
    rows
}

/// `C⁻¹ x`.
fn forward(factor: &[Vec<f64>], mut x: Vec<f64>) -> Vec<f64> {
    for (i, row) in factor.iter().enumerate() {
        x[i] = (x[i] - dot(&row[..i], &x[..i])) / row[i];
    }
    x
}

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
    ArrayViewMut1::from(sum).scaled_add(factor, &x);
}
