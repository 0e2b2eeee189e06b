//! Rows taken into an upper triangle, and the same reflections carried on to what goes with them.

use super::panel::{WIDE, columns_mut, reduce_panels, reflect, together};
use faer::{Mat, MatRef};
use ndarray::Array2;

/// `Gᵀ` of `[R; M] = G [R'; 0]`, for `R` (`n × n`, upper triangular) and `b` rows `M`. Sequential, so the same bits on
/// any number of threads.
#[derive(Debug)]
pub(crate) struct RowUpdate {
    /// `b × n`, column by column: the parts of the reflections' vectors that belong to `M`.
    tails: Array2<f64>,
    /// The factor of each panel of reflections, and its first column.
    factors: Vec<(usize, Mat<f64>)>,
}

impl RowUpdate {
    /// Turns `R` into `R'`; `rows` are `M`. Both lie column by column.
    pub(crate) fn new(upper: &mut Array2<f64>, mut rows: Array2<f64>) -> Self {
        let (n, mut factors, mut room) = (rows.ncols(), Vec::new(), Vec::new());
        for first in (0..n).step_by(WIDE) {
            let columns = first..n.min(first + WIDE);
            factors.extend(reduce_panels(columns_mut(upper), columns_mut(&mut rows), columns, &mut room));
        }
        Self { tails: rows, factors }
    }

    /// `[P; T] ← Gᵀ [P; T]`, `n × w` and `b × w`, both column by column.
    pub(crate) fn carry(&self, top: &mut Array2<f64>, bottom: &mut Array2<f64>) {
        let (b, n) = self.tails.dim();
        let tails =
            MatRef::from_column_major_slice(self.tails.as_slice_memory_order().unwrap_or_default(), b, n);
        let (width, together) = (top.ncols(), together(b));
        let mut room = Vec::new();
        for from in (0..width).step_by(together) {
            let size = together.min(width - from);
            for (first, factor) in &self.factors {
                let w = factor.ncols();
                let above = columns_mut(top).submatrix_mut(*first, from, w, size);
                let below = columns_mut(bottom).subcols_mut(from, size);
                reflect(tails.subcols(*first, w), factor.as_ref(), (above, below), true, &mut room);
            }
        }
    }
}
