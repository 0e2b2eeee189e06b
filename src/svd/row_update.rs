//! Absorbs rows into an upper triangle, and applies the same reflections to accompanying matrices.

use super::panel::{reduce_heads, reflect_all};
use super::product::columns_mut;
use crate::machine::threads::both;
use faer::{Mat, MatRef};
use ndarray::Array2;

/// Columns whose reflections are applied to the other columns while the next reflections are computed.
const AHEAD: usize = 128;
/// Least number of rows for which that is worth a thread.
const WORTH: usize = 32;

/// `Gᵀ` of `[R; M] = G [R'; 0]`, for `R` (`n × n`, upper triangular) and the `b` rows `M`. The same bits on any number
/// of threads.
#[derive(Debug)]
pub(crate) struct RowUpdate {
    /// `b × n`, column-major: the parts of the reflections' vectors that belong to `M`.
    tails: Array2<f64>,
    /// The factor of each panel of reflections, with its first column.
    factors: Vec<(usize, Mat<f64>)>,
}

impl RowUpdate {
    /// Overwrites `R` with `R'`, and `[P; T]` with `Gᵀ [P; T]`; `rows` are `M`. All are column-major.
    pub(crate) fn new(
        upper: &mut Array2<f64>,
        mut rows: Array2<f64>,
        [top, bottom]: [&mut Array2<f64>; 2],
    ) -> Self {
        let ((b, n), mut all) = (rows.dim(), Vec::with_capacity(rows.ncols().div_ceil(AHEAD)));
        let (head, mut right) = columns_mut(upper).split_at_col_mut(AHEAD.min(n));
        let (mut heads, mut rest) = columns_mut(&mut rows).split_at_col_mut(AHEAD.min(n));
        let (mut top, mut bottom) = (columns_mut(top), columns_mut(bottom));
        let (mut room, mut other_room, mut start) = (Vec::new(), Vec::new(), 0);
        let mut factors = reduce_heads((head, heads.as_mut()), start, &mut room);
        loop {
            let (tails, next) = ((heads.as_ref(), start), AHEAD.min(rest.ncols()));
            let (mut next_right, mut far_right) = right.split_at_col_mut(next);
            let (mut next_heads, mut far_rest) = rest.split_at_col_mut(next);
            let (found, ()) = both(
                next > 0 && b >= WORTH,
                || {
                    let to = vec![(next_right.as_mut(), next_heads.as_mut())];
                    reflect_all(tails, &factors, to, &mut room);
                    reduce_heads((next_right, next_heads.as_mut()), start + AHEAD, &mut room)
                },
                || {
                    let to = vec![(far_right.as_mut(), far_rest.as_mut()), (top.as_mut(), bottom.as_mut())];
                    reflect_all(tails, &factors, to, &mut other_room);
                },
            );
            all.append(&mut factors);
            if next == 0 {
                break;
            }
            (factors, start) = (found, start + AHEAD);
            (heads, right, rest) = (next_heads, far_right, far_rest);
        }
        Self { tails: rows, factors: all }
    }

    /// `[P; T] ← Gᵀ [P; T]`, `n × w` and `b × w`, both column-major.
    pub(crate) fn carry(&self, top: &mut Array2<f64>, bottom: &mut Array2<f64>) {
        let (b, n) = self.tails.dim();
        let tails =
            MatRef::from_column_major_slice(self.tails.as_slice_memory_order().unwrap_or_default(), b, n);
        let to = vec![(columns_mut(top), columns_mut(bottom))];
        reflect_all((tails, 0), &self.factors, to, &mut Vec::new());
    }
}
