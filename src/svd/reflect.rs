//! Householder reflections, applied to the matrices that accompany a factorisation.

use super::householder::{factor, recommended_block_size, scratch};
use super::product::{by_panels, columns_mut};
use crate::machine::threads::both;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::householder::{
    apply_block_householder_sequence_on_the_left_in_place_scratch as apply_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj as apply,
    apply_block_householder_sequence_transpose_on_the_left_in_place_scratch as apply_transposed_scratch,
    apply_block_householder_sequence_transpose_on_the_left_in_place_with_conj as apply_transposed,
    upgrade_householder_factor,
};
use faer::{Conj, Mat, MatMut, MatRef, Par};
use ndarray::Array2;

/// Least columns of a panel: each panel repacks the reflections.
const PANEL: usize = 64;
/// Columns whose reflections are applied to the columns next to them while the next reflections are computed.
const AHEAD: usize = 256;

/// `[A | B] ← Qᵀ [A | B]`, where `A = Q R` is the first `lead` columns, `lead ≤ rows`: `R` on and above the diagonal of
/// `A`; the entries below it are meaningless. The same bits on any number of threads.
///
/// The matrix is `rows × columns` and column-major, with column stride `stride`.
pub(crate) fn reduce(matrix: &mut [f64], (rows, columns): (usize, usize), stride: usize, lead: usize) {
    let matrix = MatMut::from_column_major_slice_with_stride_mut(matrix, rows, columns, stride);
    let _ = reduce_in_place(matrix, lead);
}

/// `A ← R` and `B ← Qᵀ B` for `A = Q R` with at least as many rows as columns, and `B` with as many rows, both
/// column-major. The next reflections are computed while earlier ones are applied to `B`. The same bits on any number
/// of threads.
pub(crate) fn reduce_beside(a: &mut Array2<f64>, b: &mut Array2<f64>) {
    let (mut a, mut b, mut first) = (columns_mut(a), columns_mut(b), 0);
    let count = a.ncols();
    let (mut done, mut rest) = a.as_mut().split_at_col_mut(AHEAD.min(count));
    let mut coefficients = reduce_in_place(done.as_mut(), AHEAD.min(count));
    loop {
        let (width, rows) = (done.ncols(), done.nrows() - first);
        let vectors = done.as_ref().subrows(first, rows);
        let next = AHEAD.min(rest.ncols());
        let (beside, to) = (rest.as_mut().subrows_mut(first, rows), b.as_mut().subrows_mut(first, rows));
        let (found, ()) = both(
            next > 0,
            || {
                let mut beside = beside;
                transposed(vectors, coefficients.as_ref(), beside.as_mut());
                let to = beside.subrows_mut(width, rows - width).subcols_mut(0, next);
                (next > 0).then(|| reduce_in_place(to, next))
            },
            || transposed(vectors, coefficients.as_ref(), to),
        );
        let Some(found) = found else { break };
        (coefficients, first) = (found, first + width);
        (done, rest) = rest.split_at_col_mut(next);
    }
    for (j, column) in a.col_iter_mut().enumerate() {
        let below = column.nrows() - j - 1;
        column.subrows_mut(j + 1, below).fill(0.0);
    }
}

/// The reflections of `A = Q R`.
#[derive(Clone, Debug)]
pub(super) struct Reflections {
    vectors: Mat<f64>,
    coefficients: Mat<f64>,
}

impl Reflections {
    /// Like [`reduce`].
    pub(super) fn reduce(mut matrix: MatMut<'_, f64>, lead: usize) -> Self {
        let coefficients = reduce_in_place(matrix.as_mut(), lead);
        Self { vectors: matrix.as_ref().subcols(0, lead).to_owned(), coefficients }
    }

    /// Number of columns of `A`.
    pub(super) fn len(&self) -> usize {
        self.vectors.ncols()
    }

    /// `B ← Qᵀ B`.
    pub(super) fn apply_transposed(&self, to: MatMut<'_, f64>) {
        let (vectors, coefficients) = (self.vectors.as_ref(), self.coefficients.as_ref());
        transposed(vectors, coefficients, to);
    }

    /// `B ← Q B`.
    pub(super) fn apply(&self, to: MatMut<'_, f64>) {
        let (vectors, coefficients) = (self.vectors.as_ref(), self.coefficients.as_ref());
        by_panels(to, PANEL, each(vectors), |panel| {
            let scratch = apply_scratch::<f64>(vectors.nrows(), coefficients.nrows(), panel.ncols());
            let mut buffer = MemBuffer::new(scratch);
            apply(vectors, coefficients, Conj::No, panel, Par::Seq, MemStack::new(&mut buffer));
        });
    }
}

/// Computes the factors of blocks of reflections `I − v vᵀ/τ`, block next to block (`block × count`, initially zero),
/// in the form that faer's products with reflections take. The vectors are the columns of `vectors` (`rows × count`),
/// each starting at its entry 1.
pub(super) fn block_factors(mut factors: MatMut<'_, f64>, vectors: MatRef<'_, f64>, taus: &[f64]) {
    let (rows, count) = vectors.shape();
    let block = factors.nrows();
    for from in (0..count).step_by(block) {
        let size = block.min(count - from);
        let mut part = factors.as_mut().submatrix_mut(0, from, size, size);
        for k in 0..size {
            part[(k, k)] = taus[from + k];
        }
        let vectors = vectors.submatrix(from, from, rows - from, size);
        upgrade_householder_factor(part, vectors, size, 1, Par::Seq);
    }
}

/// `B ← Qᵀ B`.
fn transposed(vectors: MatRef<'_, f64>, coefficients: MatRef<'_, f64>, to: MatMut<'_, f64>) {
    if to.ncols() == 0 {
        return;
    }
    by_panels(to, PANEL, each(vectors), |panel| {
        let scratch = apply_transposed_scratch::<f64>(vectors.nrows(), coefficients.nrows(), panel.ncols());
        let mut buffer = MemBuffer::new(scratch);
        apply_transposed(vectors, coefficients, Conj::No, panel, Par::Seq, MemStack::new(&mut buffer));
    });
}

/// Returns the multiplications per column.
fn each(vectors: MatRef<'_, f64>) -> usize {
    2 * vectors.nrows() * vectors.ncols()
}

/// [`reduce`] for faer's view of a matrix; returns the coefficients of the reflections.
pub(super) fn reduce_in_place(matrix: MatMut<'_, f64>, lead: usize) -> Mat<f64> {
    let rows = matrix.nrows();
    let (mut head, tail) = matrix.split_at_col_mut(lead);
    let block = recommended_block_size::<f64>(rows, lead);
    let mut coefficients = Mat::<f64>::zeros(block, lead);
    let mut buffer = MemBuffer::new(scratch(rows, lead, block));
    factor(head.as_mut(), coefficients.as_mut(), MemStack::new(&mut buffer));
    transposed(head.as_ref(), coefficients.as_ref(), tail);
    coefficients
}
