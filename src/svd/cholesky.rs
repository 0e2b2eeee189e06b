//! Sequential Cholesky factorisation: the same bits on any number of threads.

use super::product::lower_product;
use super::tiles::Accum;
use super::triangular::solve_from_first;
use ndarray::{Array2, ArrayViewMut2, Axis};

/// Columns that are factorised one by one; the rest is products.
const SMALL: usize = 16;

/// Computes upper triangular `S` with `SᵀS = Σ`, for a symmetric row-major Σ; `None` if a pivot is not positive.
pub(crate) fn cholesky(mut sigma: Array2<f64>) -> Option<Array2<f64>> {
    // The lower triangle of the transpose, column-major, is the upper one, row-major.
    factor(sigma.view_mut().reversed_axes())?;
    for (i, mut row) in sigma.rows_mut().into_iter().enumerate() {
        row.iter_mut().take(i).for_each(|below| *below = 0.0);
    }
    Some(sigma)
}

/// Overwrites the lower triangle of `A = L Lᵀ` with `L`: with `A` in four parts,
/// ```text
/// L₁₁ L₁₁ᵀ = A₁₁,  L₂₁ = A₂₁ L₁₁⁻ᵀ,  L₂₂ L₂₂ᵀ = A₂₂ − L₂₁ L₂₁ᵀ
/// ```
fn factor(mut a: ArrayViewMut2<'_, f64>) -> Option<()> {
    let n = a.nrows();
    if n > SMALL {
        let half = (n / 2).next_multiple_of(SMALL);
        let (above, below) = a.split_at(Axis(0), half);
        let (mut first, _) = above.split_at(Axis(1), half);
        let (mut beside, mut rest) = below.split_at(Axis(1), half);
        factor(first.view_mut())?;
        solve_from_first(first.view(), beside.view_mut().reversed_axes());
        lower_product(rest.view_mut(), Accum::Add, beside.view(), beside.t(), -1.0);
        return factor(rest);
    }
    for k in 0..n {
        let pivot = a[[k, k]];
        // Also false for NaN.
        if !(pivot > 0.0 && pivot.is_finite()) {
            return None;
        }
        let root = pivot.sqrt();
        a[[k, k]] = root;
        for i in k + 1..n {
            a[[i, k]] /= root;
        }
        for j in k + 1..n {
            let factor = a[[j, k]];
            for i in j..n {
                a[[i, j]] -= a[[i, k]] * factor;
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;
    use rand::RngExt;

    /// `|SᵀS − Σ| ≤ (n + 1) ε |Sᵀ||S|` (Higham, *Accuracy and Stability of Numerical Algorithms*, theorem 10.3).
    #[test]
    fn product_of_its_factors() {
        for n in [0, 1, 2, 15, 16, 17, 33, 100, 301] {
            let mut rng = stream(1, n, 0);
            let x = Array2::from_shape_simple_fn((n + 3, n), || 2.0 * rng.random::<f64>() - 1.0);
            let sigma = x.t().dot(&x);
            let factor = cholesky(sigma.clone()).unwrap();
            assert!(factor.indexed_iter().all(|((i, j), &v)| i <= j || v == 0.0), "{n}");
            let sizes = factor.mapv(f64::abs);
            let bound = sizes.t().dot(&sizes) * ((n + 1) as f64 * f64::EPSILON);
            // The symmetric matrix itself is rounded too, and so is the check: each as often.
            let off = (factor.t().dot(&factor) - &sigma).mapv(f64::abs);
            assert!(off.iter().zip(&bound).all(|(off, bound)| *off <= 3.0 * bound), "{n}");
        }
    }

    #[test]
    fn pivots_must_be_positive() {
        for (size, at) in [(3, 2), (40, 17), (40, 39)] {
            for bad in [-1.0, 0.0, f64::NAN, f64::INFINITY] {
                let mut sigma = Array2::eye(size);
                sigma[[at, at]] = bad;
                assert_eq!(cholesky(sigma), None, "{bad} at {at} of {size}");
            }
        }
    }
}
