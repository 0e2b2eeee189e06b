//! Householder reflections, applied to the matrices that accompany a factorisation.

use super::householder::{block_size, factor, reflect_all};
use super::product::by_panels;
use crate::machine::threads::both;
use crate::machine::turned::by_columns;
use crate::machine::views::columns_of_mut;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, ShapeBuilder, s};

/// Least columns of a panel: each panel repacks the reflections.
const PANEL: usize = 64;
/// Columns whose reflections are applied to the columns next to them while the next reflections are computed.
const AHEAD: usize = 256;

/// `[A | B] ← Qᵀ [A | B]`, where `A = Q R` is the first `lead` columns, `lead ≤ rows`: `R` on and above the diagonal of
/// `A`; the entries below it are meaningless. The same bits on any number of threads.
///
/// The matrix is `rows × columns` and column-major, with column stride `stride`.
pub(crate) fn reduce(matrix: &mut [f64], (rows, columns): (usize, usize), stride: usize, lead: usize) {
    let _ = reduce_in_place(columns_of_mut(matrix, (rows, columns), stride), lead);
}

/// `A ← R` and `B ← Qᵀ B` for `A = Q R` with at least as many rows as columns, and `B` with as many rows, both
/// column-major. The next reflections are computed while earlier ones are applied to `B`. The same bits on any number
/// of threads.
pub(crate) fn reduce_beside(a: &mut Array2<f64>, b: &mut Array2<f64>) {
    let (count, mut first) = (a.ncols(), 0);
    let (mut done, mut rest) = a.view_mut().split_at(Axis(1), AHEAD.min(count));
    let mut factors = reduce_in_place(done.view_mut(), AHEAD.min(count));
    loop {
        let width = done.ncols();
        let vectors = done.slice(s![first.., ..]);
        let next = AHEAD.min(rest.ncols());
        let (beside, to) = (rest.slice_mut(s![first.., ..]), b.slice_mut(s![first.., ..]));
        let (found, ()) = both(
            next > 0,
            || {
                let mut beside = beside;
                transposed(vectors, factors.view(), beside.view_mut());
                let to = beside.slice_move(s![width.., ..next]);
                (next > 0).then(|| reduce_in_place(to, next))
            },
            || transposed(vectors, factors.view(), to),
        );
        let Some(found) = found else { break };
        (factors, first) = (found, first + width);
        (done, rest) = rest.split_at(Axis(1), next);
    }
    for (j, mut column) in a.columns_mut().into_iter().enumerate() {
        column.slice_mut(s![j + 1..]).fill(0.0);
    }
}

/// The reflections of `A = Q R`.
#[derive(Clone, Debug)]
pub(super) struct Reflections {
    vectors: Array2<f64>,
    factors: Array2<f64>,
}

impl Reflections {
    /// Like [`reduce`].
    pub(super) fn reduce(mut matrix: ArrayViewMut2<'_, f64>, lead: usize) -> Self {
        let factors = reduce_in_place(matrix.view_mut(), lead);
        Self { vectors: by_columns(matrix.slice(s![.., ..lead])), factors }
    }

    /// Number of columns of `A`.
    pub(super) fn len(&self) -> usize {
        self.vectors.ncols()
    }

    /// `B ← Qᵀ B`.
    pub(super) fn apply_transposed(&self, to: ArrayViewMut2<'_, f64>) {
        transposed(self.vectors.view(), self.factors.view(), to);
    }

    /// `B ← Q B`.
    pub(super) fn apply(&self, to: ArrayViewMut2<'_, f64>) {
        let vectors = self.vectors.view();
        by_panels(to, PANEL, each(vectors), |panel| reflect_all(vectors, self.factors.view(), panel, false));
    }
}

/// `B ← Qᵀ B`.
fn transposed(vectors: ArrayView2<'_, f64>, factors: ArrayView2<'_, f64>, to: ArrayViewMut2<'_, f64>) {
    by_panels(to, PANEL, each(vectors), |panel| reflect_all(vectors, factors, panel, true));
}

/// Returns the multiplications per column.
fn each(vectors: ArrayView2<'_, f64>) -> usize {
    2 * vectors.nrows() * vectors.ncols()
}

/// [`reduce`] for a view of a column-major matrix; returns the factors of the blocks of reflections.
pub(super) fn reduce_in_place(matrix: ArrayViewMut2<'_, f64>, lead: usize) -> Array2<f64> {
    let (mut head, tail) = matrix.split_at(Axis(1), lead);
    let (rows, columns) = head.dim();
    let mut factors = Array2::zeros((block_size(rows, columns), lead).f());
    factor(head.view_mut(), factors.view_mut());
    transposed(head.view(), factors.view(), tail);
    factors
}
