//! Absorbs rows into an upper triangle, and applies the same reflections to accompanying matrices.

use super::panel::{reduce_heads, reflect_all};
use crate::machine::threads::both;
use ndarray::{Array2, Axis};

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
    factors: Vec<(usize, Array2<f64>)>,
}

impl RowUpdate {
    /// Overwrites `R` with `R'`, and `[P; T]` with `Gᵀ [P; T]`; `rows` are `M`. All are column-major.
    pub(crate) fn new(
        upper: &mut Array2<f64>,
        mut rows: Array2<f64>,
        [top, bottom]: [&mut Array2<f64>; 2],
    ) -> Self {
        let ((b, n), mut all) = (rows.dim(), Vec::with_capacity(rows.ncols().div_ceil(AHEAD)));
        let (head, mut right) = upper.view_mut().split_at(Axis(1), AHEAD.min(n));
        let (mut heads, mut rest) = rows.view_mut().split_at(Axis(1), AHEAD.min(n));
        let (mut top, mut bottom) = (top.view_mut(), bottom.view_mut());
        let (mut room, mut other_room, mut start) = (Vec::new(), Vec::new(), 0);
        let mut factors = reduce_heads((head, heads.view_mut()), start, &mut room);
        loop {
            let (tails, next) = ((heads.view(), start), AHEAD.min(rest.ncols()));
            let (mut next_right, mut far_right) = right.split_at(Axis(1), next);
            let (mut next_heads, mut far_rest) = rest.split_at(Axis(1), next);
            let (found, ()) = both(
                next > 0 && b >= WORTH,
                || {
                    let to = vec![(next_right.view_mut(), next_heads.view_mut())];
                    reflect_all(tails, &factors, to, &mut room);
                    reduce_heads((next_right, next_heads.view_mut()), start + AHEAD, &mut room)
                },
                || {
                    let to = vec![
                        (far_right.view_mut(), far_rest.view_mut()),
                        (top.view_mut(), bottom.view_mut()),
                    ];
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
        let to = vec![(top.view_mut(), bottom.view_mut())];
        reflect_all((self.tails.view(), 0), &self.factors, to, &mut Vec::new());
    }
}
