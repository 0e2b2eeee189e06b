//! Matrices to factorise, and the accuracy required of a factorisation.

use double_descent::rng::stream;
use double_descent::svd::Svd;
use ndarray::{Array1, Array2, ArrayView2};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

/// Returns standard normal entries determined by the seed.
pub fn normal(n: usize, p: usize, seed: u64) -> Array2<f64> {
    let mut rng = stream(seed, n, p);
    Array2::from_shape_simple_fn((n, p), || rng.sample(StandardNormal))
}

/// Returns integers from −`largest` to `largest`.
pub fn integers(n: usize, p: usize, largest: i32, rng: &mut impl Rng) -> Array2<f64> {
    Array2::from_shape_simple_fn((n, p), || f64::from(rng.random_range(-largest..=largest)))
}

/// Returns an `n × k` matrix with orthonormal columns, `k ≤ n`: normal entries after two passes of Gram–Schmidt.
pub fn orthonormal(n: usize, k: usize, seed: u64) -> Array2<f64> {
    let mut q = normal(n, k, seed);
    for j in 0..k {
        for _ in 0..2 {
            for i in 0..j {
                let inner = q.column(i).dot(&q.column(j));
                let other = q.column(i).to_owned();
                q.column_mut(j).scaled_add(-inner, &other);
            }
        }
        let length = q.column(j).dot(&q.column(j)).sqrt();
        q.column_mut(j).mapv_inplace(|v| v / length);
    }
    q
}

/// Returns `Q₁ diag(σ) Q₂ᵀ`, `n × p`, with `σ` of length `min(n, p)`.
pub fn with_spectrum(n: usize, p: usize, sigma: &[f64], seed: u64) -> Array2<f64> {
    assert_eq!(sigma.len(), n.min(p));
    let left = orthonormal(n, sigma.len(), seed) * &Array1::from(sigma.to_vec());
    left.dot(&orthonormal(p, sigma.len(), seed + 1).t())
}

/// Returns an integer matrix of low rank. Its entries are exact on every machine, products included.
pub fn integer_low_rank(n: usize, p: usize, rank: usize, seed: u64) -> Array2<f64> {
    let mut rng = stream(seed, n, p);
    let left = integers(n, rank, 3, &mut rng);
    left.dot(&integers(rank, p, 3, &mut rng))
}

/// Returns `n` rows drawn with replacement from `distinct` rows of `p` integers each.
pub fn duplicated_rows(n: usize, p: usize, distinct: usize, seed: u64) -> Array2<f64> {
    let mut rng = stream(seed, n, p);
    let rows = integers(distinct, p, 9, &mut rng);
    let drawn: Vec<usize> = (0..n).map(|_| rng.random_range(0..distinct)).collect();
    rows.select(ndarray::Axis(0), &drawn)
}

/// Returns rectified features `max(0, X W)` of inputs of dimension `inputs`, with repeated rows.
pub fn relu_with_duplicates(n: usize, p: usize, distinct: usize, inputs: usize, seed: u64) -> Array2<f64> {
    let mut rng = stream(seed, n, p);
    let x = integers(distinct, inputs, 9, &mut rng);
    let weights = integers(inputs, p, 9, &mut rng);
    let drawn: Vec<usize> = (0..n).map(|_| rng.random_range(0..distinct)).collect();
    x.dot(&weights).mapv(|v| v.max(0.0)).select(ndarray::Axis(0), &drawn)
}

/// Returns the Frobenius norm of entries whose squares neither overflow nor underflow.
pub fn norm(x: ArrayView2<'_, f64>) -> f64 {
    x.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// Returns `U Σ Vᵀ`.
pub fn product(u: &Array2<f64>, sigma: &Array1<f64>, vt: &Array2<f64>) -> Array2<f64> {
    (u * sigma).dot(vt)
}

/// Returns `‖U Σ Vᵀ − X‖ / ‖X‖`.
pub fn backward_error(x: &Array2<f64>, u: &Array2<f64>, sigma: &Array1<f64>, vt: &Array2<f64>) -> f64 {
    norm((product(u, sigma, vt) - x).view()) / norm(x.view()).max(f64::MIN_POSITIVE)
}

/// Returns `‖QᵀQ − I‖`.
pub fn orthogonality(q: ArrayView2<'_, f64>) -> f64 {
    norm((q.t().dot(&q) - Array2::<f64>::eye(q.ncols())).view())
}

/// Returns 10 max(n, p) ε: the tolerance for the error of a factorisation here and in the tables of
/// `tests/backends/suite`; LAPACK's programs allow three to five times that.
pub fn unit(x: &Array2<f64>) -> f64 {
    10.0 * x.nrows().max(x.ncols()) as f64 * f64::EPSILON
}

/// Checks shapes, order, `U Σ Vᵀ = X` and orthonormal vectors, for entries of order 1 or integers.
pub fn assert_thin_svd(x: &Array2<f64>, svd: &Svd, what: &str) {
    let (n, p) = x.dim();
    let r = n.min(p);
    let (u, sigma, vt) = (svd.u(), svd.singular_values(), svd.vt());
    assert_eq!((u.dim(), sigma.len(), vt.dim()), ((n, r), r, (r, p)), "{what}");
    assert_eq!(svd.shape(), (n, p), "{what}");
    assert!(sigma.iter().all(|&s| s >= 0.0), "{what}: {sigma}");
    assert!(sigma.iter().zip(sigma.iter().skip(1)).all(|(a, b)| a >= b), "{what}: {sigma}");
    let unit = unit(x);
    let off = backward_error(x, u, sigma, vt);
    assert!(off <= unit, "{what}: U Σ Vᵀ is off by {off:e}");
    let (left, right) = (orthogonality(u.view()), orthogonality(vt.t()));
    assert!(left <= unit && right <= unit, "{what}: UᵀU by {left:e}, VᵀV by {right:e}");
}
