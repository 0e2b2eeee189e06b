//! A symmetric matrix as a tridiagonal one.

use super::householder::recommended_block_size;
use super::space::with_space;
use super::tridiagonal::Tridiagonal;
use faer::linalg::evd::tridiag::{tridiag_in_place, tridiag_in_place_scratch};
use faer::linalg::householder::{
    apply_block_householder_on_the_left_in_place_scratch as apply_scratch,
    apply_block_householder_on_the_left_in_place_with_conj as apply,
    apply_block_householder_sequence_on_the_left_in_place_scratch as sequence_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj as apply_sequence,
    apply_block_householder_sequence_transpose_on_the_left_in_place_scratch as transposed_scratch,
    apply_block_householder_sequence_transpose_on_the_left_in_place_with_conj as apply_transposed,
};
use faer::{Conj, MatMut, MatRef, Par, Spec};

/// `K = Q T Qᵀ` by reflections; the first row and column of `Q` are those of the identity.
#[derive(Clone, Debug)]
pub(super) struct Symmetric {
    pub(super) tridiagonal: Tridiagonal,
    /// In columns, from two below the diagonal on.
    reflections: Vec<f64>,
    /// Of blocks of so many reflections.
    block: usize,
    coefficients: Vec<f64>,
}

impl Symmetric {
    /// Of `K` (`n × n`), its lower triangle column by column.
    pub(super) fn reduce(mut k: Vec<f64>, n: usize) -> Result<Self, String> {
        let count = n.saturating_sub(1);
        let block = recommended_block_size::<f64>(n, n);
        let mut coefficients = vec![0.0; block * count];
        if count > 0 {
            with_space(tridiag_in_place_scratch::<f64>(n, Par::Seq, Spec::default()), |stack| {
                let k = MatMut::from_column_major_slice_mut(&mut k, n, n);
                let coefficients = MatMut::from_column_major_slice_mut(&mut coefficients, block, count);
                tridiag_in_place(k, coefficients, Par::Seq, stack, Spec::default());
            })
            .ok_or_else(no_memory)?;
        }
        let diagonal = (0..n).map(|i| k[i * (n + 1)]).collect();
        let below = (0..count).map(|i| k[i * (n + 1) + 1]).chain([0.0]).take(n).collect();
        Ok(Self { tridiagonal: Tridiagonal { diagonal, below }, reflections: k, block, coefficients })
    }

    pub(super) fn order(&self) -> usize {
        self.tridiagonal.diagonal.len()
    }

    fn reflections(&self) -> (MatRef<'_, f64>, MatRef<'_, f64>) {
        let (n, count) = (self.order(), self.order() - 1);
        let all = MatRef::from_column_major_slice(&self.reflections, n, n);
        let coefficients = MatRef::from_column_major_slice(&self.coefficients, self.block, count);
        (all.submatrix(1, 0, count, count), coefficients)
    }

    /// `x ← Q x`, for columns of `n` entries.
    pub(super) fn multiply(&self, x: &mut [f64]) -> Result<(), String> {
        let Some((x, count, columns)) = self.below_first(x) else { return Ok(()) };
        let (basis, coefficients) = self.reflections();
        with_space(sequence_scratch::<f64>(count, self.block, columns), |stack| {
            apply_sequence(basis, coefficients, Conj::No, x, Par::Seq, stack);
        })
        .ok_or_else(no_memory)
    }

    /// `x ← Qᵀ x`.
    pub(super) fn multiply_transposed(&self, x: &mut [f64]) -> Result<(), String> {
        let Some((x, count, columns)) = self.below_first(x) else { return Ok(()) };
        let (basis, coefficients) = self.reflections();
        with_space(transposed_scratch::<f64>(count, self.block, columns), |stack| {
            apply_transposed(basis, coefficients, Conj::No, x, Par::Seq, stack);
        })
        .ok_or_else(no_memory)
    }

    /// All rows but the first, their number and that of the columns; `None` for nothing to reflect.
    fn below_first<'a>(&self, x: &'a mut [f64]) -> Option<(MatMut<'a, f64>, usize, usize)> {
        let n = self.order();
        let (count, columns) = (n.checked_sub(1)?, x.len() / n);
        if count == 0 || columns == 0 {
            return None;
        }
        Some((MatMut::from_column_major_slice_mut(x, n, columns).subrows_mut(1, count), count, columns))
    }

    /// `Q`, column by column: from the last reflections to the first, each on no more than what it changes, a third less work
    /// than a product with the identity.
    pub(super) fn basis(&self) -> Result<Vec<f64>, String> {
        let n = self.order();
        let mut q = vec![0.0; n * n];
        (0..n).for_each(|i| q[i * (n + 1)] = 1.0);
        let Some((matrix, count, _)) = self.below_first(&mut q) else { return Ok(q) };
        let mut matrix = matrix.subcols_mut(1, count);
        let (reflections, coefficients) = self.reflections();
        with_space(apply_scratch::<f64>(count, self.block, count), |stack| {
            for from in (0..count).step_by(self.block).rev() {
                let (size, left) = (self.block.min(count - from), count - from);
                let vectors = reflections.submatrix(from, from, left, size);
                let factor = coefficients.submatrix(0, from, size, size);
                let to = matrix.as_mut().submatrix_mut(from, from, left, left);
                apply(vectors, factor, Conj::No, to, Par::Seq, stack);
            }
        })
        .ok_or_else(no_memory)?;
        Ok(q)
    }
}

fn no_memory() -> String {
    "no memory for the work space of a symmetric matrix".into()
}
