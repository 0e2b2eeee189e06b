//! Eigenvalues and eigenvectors of a positive definite matrix.

use super::super::householder::recommended_block_size;
use super::super::space::with_space;
use super::bidiagonal::Bidiagonal;
use faer::linalg::evd::tridiag::{tridiag_in_place, tridiag_in_place_scratch};
use faer::linalg::householder::{
    apply_block_householder_sequence_on_the_left_in_place_scratch as sequence_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj as apply_sequence,
};
use faer::{Conj, MatMut, MatRef, Par, Spec};

/// `K = W Λ Wᵀ`.
pub(in super::super) struct Eigen {
    /// Descending.
    pub(in super::super) values: Vec<f64>,
    /// `W`, column by column.
    pub(in super::super) vectors: Vec<f64>,
}

/// Of `K` (`n × n`), its lower triangle column by column, if its condition number may be at most `limit`; `None` where it is
/// more, or `K` is not positive definite.
///
/// By reflections to a tridiagonal matrix `T`, whose Cholesky factor `T = BᵀB` is bidiagonal: its right singular vectors
/// and squared singular values are what is looked for.
pub(super) fn positive_definite(
    mut k: Vec<f64>,
    n: usize,
    limit: f64,
    bidiagonal: &mut Bidiagonal,
) -> Result<Option<Eigen>, String> {
    if n < 2 {
        return Ok((k.first().copied())
            .filter(|value| *value > 0.0)
            .map(|value| Eigen { values: vec![value], vectors: vec![1.0] }));
    }
    let no_memory = || "no memory for the work space of a symmetric matrix".to_owned();
    let block = recommended_block_size::<f64>(n, n);
    let mut coefficients = vec![0.0; block * (n - 1)];
    with_space(tridiag_in_place_scratch::<f64>(n, Par::Seq, Spec::default()), |stack| {
        let k = MatMut::from_column_major_slice_mut(&mut k, n, n);
        let coefficients = MatMut::from_column_major_slice_mut(&mut coefficients, block, n - 1);
        tridiag_in_place(k, coefficients, Par::Seq, stack, Spec::default());
    })
    .ok_or_else(no_memory)?;
    let diagonal = || (0..n).map(|i| k[i * (n + 1)]);
    let least = diagonal().fold(0.0, f64::max) / limit;
    bidiagonal.diagonal.clear();
    bidiagonal.above.clear();
    let mut below = 0.0;
    for (i, entry) in diagonal().enumerate() {
        let pivot = entry - below * below;
        // The least eigenvalue is at most the least pivot; not so for NaN.
        let is_over = pivot >= least && pivot > 0.0;
        if !is_over {
            return Ok(None);
        }
        let root = pivot.sqrt();
        below = if i + 1 < n { k[i * (n + 1) + 1] / root } else { 0.0 };
        bidiagonal.diagonal.push(root);
        bidiagonal.above.push(below);
    }
    bidiagonal.right()?;
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_unstable_by(|&i, &j| bidiagonal.sigma[j].total_cmp(&bidiagonal.sigma[i]));
    let values = order.iter().map(|&j| bidiagonal.sigma[j] * bidiagonal.sigma[j]).collect();
    let mut vectors = Vec::with_capacity(n * n);
    for &j in &order {
        vectors.extend_from_slice(&bidiagonal.v[j * (n + 1)..][..n]);
    }
    with_space(sequence_scratch::<f64>(n - 1, block, n), |stack| {
        let basis = MatRef::from_column_major_slice(&k, n, n).submatrix(1, 0, n - 1, n - 1);
        let coefficients = MatRef::from_column_major_slice(&coefficients, block, n - 1);
        let vectors = MatMut::from_column_major_slice_mut(&mut vectors, n, n).subrows_mut(1, n - 1);
        apply_sequence(basis, coefficients, Conj::No, vectors, Par::Seq, stack);
    })
    .ok_or_else(no_memory)?;
    Ok(Some(Eigen { values, vectors }))
}
