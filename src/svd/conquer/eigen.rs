//! Eigenvalues and eigenvectors of a positive definite matrix.

use super::super::symmetric::Symmetric;
use super::bidiagonal::Bidiagonal;

/// `K = W Λ Wᵀ`.
pub(in super::super) struct Eigen {
    /// Descending.
    pub(in super::super) values: Vec<f64>,
    /// `W`, column-major.
    pub(in super::super) vectors: Vec<f64>,
}

/// Decomposes `K = Q T Qᵀ`; `None` if it is not positive definite.
///
/// The Cholesky factor in `T = BᵀB` is bidiagonal: its right singular vectors are the eigenvectors of `T`, its squared
/// singular values the eigenvalues.
pub(super) fn positive_definite(
    symmetric: &Symmetric,
    bidiagonal: &mut Bidiagonal,
) -> Result<Option<Eigen>, String> {
    let n = symmetric.order();
    let matrix = &symmetric.tridiagonal;
    if n < 2 {
        return Ok((matrix.diagonal.first().copied())
            .filter(|value| *value > 0.0)
            .map(|value| Eigen { values: vec![value], vectors: vec![1.0] }));
    }
    let Some(factor) = matrix.cholesky() else { return Ok(None) };
    (bidiagonal.diagonal, bidiagonal.above) = factor.into_iter().unzip();
    bidiagonal.right()?;
    let mut order = Vec::new();
    bidiagonal.largest_first(&mut order);
    let values = order.iter().map(|&j| bidiagonal.sigma[j] * bidiagonal.sigma[j]).collect();
    let mut vectors = Vec::with_capacity(n * n);
    for &j in &order {
        vectors.extend_from_slice(&bidiagonal.v[j * (n + 1)..][..n]);
    }
    symmetric.multiply(&mut vectors);
    Ok(Some(Eigen { values, vectors }))
}
