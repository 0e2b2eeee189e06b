//! Gradient flow on `‖Xb − y‖²/(2n)` from 0 for many more samples than features: the sum of one U-shaped curve a
//! feature, which is where a second descent in time comes from.
//!
//! It holds for `n ≫ d` only: features not learned yet act as label noise for the others. [`plateau`] has that.
//!
//! # References
//! Heckel and Yilmaz, arXiv:2007.10099; the plateau follows from Belkin, Hsu and Xu, arXiv:1903.07571.

use super::{check, gaussian};
use crate::Error;

/// Independent features of one variance and one squared coefficient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    /// The number of features.
    pub count: f64,
    /// Their variance `ℓ`.
    pub variance: f64,
    /// The squared coefficient `θ²` of each.
    pub energy: f64,
}

/// The curve of one feature: `ℓθ² g² + (σ²/n)(1 − g)²`, `g = exp(−ℓt)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optimum {
    /// The best time, `ln(1 + nℓθ²/σ²)/ℓ`; infinite without noise.
    pub time: f64,
    /// The excess there, `bv/(b + v)` with `b = ℓθ²`, `v = σ²/n`.
    pub least: f64,
    /// The excess after all time, `v`.
    pub end: f64,
}

fn checked(group: &Group) -> Result<(), Error> {
    check::positive("count of a group", group.count)?;
    check::non_negative("variance of a group", group.variance)?;
    check::non_negative("energy of a group", group.energy).map(drop)
}

/// `Σ count (ℓθ² g² + (σ²/n)(1 − g)²)` at time `t`, `g = exp(−ℓt)`.
///
/// # Errors
/// [`Error::Empty`] without groups, [`Error::Domain`] for an argument that is negative or not finite, or `n` or a
/// count of 0.
pub fn excess(groups: &[Group], n: f64, noise: f64, t: f64) -> Result<f64, Error> {
    check::non_negative("time", t)?;
    sum(groups, n, noise, |variance| (-variance * t).exp_m1())
}

/// As [`excess`] after `steps` steps of gradient descent, `g = (1 − ηℓ)ᵏ`.
///
/// # Errors
/// As [`excess`]; [`Error::Domain`] for a step size `η` that is negative or not finite.
pub fn excess_of_descent(groups: &[Group], n: f64, noise: f64, eta: f64, steps: u32) -> Result<f64, Error> {
    check::non_negative("step size", eta)?;
    sum(groups, n, noise, |variance| {
        let step = eta * variance;
        // Below 1 without cancellation; beyond it the sign alternates.
        if step < 1.0 {
            (f64::from(steps) * (-step).ln_1p()).exp_m1()
        } else {
            (1.0 - step).powf(f64::from(steps)) - 1.0
        }
    })
}

/// With `g − 1` of each variance.
fn sum(groups: &[Group], n: f64, noise: f64, minus: impl Fn(f64) -> f64) -> Result<f64, Error> {
    check::positive("samples", n)?;
    check::non_negative("noise variance", noise)?;
    if groups.is_empty() {
        return Err(Error::Empty { what: "groups of features" });
    }
    groups.iter().try_fold(0.0, |total, group| {
        checked(group)?;
        let minus = minus(group.variance);
        let bias = group.variance * group.energy * (1.0 + minus).powi(2);
        Ok(total + group.count * (bias + noise / n * minus * minus))
    })
}

/// When one feature of `group` is best stopped.
///
/// # Errors
/// As [`excess`]; [`Error::Domain`] for a variance of 0.
pub fn optimum(group: &Group, n: f64, noise: f64) -> Result<Optimum, Error> {
    checked(group)?;
    check::positive("variance of a group", group.variance)?;
    check::positive("samples", n)?;
    check::non_negative("noise variance", noise)?;
    let (bias, end) = (group.variance * group.energy, noise / n);
    let time = if bias == 0.0 { 0.0 } else { (bias / end).ln_1p() / group.variance };
    Ok(Optimum { time, least: check::ratio(bias, bias + end) * end, end })
}

/// The excess once `fast` Gaussian features are fitted and slow ones of energy `slow = Σ ℓθ²` are not, exact for time
/// scales far apart: `(σ² + slow)(1 + d/(n − d − 1)) − σ²` for `n ≥ d + 2`, infinite for `n` of `d`, `d + 1`.
///
/// # Errors
/// [`Error::Domain`] for an energy or a noise that is negative or not finite, or more features than samples.
pub fn plateau(n: usize, fast: usize, slow: f64, noise: f64) -> Result<f64, Error> {
    if fast > n {
        let must_be = "at most the samples";
        return Err(Error::Domain { what: "fast features", value: fast as f64, must_be });
    }
    gaussian::weak_features(n, fast, 0.0, slow, noise)
}
