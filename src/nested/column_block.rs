//! Many columns at once: the points of a model-wise curve inside a block are nested sums.
//!
//! Let `W` (`p × n`) span the row space of `X = Q Lᵀ Wᵀ`, and let `b` columns follow. In the coordinates of `W` and of
//! the new features, let `wᵢ` be the minimum-norm solution after `i` of them; `w₀ = [z; 0]` with `Lᵀ z = c`. Each new
//! feature adds one dimension to the space but none to the row space, so each step leaves out one more direction. These
//! directions, `d₁ … d_b`, are orthonormal, and
//!
//! ```text
//! wᵢ = w₀ − Σ_{j ≤ i} dⱼ tⱼ = w_b + Σ_{j > i} dⱼ tⱼ        tⱼ = dⱼᵀ w₀        ‖wᵢ‖² = ‖w_b‖² + Σ_{j > i} tⱼ²
//! ```
//!
//! The reflections `G` that take the block into `L` are those of [`fold`], applied to `[0; I]` and `[z; 0]` as well.
//! The last `b` rows of `Gᵀ` span the directions left out at the end. As `dⱼ` does not involve features after the
//! `j`-th, the one rotation that makes the last rows of `Gᵀ [0; I]` lower triangular turns the last rows of `Gᵀ` into
//! `d₁ᵀ … d_bᵀ`. So orthogonal transformations of the carried columns yield `tⱼ` and the test images `A dⱼ`.
//!
//! The sum starts from the better end, `w_b`, which is recomputed. The rounding error of `z` enters through `tⱼ`: at
//! each point it acts like a change of `c` by `ε ‖L‖ ‖z‖`; a separate solve has `ε ‖L‖ ‖wᵢ‖`. The norms fall along the
//! block, so the bound is that of single columns times `‖z‖ / ‖w_b‖`, which is kept small.

use super::block::as_columns;
use super::fold::fold;
use super::triangle::{Triangle, square};
use crate::Error;
use crate::machine::turned::by_columns;
use crate::svd::reduce;
use ndarray::{Array2, ArrayView2, Axis, ShapeBuilder, s};

/// The factor by which the norm of a solution may fall in a block. Errors did not grow even when it fell by a factor of
/// forty; the limit follows the theoretical bound.
pub(super) const SHRINKAGE: f64 = 2.0;

/// The fits of a block of columns, as steps.
#[derive(Debug)]
pub(super) struct ColumnBlock {
    /// `L` with the block taken in.
    pub(super) triangle: Triangle,
    /// The images of its rows.
    pub(super) images: Vec<Vec<f64>>,
    /// The solution at the end, one vector per output.
    pub(super) z: Vec<Vec<f64>>,
    /// `tⱼ`, `b × k`.
    pub(super) innovations: Array2<f64>,
    /// `A dⱼ`, `b × m`.
    pub(super) steps: Array2<f64>,
}

impl ColumnBlock {
    /// Takes in columns in the coordinates of the basis, as rows `M` (`b × n`), with their test images. `None` if
    /// single columns would be more accurate.
    pub(super) fn new(
        triangle: &Triangle,
        c: &[Vec<f64>],
        images: &[Vec<f64>],
        rows: ArrayView2<'_, f64>,
        new_images: &[Vec<f64>],
    ) -> Result<Option<Self>, Error> {
        let ((b, n), k) = (rows.dim(), c.len());
        let z: Vec<Vec<f64>> = c.iter().map(|c| triangle.backward(c)).collect();
        let m = images.iter().chain(new_images).map(Vec::len).max().unwrap_or(0);
        let mut carried = Array2::zeros((n, b + k + m));
        carried.slice_mut(s![.., b..b + k]).assign(&as_columns(&z, n));
        carried.slice_mut(s![.., b + k..]).assign(&as_columns(images, m).t());
        let mut joined = Array2::zeros((b, b + k + m).f());
        joined.slice_mut(s![.., ..b;-1]).diag_mut().fill(1.0);
        joined.slice_mut(s![.., b + k..]).assign(&as_columns(new_images, m).t());

        let lower = fold(triangle, rows, &mut carried, &mut joined)?;
        let end: Vec<Vec<f64>> = c.iter().map(|c| lower.backward(c)).collect();
        if z.iter().zip(&end).any(|(z, end)| square(z) > SHRINKAGE * SHRINKAGE * square(end)) {
            return Ok(None);
        }
        let Steps { innovations, steps } = Steps::new(joined, k);
        Ok(Some(Self {
            triangle: lower,
            images: carried.slice(s![.., b + k..]).rows().into_iter().map(|row| row.to_vec()).collect(),
            z: end,
            innovations,
            steps,
        }))
    }
}

/// The steps along the directions that are left out in turn.
#[derive(Debug)]
pub(super) struct Steps {
    /// `tⱼ`, `b × k`.
    pub(super) innovations: Array2<f64>,
    /// `A dⱼ`, `b × m`.
    pub(super) steps: Array2<f64>,
}

impl Steps {
    /// Computes the steps from the last `b` rows of `Gᵀ [0 z P; I 0 T]` for `k` outputs, column-major, with the columns
    /// of `I` reversed.
    pub(super) fn new(mut left: Array2<f64>, k: usize) -> Self {
        let (b, width) = left.dim();
        // With the last feature and the last vector first, the matrix is upper triangular.
        if let Some(left) = left.as_slice_memory_order_mut() {
            reduce(left, (b, width), b, b);
        }
        let mut steps = by_columns(left.slice(s![.., b + k..]).reversed_axes()).reversed_axes();
        steps.invert_axis(Axis(0));
        Self { innovations: left.slice(s![..;-1, b..b + k]).as_standard_layout().into_owned(), steps }
    }
}
