//! `U` and `σ` of a wide matrix from its Gram matrix, if that preserves all their digits.

use super::conquer::{self, Eigen};
use super::product::{product, row_gram};
use super::sums::dot;
use super::symmetric::Symmetric;
use super::tridiagonal::Tridiagonal;
use super::verify::{norm, probe, tolerance};
use crate::Error;
use crate::machine::memory::{reserve, sum, table};
use ndarray::{Array1, Array2, ArrayView2, Axis, ShapeBuilder};

/// The largest `(σ₁/σ_r)²` that counts as well-conditioned.
///
/// Rounding perturbs `K = XXᵀ` by about `ε σ₁²`. That changes a `σ_r²` by a relative `ε σ₁²/σ_r²`, and rotates a vector
/// `u_r` towards others by as much: at most 64 rounding errors, compared with `σ₁/σ_r` (at most 8) for reflections of
/// `X` itself.
const WELL_CONDITIONED: f64 = 64.0;
/// With more rows per column, matrices of independent entries are not well-conditioned: `(1 + √(n/p))/(1 − √(n/p)) =
/// 8`.
const MOST_ROWS: f64 = 0.6;
/// Sums of squares far from underflow and overflow.
const MIDDLING: std::ops::Range<f64> = 1e-60..1e60;
/// Memory held at once, in squares of the shorter side.
const SQUARES: usize = 10;

/// Left singular vectors (`n × r`) and all `n` singular values, descending.
pub(crate) struct Left {
    pub(crate) u: Array2<f64>,
    pub(crate) sigma: Vec<f64>,
}

/// `XXᵀ = Q T Qᵀ` of a well-conditioned `X` (`n × p`, `n < p`), where `Q` has `r = n` columns; or, if the columns of
/// `X` have mean 0, `r = n − 1` columns orthogonal to the constant vector.
///
/// It takes half the multiplications of `XXᵀ` and a symmetric reduction, in place of a QR of `Xᵀ` and the SVD of its
/// triangle: a quarter of the time.
#[derive(Clone, Debug)]
pub(crate) struct WellConditioned {
    symmetric: Symmetric,
    is_centred: bool,
    /// Bounds on the squared singular values.
    ends: [f64; 2],
}

impl WellConditioned {
    /// `None` if the ends of the spectrum of `XXᵀ`, or earlier estimates, do not show that `X` is well-conditioned, or
    /// if the result fails its check: then use an SVD.
    pub(crate) fn new(x: ArrayView2<'_, f64>, is_centred: bool) -> Result<Option<Self>, Error> {
        let (n, p) = x.dim();
        let rank = n - usize::from(is_centred);
        if rank == 0 || n as f64 > MOST_ROWS * p as f64 {
            return Ok(None);
        }
        if x.as_slice().is_none() && x.reversed_axes().as_slice().is_none() {
            return Ok(None);
        }
        reserve("the Gram matrix of a path", sum([table(SQUARES * n, n), table(p, 2)]))?;
        let mut gram = row_gram(x);
        let diagonal = || (0..n).map(|i| gram[i * (n + 1)]);
        let trace: f64 = diagonal().sum();
        // NaN is not in the range: entries need not be finite.
        if !MIDDLING.contains(&trace) {
            return Ok(None);
        }
        let square: f64 = gram.chunks_exact(n).enumerate().map(|(j, column)| twice_below(&column[j..])).sum();
        // σ₁² is at least the mean of the eigenvalues weighted by themselves; σ_r² is at most a diagonal entry, divided
        // by 1 − 1/n if the constant vector is excluded.
        let least = diagonal().fold(f64::INFINITY, f64::min) * n as f64 / rank as f64;
        let may_be = square <= WELL_CONDITIONED * least * trace;
        if !may_be {
            return Ok(None);
        }
        if is_centred {
            gram = without_constant(&gram, n);
        }
        let symmetric = Symmetric::reduce(&gram, rank);
        let Some(ends) = symmetric.tridiagonal.ends() else { return Ok(None) };
        let is_well_conditioned = ends[1] <= WELL_CONDITIONED * ends[0];
        if !is_well_conditioned {
            return Ok(None);
        }
        let found = Self { symmetric, is_centred, ends };
        Ok(found.is_confirmed(x, trace).then_some(found))
    }

    /// `T`.
    pub(crate) fn tridiagonal(&self) -> &Tridiagonal {
        &self.symmetric.tridiagonal
    }

    /// Bounds on all squared singular values, each within a millionth of the largest.
    pub(crate) fn ends(&self) -> [f64; 2] {
        self.ends
    }

    /// `r`.
    pub(crate) fn rank(&self) -> usize {
        self.symmetric.order()
    }

    /// All `n` singular values, descending.
    pub(crate) fn singular_values(&self) -> Vec<f64> {
        let squares = self.tridiagonal().values(self.ends);
        self.with_zero(squares.into_iter().map(f64::sqrt))
    }

    fn with_zero(&self, values: impl Iterator<Item = f64>) -> Vec<f64> {
        values.chain(self.is_centred.then_some(0.0)).collect()
    }

    /// Returns `Q` (`n × r`), column-major; `None` if it is not orthogonal.
    pub(crate) fn basis(&self) -> Result<Option<Array2<f64>>, Error> {
        let n = self.rank() + usize::from(self.is_centred);
        reserve("the basis of a path", table(3 * n, n))?;
        let Some(q) = self.in_rows(self.symmetric.basis()) else { return Ok(None) };
        Ok(is_orthogonal(&q, tolerance(n, n)).then_some(q))
    }

    /// Computes the singular vectors of `x`, by divide and conquer on `T`; `None` if they fail their check.
    pub(crate) fn left(&self, x: ArrayView2<'_, f64>) -> Result<Option<Left>, Error> {
        let (n, p) = x.dim();
        reserve("the singular vectors of a path", table(SQUARES * n, n))?;
        let Ok(Some(Eigen { values, vectors })) = conquer::eigen(&self.symmetric) else { return Ok(None) };
        let Some(u) = self.in_rows(vectors) else { return Ok(None) };
        let z = column(n);
        let weights = Array1::from(values.clone()).insert_axis(Axis(1));
        let found = product(u.view(), (product(u.t(), z.view()) * weights).view());
        let trace: f64 = self.tridiagonal().diagonal.iter().sum();
        let tolerance = tolerance(n, p);
        // A negated comparison would let NaN pass.
        let is_right = (values.iter().sum::<f64>() - trace).abs() <= tolerance * trace
            && length(&(found - along_twice(x, &z))) <= tolerance * values[0] * length(&z)
            && is_orthogonal(&u, tolerance);
        let sigma = self.with_zero(values.into_iter().map(f64::sqrt));
        Ok(is_right.then_some(Left { u, sigma }))
    }

    /// Extends vectors of `r` entries to `n` entries.
    fn in_rows(&self, vectors: Vec<f64>) -> Option<Array2<f64>> {
        let (rank, n) = (self.rank(), self.rank() + usize::from(self.is_centred));
        let vectors = if self.is_centred { with_constant(&vectors, n) } else { vectors };
        Array2::from_shape_vec((n, rank).f(), vectors).ok()
    }

    /// Whether `tr T = ‖X‖²` and `Q T Qᵀ z = X Xᵀ z` on a probe, the check of every factorisation.
    fn is_confirmed(&self, x: ArrayView2<'_, f64>, trace: f64) -> bool {
        let (n, p) = x.dim();
        let z = column(n);
        let Some(mut along) = z.as_slice().map(<[f64]>::to_vec) else { return false };
        if self.is_centred {
            along = without_constant_part(&along);
        }
        self.symmetric.multiply_transposed(&mut along);
        let mut along = self.tridiagonal().times(&along);
        self.symmetric.multiply(&mut along);
        let found = if self.is_centred { with_constant(&along, n) } else { along };
        let found = Array1::from(found).insert_axis(Axis(1));
        let tolerance = tolerance(n, p);
        let sum: f64 = self.tridiagonal().diagonal.iter().sum();
        // A negated comparison would let NaN pass.
        (sum - trace).abs() <= tolerance * trace
            && length(&(found - along_twice(x, &z))) <= tolerance * self.ends[1] * length(&z)
    }
}

/// The probe, as a column.
fn column(length: usize) -> Array2<f64> {
    Array1::from(probe(length)).insert_axis(Axis(1))
}

fn length(of: &Array2<f64>) -> f64 {
    norm(of.as_slice_memory_order().unwrap_or_default())
}

/// `X Xᵀ z`.
fn along_twice(x: ArrayView2<'_, f64>, z: &Array2<f64>) -> Array2<f64> {
    product(x, product(x.t(), z.view()).view())
}

/// Whether `Uᵀ U s = s` on a probe.
fn is_orthogonal(u: &Array2<f64>, tolerance: f64) -> bool {
    let s = column(u.ncols());
    let again = product(u.t(), product(u.view(), s.view()).view());
    length(&(again - &s)) <= tolerance * length(&s)
}

/// Contribution of a symmetric matrix's column, from the diagonal on, to the squared Frobenius norm.
fn twice_below(column: &[f64]) -> f64 {
    let all = norm(column);
    2.0 * all * all - column[0] * column[0]
}

/// `H K H` without its last row and column, for `K` with `K 1 = 0` and the reflection `H` that takes `1/√n` to the last
/// axis,
///
/// ```text
/// H = I − v vᵀ/τ    v = 1/√n + e_n,   τ = 1 + 1/√n        H K H = K − (v kᵀ + k vᵀ)/τ + k_n v vᵀ/τ²,   k = K v = K e_n
/// ```
///
/// as column-major lower triangles.
fn without_constant(gram: &[f64], n: usize) -> Vec<f64> {
    let share = (n as f64).sqrt().recip();
    let scale = share / (1.0 + share);
    let last = |i: usize| gram[i * n + n - 1];
    let shift = last(n - 1) * scale * scale;
    let own: Vec<f64> = (0..n - 1).map(|i| scale * last(i) - 0.5 * shift).collect();
    let mut rest = vec![0.0; (n - 1) * (n - 1)];
    for (j, column) in rest.chunks_exact_mut(n - 1).enumerate() {
        let from = &gram[j * n..][..n - 1];
        for i in j..n - 1 {
            column[i] = from[i] - (own[i] + own[j]);
        }
    }
    rest
}

/// `H [W; 0]` for vectors `W` of `n − 1` entries.
fn with_constant(vectors: &[f64], n: usize) -> Vec<f64> {
    let share = (n as f64).sqrt().recip();
    let mut all = Vec::with_capacity(n * (n - 1));
    let ones = vec![1.0; n - 1];
    for vector in vectors.chunks_exact(n - 1) {
        let along = dot(vector, &ones) * share / (1.0 + share);
        all.extend(vector.iter().map(|w| w - along * share));
        all.push(-along * (1.0 + share));
    }
    all
}

/// `H z` without its last entry.
fn without_constant_part(z: &[f64]) -> Vec<f64> {
    let share = (z.len() as f64).sqrt().recip();
    let (last, rest) = z.split_last().unwrap_or((&0.0, &[]));
    // vᵀz/τ for v = 1/√n + e_n.
    let along = (z.iter().sum::<f64>() * share + last) / (1.0 + share);
    rest.iter().map(|z| z - along * share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;
    use crate::svd::Svd;
    use ndarray::s;
    use rand::RngExt;

    fn left(x: ArrayView2<'_, f64>, is_centred: bool) -> Option<Left> {
        WellConditioned::new(x, is_centred).unwrap()?.left(x).unwrap()
    }

    fn uniform(n: usize, p: usize) -> Array2<f64> {
        let mut rng = stream(1, n, p);
        Array2::from_shape_simple_fn((n, p), || 2.0 * rng.random::<f64>() - 1.0)
    }

    fn centred(mut x: Array2<f64>) -> Array2<f64> {
        let means = x.mean_axis(Axis(0)).unwrap();
        x -= &means;
        x
    }

    /// Compared with the SVD, whose values have a relative error of `ε κ`. A squared value from the Gram matrix is off
    /// by `ε κ²`, so by 64 rounding errors, of which each of `√p` sums has some.
    #[test]
    fn as_by_the_svd() {
        for (n, p) in [(1, 2), (2, 4), (3, 20), (8, 30), (40, 100), (101, 400)] {
            for is_centred in [false, true] {
                let x = if is_centred { centred(uniform(n, p)) } else { uniform(n, p) };
                let found = left(x.view(), is_centred);
                if n == 1 && is_centred {
                    assert!(found.is_none());
                    continue;
                }
                let Left { u, sigma } = found.unwrap_or_else(|| panic!("{n} × {p}, centred {is_centred}"));
                let (right, rank) = (Svd::new(&x).unwrap(), n - usize::from(is_centred));
                assert_eq!((u.dim(), sigma.len()), ((n, rank), n));
                let bound = WELL_CONDITIONED * f64::EPSILON * (p as f64).sqrt();
                for (found, right) in sigma.iter().zip(right.singular_values()).take(rank) {
                    assert!((found / right - 1.0).abs() <= bound, "{n} × {p}: {found:e}, not {right:e}");
                }
                assert!(sigma[rank..].iter().all(|s| *s == 0.0));
                let form = WellConditioned::new(x.view(), is_centred).unwrap().unwrap();
                for (counted, right) in form.singular_values().iter().zip(&sigma) {
                    assert!(
                        (counted - right).abs() <= bound * right,
                        "{n} × {p}: {counted:e}, not {right:e}"
                    );
                }
                let q = form.basis().unwrap().unwrap();
                let (diagonal, below) = (&form.tridiagonal().diagonal, &form.tridiagonal().below);
                let t = Array2::from_shape_fn((rank, rank), |(i, j)| match i.abs_diff(j) {
                    0 => diagonal[i],
                    1 => below[i.min(j)],
                    _ => 0.0,
                });
                let most = |a: Array2<f64>| a.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
                assert!(
                    most(u.t().dot(&u) - Array2::<f64>::eye(rank)) <= 8.0 * f64::EPSILON * (n as f64).sqrt()
                );
                assert!(most(q.dot(&t).dot(&q.t()) - x.dot(&x.t())) <= bound * sigma[0] * sigma[0]);
                let scaled = &u * &Array1::from(sigma[..rank].to_vec()).mapv(|s| s * s);
                assert!(most(scaled.dot(&u.t()) - x.dot(&x.t())) <= bound * sigma[0] * sigma[0]);
            }
        }
    }

    /// Nearly dependent rows, one row far longer than the others, zeros, numbers near the ends of the range, and as
    /// many rows as columns are left to the SVD.
    #[test]
    fn what_is_not_well_conditioned_is_left() {
        let x = uniform(20, 60);
        let mut twice = x.clone();
        let first = x.row(0).mapv(|v| v * (1.0 + 1e-3));
        twice.row_mut(1).assign(&(first + x.row(1).mapv(|v| 1e-3 * v)));
        let mut long = x.clone();
        long.row_mut(3).mapv_inplace(|v| 20.0 * v);
        for (what, x) in [
            ("dependent", twice),
            ("long", long),
            ("zeros", Array2::zeros((4, 20))),
            ("large", &x * 1e200),
            ("small", &x * 1e-200),
            ("square", uniform(20, 21)),
            ("wide as a view", uniform(20, 120).slice_move(s![.., ..;2])),
        ] {
            assert!(WellConditioned::new(x.view(), false).unwrap().is_none(), "{what}");
        }
    }
}
