//! `U` and `σ` of a wide matrix from its Gram matrix, where that has all their digits.

use super::conquer::{self, Eigen};
use super::product::{product, row_gram};
use super::verify::{norm, probe, tolerance};
use crate::Error;
use crate::machine::memory::{reserve, sum, table};
use ndarray::{Array1, Array2, ArrayView2, Axis, ShapeBuilder};

/// The largest `(σ₁/σ_r)²` that counts as well-conditioned.
///
/// Rounding moves `K = XXᵀ` by some `ε σ₁²`, and so a `σ_r²` by `ε σ₁²/σ_r²` of itself and a vector `u_r` towards others
/// by as much: at most 64 of a rounding error, where reflections of `X` itself would leave `σ₁/σ_r` of one, at most 8.
const WELL_CONDITIONED: f64 = 64.0;
/// More rows to a column are not well-conditioned where entries are independent, `(1 + √(n/p))/(1 − √(n/p)) = 8`.
const MOST_ROWS: f64 = 0.6;
/// Sums of squares far from the ends of the range of numbers.
const MIDDLING: std::ops::Range<f64> = 1e-60..1e60;
/// Squares of the shorter side that are held at once.
const SQUARES: usize = 10;

/// Left singular vectors (`n × r`) and all `n` singular values, descending.
pub(crate) struct Left {
    pub(crate) u: Array2<f64>,
    pub(crate) sigma: Vec<f64>,
}

/// Of `x` (`n × p`, `n < p`) with `r = n`; or, where its columns have the mean 0, with `r = n − 1` and a
/// last singular value of 0, whose vector is constant. `None` where the eigenvalues of `XXᵀ`, or what is known before them,
/// do not show that it is well-conditioned, and where what was found is not confirmed: that is a case for an SVD.
///
/// Half the multiplications of `XXᵀ` and a symmetric reduction, in place of a QR of `Xᵀ` and the SVD of its triangle: a third
/// of the time.
pub(crate) fn left_of_well_conditioned(
    x: ArrayView2<'_, f64>,
    is_centred: bool,
) -> Result<Option<Left>, Error> {
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
    // Not so for NaN: entries need not be numbers.
    if !MIDDLING.contains(&trace) {
        return Ok(None);
    }
    let square: f64 = gram.chunks_exact(n).enumerate().map(|(j, column)| twice_below(&column[j..])).sum();
    // σ₁² is at least the mean of the eigenvalues weighted by themselves; σ_r² at most a diagonal entry, over 1 − 1/n beside a
    // constant vector.
    let least = diagonal().fold(f64::INFINITY, f64::min) * n as f64 / rank as f64;
    let may_be = square <= WELL_CONDITIONED * least * trace;
    if !may_be {
        return Ok(None);
    }
    if is_centred {
        gram = without_constant(&gram, n);
    }
    let Ok(Some(Eigen { values, vectors })) = conquer::eigen(gram, rank, WELL_CONDITIONED) else {
        return Ok(None);
    };
    let (Some(first), Some(last)) = (values.first(), values.last()) else { return Ok(None) };
    let is_well_conditioned = *first <= WELL_CONDITIONED * last;
    if !is_well_conditioned {
        return Ok(None);
    }
    let u = if is_centred { with_constant(&vectors, n) } else { vectors };
    let Ok(u) = Array2::from_shape_vec((n, rank).f(), u) else { return Ok(None) };
    if !is_confirmed(x, &u, &values, trace) {
        return Ok(None);
    }
    let mut sigma: Vec<f64> = values.iter().map(|value| value.sqrt()).collect();
    sigma.resize(n, 0.0);
    Ok(Some(Left { u, sigma }))
}

/// What a column of a symmetric matrix from the diagonal on adds to its Frobenius norm, squared.
fn twice_below(column: &[f64]) -> f64 {
    let all = norm(column);
    2.0 * all * all - column[0] * column[0]
}

/// `H K H` without its last row and column, for `K` with `K 1 = 0` and the reflection `H` of `1/√n` to the last axis,
///
/// ```text
/// H = I − v vᵀ/τ    v = 1/√n + e_n,   τ = 1 + 1/√n        H K H = K − (v kᵀ + k vᵀ)/τ + k_n v vᵀ/τ²,   k = K v = K e_n
/// ```
///
/// lower triangles, column by column.
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
    for vector in vectors.chunks_exact(n - 1) {
        let along = vector.iter().sum::<f64>() * share / (1.0 + share);
        all.extend(vector.iter().map(|w| w - along * share));
        all.push(-along * (1.0 + share));
    }
    all
}

/// Whether `Σ σ² = ‖X‖²`, `U Σ² Uᵀ z = X Xᵀ z` and `Uᵀ U s = s`, on probes, as of every factorisation.
fn is_confirmed(x: ArrayView2<'_, f64>, u: &Array2<f64>, values: &[f64], trace: f64) -> bool {
    let (n, p) = x.dim();
    let column = |length: usize| Array1::from(probe(length)).insert_axis(Axis(1));
    let (z, s) = (column(n), column(values.len()));
    let weights = Array1::from(values.to_vec()).insert_axis(Axis(1));
    let found = product(u.view(), (product(u.t(), z.view()) * weights).view());
    let right = product(x, product(x.t(), z.view()).view());
    let again = product(u.t(), product(u.view(), s.view()).view());
    let length = |of: &Array2<f64>| norm(of.as_slice_memory_order().unwrap_or_default());
    let tolerance = tolerance(n, p);
    // Negations would let NaN pass.
    (values.iter().sum::<f64>() - trace).abs() <= tolerance * trace
        && length(&(found - right)) <= tolerance * values[0] * length(&z)
        && length(&(again - &s)) <= tolerance * length(&s)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;
    use crate::svd::Svd;
    use ndarray::s;
    use rand::RngExt;

    fn uniform(n: usize, p: usize) -> Array2<f64> {
        let mut rng = stream(1, n, p);
        Array2::from_shape_simple_fn((n, p), || 2.0 * rng.random::<f64>() - 1.0)
    }

    fn centred(mut x: Array2<f64>) -> Array2<f64> {
        let means = x.mean_axis(Axis(0)).unwrap();
        x -= &means;
        x
    }

    /// Against the SVD, whose values are good to `ε κ` of themselves; of those from the Gram matrix a square is off by
    /// `ε κ²`, so by 64 roundings, of which there are some for each of `√p` sums.
    #[test]
    fn as_by_the_svd() {
        for (n, p) in [(1, 2), (2, 4), (3, 20), (8, 30), (40, 100), (101, 400)] {
            for is_centred in [false, true] {
                let x = if is_centred { centred(uniform(n, p)) } else { uniform(n, p) };
                let found = left_of_well_conditioned(x.view(), is_centred).unwrap();
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
                let most = |a: Array2<f64>| a.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
                assert!(
                    most(u.t().dot(&u) - Array2::<f64>::eye(rank)) <= 8.0 * f64::EPSILON * (n as f64).sqrt()
                );
                let scaled = &u * &Array1::from(sigma[..rank].to_vec()).mapv(|s| s * s);
                assert!(most(scaled.dot(&u.t()) - x.dot(&x.t())) <= bound * sigma[0] * sigma[0]);
            }
        }
    }

    /// Rows that nearly depend on others, one far longer than others, none at all, numbers near the ends of the range, and
    /// as many rows as columns: for others to do.
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
            assert!(left_of_well_conditioned(x.view(), false).unwrap().is_none(), "{what}");
        }
    }
}
