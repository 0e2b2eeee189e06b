//! Tridiagonal form of a symmetric matrix.

use super::householder::{Block, block_factors, block_size, reflect_all};
use super::symmetric_reduction::Reduction;
use super::tridiagonal::Tridiagonal;
use crate::machine::views::{columns_of, columns_of_mut};
use ndarray::{Array2, ArrayView2, ArrayViewMut2, ShapeBuilder, s};

/// `K = Q T Qᵀ` by reflections; the first row and column of `Q` are those of the identity.
#[derive(Clone, Debug)]
pub(super) struct Symmetric {
    pub(super) tridiagonal: Tridiagonal,
    /// Reflection vectors as columns, with column stride `stride`, from two below the diagonal on.
    reflections: Vec<f64>,
    stride: usize,
    /// The factors of the blocks of reflections, block next to block.
    factors: Array2<f64>,
}

impl Symmetric {
    /// Reduces `K` (`n × n`), given its column-major lower triangle.
    pub(super) fn reduce(k: &[f64], n: usize) -> Self {
        let reduction = Reduction::new(k, n);
        let stride = reduction.stride();
        let Reduction { k, taus, mut below, .. } = reduction;
        let mut factors = Array2::zeros((block_size(n, n), taus.len()).f());
        block_factors(factors.view_mut(), vectors(&k, stride, taus.len()), &taus);
        let diagonal = (0..n).map(|i| k[i * (stride + 1)]).collect();
        below.resize(n, 0.0);
        Self { tridiagonal: Tridiagonal { diagonal, below }, reflections: k, stride, factors }
    }

    pub(super) fn order(&self) -> usize {
        self.tridiagonal.diagonal.len()
    }

    fn vectors(&self) -> ArrayView2<'_, f64> {
        vectors(&self.reflections, self.stride, self.factors.ncols())
    }

    /// `x ← Q x`, for columns of `n` entries.
    pub(super) fn multiply(&self, x: &mut [f64]) {
        reflect_all(self.vectors(), self.factors.view(), self.below_first(x), false);
    }

    /// `x ← Qᵀ x`.
    pub(super) fn multiply_transposed(&self, x: &mut [f64]) {
        reflect_all(self.vectors(), self.factors.view(), self.below_first(x), true);
    }

    /// Returns all rows but the first.
    fn below_first<'a>(&self, x: &'a mut [f64]) -> ArrayViewMut2<'a, f64> {
        let n = self.order();
        let columns = x.len() / n.max(1);
        columns_of_mut(x, (n, columns), n).slice_move(s![n.min(1).., ..])
    }

    /// Returns `Q`, column-major. The reflections are applied from last to first, each only to what it changes: a third
    /// less work than multiplying by the identity.
    pub(super) fn basis(&self) -> Vec<f64> {
        let n = self.order();
        let mut q = vec![0.0; n * n];
        (0..n).for_each(|i| q[i * (n + 1)] = 1.0);
        let mut matrix = self.below_first(&mut q).slice_move(s![.., n.min(1)..]);
        let (vectors, (block, count), mut room) = (self.vectors(), self.factors.dim(), Vec::new());
        for from in (0..count).step_by(block.max(1)).rev() {
            let columns = from..count.min(from + block);
            let factor = self.factors.slice(s![..columns.len(), columns.clone()]);
            let reflections = Block { vectors: vectors.slice(s![from.., columns]), factor };
            reflections.reflect_in_groups(matrix.slice_mut(s![from.., from..]), false, &mut room);
        }
        q
    }
}

/// Returns the vectors of `count` reflections, each starting at its entry 1.
fn vectors(k: &[f64], stride: usize, count: usize) -> ArrayView2<'_, f64> {
    let all = columns_of(k, (stride, count), stride);
    all.slice_move(s![count.min(1)..(count + 1).min(stride), ..])
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
                let q = Array2::from_shape_vec((n, n).f(), symmetric.basis()).unwrap();
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
