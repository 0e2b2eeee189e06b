//! Rows taken into an upper triangle, and the same reflections carried on to what goes with them.

use super::panel::{WIDE, reduce_panels, reflect_all};
use super::product::columns_mut;
use faer::{Mat, MatRef};
use ndarray::Array2;

/// `Gᵀ` of `[R; M] = G [R'; 0]`, for `R` (`n × n`, upper triangular) and `b` rows `M`. The same bits on any number of
/// threads.
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
        let to = (columns_mut(top), columns_mut(bottom));
        reflect_all((tails, 0), &self.factors, to, &mut Vec::new());
    }
}
