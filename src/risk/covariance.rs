//! Roots of covariances.

use crate::Error;
use crate::machine::memory::{reserve, sum, table};
use crate::svd::{Backend, DivideAndConquer, Svd, cholesky, exponent, power_of_two, triangle};
use ndarray::{Array2, ArrayRef2, Axis};

/// An upper triangular root `S` of a covariance, `Σ = SᵀS`, in units of `2^e`. Its leading columns belong to the
/// leading features, and are 0 below them.
#[derive(Clone, Debug)]
pub(crate) struct CovarianceRoot {
    pub(crate) matrix: Array2<f64>,
    pub(crate) exponent: i32,
}

impl CovarianceRoot {
    /// Checks that `covariance` is square, finite, symmetric and positive semidefinite up to rounding, and computes the
    /// root. By Cholesky (p³/3 flops) each entry of `SᵀS` is accurate to about `p ε √(Σᵢᵢ Σⱼⱼ)`. If Σ is too close to
    /// singular for that, an SVD is used, which is accurate to about `p ε ‖Σ‖`.
    pub(crate) fn new(covariance: &ArrayRef2<f64>) -> Result<Self, Error> {
        let p = covariance.nrows();
        Error::check_len("columns of the covariance", p, covariance.ncols())?;
        if covariance.is_empty() {
            return Err(Error::Empty { what: "the covariance" });
        }
        Error::check_finite("the covariance", covariance.view())?;
        // The scaled matrix, the symmetric one and the root; `by_svd` reserves the rest itself.
        reserve("the root of a covariance", table(p, p).saturating_mul(3))?;
        let largest = covariance.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        let half = exponent(largest).div_euclid(2);
        let unit = power_of_two(-half);
        // Twice: the square of the unit may be out of range.
        let scaled = covariance.mapv(|v| v * unit * unit);
        let matrix = match well_conditioned(&scaled) {
            Some(root) => root,
            None => by_svd(&scaled)?,
        };
        Ok(Self { matrix, exponent: half })
    }
}

/// Computes the root by Cholesky; `None` unless Σ is symmetric and every pivot is well above its rounding error.
fn well_conditioned(sigma: &Array2<f64>) -> Option<Array2<f64>> {
    let p = sigma.nrows();
    let rounding = p as f64 * f64::EPSILON;
    let largest = sigma.diag().iter().fold(0.0, |m: f64, v| m.max(*v));
    let symmetric = |i: usize, j: usize| (sigma[[i, j]] - sigma[[j, i]]).abs() <= 30.0 * rounding * largest;
    if (0..p).any(|i| (0..i).any(|j| !symmetric(i, j))) {
        return None;
    }
    let mean = |(i, j): (usize, usize)| f64::midpoint(sigma[[i, j]], sigma[[j, i]]);
    let root = cholesky(Array2::from_shape_fn((p, p), mean))?;
    let clear = |i: usize| {
        let pivot = root[[i, i]] * root[[i, i]];
        pivot > 16.0 * (rounding * sigma[[i, i]]).max(f64::MIN_POSITIVE)
    };
    (0..p).all(clear).then_some(root)
}

fn by_svd(covariance: &Array2<f64>) -> Result<Array2<f64>, Error> {
    let square = table(covariance.nrows(), covariance.nrows());
    reserve("the root of a covariance", sum([DivideAndConquer.bytes(covariance.dim()), square, square]))?;
    let svd = Svd::new(covariance)?;
    let sigma = svd.singular_values();
    let scaled_modes = svd.vt() * &sigma.view().insert_axis(Axis(1));
    let rebuilt = svd.vt().t().dot(&scaled_modes); // |Σ|, which is Σ if no eigenvalue is negative
    let off = (rebuilt - covariance).iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    if off > 30.0 * covariance.nrows() as f64 * f64::EPSILON * sigma[0] {
        let must_be = "0 up to rounding: a covariance is symmetric and positive semidefinite";
        let what = "the distance of Σ from (ΣᵀΣ)^½, in units of ‖Σ‖";
        return Err(Error::Domain { what, value: off / sigma[0], must_be });
    }
    let root = svd.vt() * &sigma.mapv(f64::sqrt).insert_axis(Axis(1));
    triangle(root, &DivideAndConquer)
}
