//! Tridiagonal form of a symmetric matrix.

use super::householder::recommended_block_size;
use super::reflect::block_factors;
use super::space::with_space;
use super::symmetric_reduction::Reduction;
use super::tridiagonal::Tridiagonal;
use faer::linalg::householder::{
    apply_block_householder_on_the_left_in_place_scratch as apply_scratch,
    apply_block_householder_on_the_left_in_place_with_conj as apply,
    apply_block_householder_sequence_on_the_left_in_place_scratch as sequence_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj as apply_sequence,
    apply_block_householder_sequence_transpose_on_the_left_in_place_scratch as transposed_scratch,
    apply_block_householder_sequence_transpose_on_the_left_in_place_with_conj as apply_transposed,
};
use faer::{Conj, MatMut, MatRef, Par};

/// `K = Q T Qᵀ` by reflections; the first row and column of `Q` are those of the identity.
#[derive(Clone, Debug)]
pub(super) struct Symmetric {
    pub(super) tridiagonal: Tridiagonal,
    /// Reflection vectors as columns, with column stride `stride`, from two below the diagonal on.
    reflections: Vec<f64>,
    stride: usize,
    /// Reflections per block.
    block: usize,
    coefficients: Vec<f64>,
}

impl Symmetric {
    /// Reduces `K` (`n × n`), given its column-major lower triangle.
    pub(super) fn reduce(k: &[f64], n: usize) -> Self {
        let reduction = Reduction::new(k, n);
        let stride = reduction.stride();
        let Reduction { k, taus, mut below, .. } = reduction;
        let block = recommended_block_size::<f64>(n, n);
        let mut coefficients = vec![0.0; block * taus.len()];
        let reflections = vectors(&k, stride, taus.len());
        block_factors(
            MatMut::from_column_major_slice_mut(&mut coefficients, block, taus.len()),
            reflections,
            &taus,
        );
        let diagonal = (0..n).map(|i| k[i * (stride + 1)]).collect();
        below.resize(n, 0.0);
        Self { tridiagonal: Tridiagonal { diagonal, below }, reflections: k, stride, block, coefficients }
    }

    pub(super) fn order(&self) -> usize {
        self.tridiagonal.diagonal.len()
    }

    fn reflections(&self) -> (MatRef<'_, f64>, MatRef<'_, f64>) {
        let count = self.order() - 1;
        let coefficients = MatRef::from_column_major_slice(&self.coefficients, self.block, count);
        (vectors(&self.reflections, self.stride, count), coefficients)
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

    /// Returns all rows but the first, with their number and the number of columns; `None` if there is nothing to
    /// reflect.
    fn below_first<'a>(&self, x: &'a mut [f64]) -> Option<(MatMut<'a, f64>, usize, usize)> {
        let n = self.order();
        let (count, columns) = (n.checked_sub(1)?, x.len() / n);
        if count == 0 || columns == 0 {
            return None;
        }
        Some((MatMut::from_column_major_slice_mut(x, n, columns).subrows_mut(1, count), count, columns))
    }

    /// Returns `Q`, column-major. The reflections are applied from last to first, each only to what it changes: a third
    /// less work than multiplying by the identity.
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

/// Returns the vectors of `count` reflections, each starting at its entry 1.
fn vectors(k: &[f64], stride: usize, count: usize) -> MatRef<'_, f64> {
    MatRef::from_column_major_slice(&k[..stride * count], stride, count).subrows(count.min(1), count)
}

fn no_memory() -> String {
    "no memory for the workspace of a symmetric matrix".into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;
    use ndarray::{Array2, ShapeBuilder};
    use rand::RngExt;

    /// `K = Q T Qᵀ` and `QᵀQ = I` for sizes around the ends of panels and registers: full matrices, matrices with
    /// nothing to reflect, with some columns that have nothing to reflect, and of rank 1. Each of `n` reflections has a
    /// few rounding errors, which add up to some `√n` of them.
    #[test]
    fn product_of_its_factors() {
        for n in [1, 2, 3, 7, 8, 9, 15, 16, 17, 18, 31, 33, 64, 65, 100, 129] {
            let mut rng = stream(0, n, 0);
            let full = Array2::from_shape_simple_fn((n, n), || 2.0 * rng.random::<f64>() - 1.0);
            let full = &full + &full.t();
            let only = |keeps: &dyn Fn(usize, usize) -> bool| {
                Array2::from_shape_fn((n, n), |(i, j)| if keeps(i, j) { full[[i, j]] } else { 0.0 })
            };
            for (what, k) in [
                ("full", full.clone()),
                ("diagonal", only(&|i, j| i == j)),
                ("tridiagonal", only(&|i, j| i.abs_diff(j) < 2)),
                ("blocks", only(&|i, j| i / 5 == j / 5)),
                ("ones", Array2::ones((n, n))),
                ("zeros", Array2::zeros((n, n))),
            ] {
                let lower =
                    Array2::from_shape_fn((n, n).f(), |(i, j)| if i >= j { k[[i, j]] } else { f64::NAN });
                let symmetric = Symmetric::reduce(lower.as_slice_memory_order().unwrap(), n);
                let q = Array2::from_shape_vec((n, n).f(), symmetric.basis().unwrap()).unwrap();
                let Tridiagonal { diagonal, below } = &symmetric.tridiagonal;
                let t = Array2::from_shape_fn((n, n), |(i, j)| match i.abs_diff(j) {
                    0 => diagonal[i],
                    1 => below[i.min(j)],
                    _ => 0.0,
                });
                let off = |a: Array2<f64>, b: &Array2<f64>| {
                    (a - b).iter().fold(0.0, |most: f64, v| if v.abs() <= most { most } else { v.abs() })
                };
                let (bound, size) = (8.0 * f64::EPSILON * (n as f64).sqrt(), n as f64);
                let orthogonal = off(q.t().dot(&q), &Array2::eye(n));
                assert!(orthogonal <= bound, "{what}, {n}: {orthogonal:e}");
                let product = off(q.dot(&t).dot(&q.t()), &k);
                assert!(product <= bound * size, "{what}, {n}: {product:e}");
            }
        }
    }
}
