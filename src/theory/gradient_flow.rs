//! Gradient flow on `‖Xb − y‖²/(2n)` from 0: isotropic features in the limit ([`isotropic`]), and many more samples than
//! features ([`excess`]), where the excess is the sum of one U-shaped curve a feature, which is where a second descent in
//! time comes from. Any covariance and any filter: [`super::filtered`].
//!
//! The sum of U-shapes holds for `n ≫ d` only: features not learned yet act as label noise for the others.
//! [`plateau`] has that.
//!
//! # References
//! Advani and Saxe, arXiv:1710.03667; Ali, Kolter and Tibshirani, arXiv:1810.10082; Heckel and Yilmaz, arXiv:2007.10099;
//! the plateau follows from Belkin, Hsu and Xu, arXiv:1903.07571.

use super::marchenko_pastur::MarchenkoPastur;
use super::{check, gaussian};
use crate::Error;

/// Bias and variance at time `t` of isotropic features, `p/n → γ`, from 0: with `F` the Marchenko–Pastur law
/// ```text
/// bias = r² ∫ e^(−2tx) dF,   variance = σ² γ ∫_{x>0} (1 − e^(−tx))²/x dF
/// ```
/// or, with `h(u) = e^(−u(1+γ)) I₁(2√γ u)/(√γ u)`, `r² (1 − ∫ h)` and `σ² γ ∫ min(u, 2t − u) h(u)` over `0 < u < 2t`. It is
/// computed from the first form, which adds positive terms alone: 1e-12 relative at any `γ` and `t`. A start of random
/// direction and squared norm `r₀²` adds `r₀²` to `r²`.
///
/// # Errors
/// [`Error::Domain`] for `γ` that is not positive and finite, or another argument that is negative or not finite.
///
/// # Examples
/// ```
/// use double_descent::theory::{gaussian, gradient_flow};
///
/// // All time: minimum-norm least squares. Stopped early: no peak at γ = 1.
/// let late = gradient_flow::isotropic(2.0, 1e6, 1.0, 0.5)?;
/// assert!((late.total() / gaussian::limit(2.0, 1.0, 0.5)?.total() - 1.0).abs() < 1e-12);
/// assert!(gradient_flow::isotropic(1.0, 3.0, 1.0, 0.5)?.total() < 0.6);
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Advani and Saxe, arXiv:1710.03667; Ali, Kolter and Tibshirani, arXiv:1810.10082; the form with the Bessel function was
/// derived and checked for this crate.
pub fn isotropic(gamma: f64, t: f64, r2: f64, noise: f64) -> Result<gaussian::Excess, Error> {
    let law = MarchenkoPastur::new(gamma)?;
    check::non_negative("time", t)?;
    check::non_negative("r2", r2)?;
    check::non_negative("noise variance", noise)?;
    let left = law.atom() + law.mean(t, |x| (-2.0 * t * x).exp());
    let spread = law.mean(t, |x| {
        let shrinkage = (-t * x).exp_m1();
        shrinkage * (shrinkage / x)
    });
    Ok(gaussian::Excess { bias: r2 * left, variance: noise * (gamma * spread) })
}

/// Gradient flow at time `t` against ridge with `λ = 1/t`, one direction at a time, `x = tμ` for an eigenvalue `μ`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AgainstRidge {
    /// `1 − e^(−x)`.
    pub flow: f64,
    /// `x/(1 + x)`.
    pub ridge: f64,
    /// The first over the second, between 1 and 1.2985.
    pub ratio: f64,
    /// The ratio of the risks along this direction where the prior is right, `λ = 1/t` the best penalty: at most
    /// [`LARGEST_RATIO_AT_OPTIMUM`].
    pub risk_ratio: f64,
}

/// The risk of flow is at most this times that of ridge with `λ = 1/t`, at every `t`: the largest `ratio²` of
/// [`against_ridge`], at `x` = 1.793282132900761. Ali, Kolter and Tibshirani print it rounded up, 1.6862.
pub const LARGEST_RATIO: f64 = 1.685_909_058_278_325;

/// The same at the best penalty, at `x` = 3.2135635202169794; printed as 1.2147.
pub const LARGEST_RATIO_AT_OPTIMUM: f64 = 1.214_661_840_834_949_2;

/// The comparison at `x = tμ ≥ 0`: `(1 + x)(1 − e^(−x))/x` and `(1 + x)(e^(−2x) + (1 − e^(−x))²/x)`.
///
/// # Errors
/// [`Error::Domain`] for `x` that is negative or not finite.
///
/// # References
/// Ali, Kolter and Tibshirani, *A continuous-time view of early stopping for least squares*, arXiv:1810.10082.
pub fn against_ridge(x: f64) -> Result<AgainstRidge, Error> {
    check::non_negative("x", x)?;
    let flow = -(-x).exp_m1();
    // (1 − e^(−x))/x, 1 at 0.
    let mean = if x == 0.0 { 1.0 } else { flow / x };
    Ok(AgainstRidge {
        flow,
        ridge: x / (1.0 + x),
        ratio: mean + flow,
        risk_ratio: (1.0 + x) * (-2.0 * x).exp() + mean * flow + flow * flow,
    })
}

/// Independent features of one variance and one squared coefficient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FeatureGroup {
    /// The number of features.
    pub count: f64,
    /// Their variance `ℓ`.
    pub variance: f64,
    /// The squared coefficient `θ²` of each.
    pub energy: f64,
}

/// The curve of one feature: `ℓθ² g² + (σ²/n)(1 − g)²`, `g = exp(−ℓt)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BestTime {
    /// The best time, `ln(1 + nℓθ²/σ²)/ℓ`; infinite without noise.
    pub time: f64,
    /// The excess there, `bv/(b + v)` with `b = ℓθ²`, `v = σ²/n`.
    pub least: f64,
    /// The excess after all time, `v`.
    pub end: f64,
}

fn checked(group: &FeatureGroup) -> Result<(), Error> {
    check::positive("count of a group", group.count)?;
    check::non_negative("variance of a group", group.variance)?;
    check::non_negative("energy of a group", group.energy).map(drop)
}

/// `Σ count (ℓθ² g² + (σ²/n)(1 − g)²)` at time `t`, `g = exp(−ℓt)`.
///
/// # Errors
/// [`Error::Empty`] without groups, [`Error::Domain`] for an argument that is negative or not finite, or `n` or a
/// count of 0.
///
/// # References
/// Heckel and Yilmaz, *Early stopping in deep networks: double descent and how to eliminate it*, arXiv:2007.10099.
pub fn excess(groups: &[FeatureGroup], n: f64, noise: f64, t: f64) -> Result<f64, Error> {
    check::non_negative("time", t)?;
    sum(groups, n, noise, |variance| ((-variance * t).exp(), (-variance * t).exp_m1()))
}

/// As [`excess`] after `steps` steps of gradient descent, `g = (1 − ηℓ)ᵏ`.
///
/// # Errors
/// As [`excess`]; [`Error::Domain`] for a step size `η` that is negative or not finite.
///
/// # References
/// Heckel and Yilmaz, *Early stopping in deep networks: double descent and how to eliminate it*, arXiv:2007.10099.
pub fn excess_of_descent(
    groups: &[FeatureGroup],
    n: f64,
    noise: f64,
    eta: f64,
    steps: u32,
) -> Result<f64, Error> {
    check::non_negative("step size", eta)?;
    sum(groups, n, noise, |variance| {
        let step = eta * variance;
        if steps == 0 {
            return (1.0, 0.0);
        }
        // ln |1 − ηℓ|, from whichever of ηℓ, 1 − ηℓ and 2 − ηℓ is small, each rounded once.
        let log = f64::from(steps)
            * match step {
                ..=0.5 => (-step).ln_1p(),
                ..1.5 => (-eta).mul_add(variance, 1.0).abs().ln(),
                _ => (-(-eta).mul_add(variance, 2.0)).ln_1p(),
            };
        // Beyond 1 the sign alternates.
        if step <= 1.0 || steps.is_multiple_of(2) {
            (log.exp(), log.exp_m1())
        } else {
            (-log.exp(), -log.exp() - 1.0)
        }
    })
}

/// With `g` and `g − 1` of each variance.
fn sum(
    groups: &[FeatureGroup],
    n: f64,
    noise: f64,
    factors: impl Fn(f64) -> (f64, f64),
) -> Result<f64, Error> {
    check::positive("samples", n)?;
    check::non_negative("noise variance", noise)?;
    if groups.is_empty() {
        return Err(Error::Empty { what: "groups of features" });
    }
    groups.iter().try_fold(0.0, |total, group| {
        checked(group)?;
        let (left, minus) = factors(group.variance);
        // Factors may be infinite: of a step that is too large.
        let bias = if group.energy == 0.0 { 0.0 } else { group.variance * left * (group.energy * left) };
        let variance = if noise == 0.0 { 0.0 } else { noise / n * minus * minus };
        Ok(total + group.count * (bias + variance))
    })
}

/// When one feature of `group` is best stopped.
///
/// # Errors
/// As [`excess`]; [`Error::Domain`] for a variance of 0.
///
/// # References
/// Heckel and Yilmaz, *Early stopping in deep networks: double descent and how to eliminate it*, arXiv:2007.10099.
pub fn optimum(group: &FeatureGroup, n: f64, noise: f64) -> Result<BestTime, Error> {
    checked(group)?;
    check::positive("variance of a group", group.variance)?;
    check::positive("samples", n)?;
    check::non_negative("noise variance", noise)?;
    let (bias, end) = (group.variance * group.energy, noise / n);
    let ratio = bias / end;
    // A ratio beyond all numbers has a logarithm, but for that of no noise.
    let log = if ratio.is_finite() || end == 0.0 { ratio.ln_1p() } else { bias.ln() - end.ln() };
    let time = if bias == 0.0 { 0.0 } else { log / group.variance };
    Ok(BestTime { time, least: check::ratio(bias, bias + end) * end, end })
}

/// The excess once `fast` Gaussian features are fitted and slow ones of energy `slow = Σ ℓθ²` are not, exact for time
/// scales far apart: `(σ² + slow)(1 + d/(n − d − 1)) − σ²` for `n ≥ d + 2`, infinite for `n` of `d`, `d + 1`.
///
/// # Errors
/// [`Error::Domain`] for an energy or a noise that is negative or not finite, or more features than samples.
///
/// # References
/// Belkin, Hsu and Xu, arXiv:1903.07571, with the slow features in the place of those left out.
pub fn plateau(n: usize, fast: usize, slow: f64, noise: f64) -> Result<f64, Error> {
    if fast > n {
        let must_be = "at most the samples";
        return Err(Error::Domain { what: "fast features", value: fast as f64, must_be });
    }
    gaussian::weak_features(n, fast, 0.0, slow, noise)
}

/// Where a curve in time turns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turn {
    /// The time.
    pub time: f64,
    /// The excess there.
    pub excess: f64,
    /// Whether the excess falls before it and rises after.
    pub is_minimum: bool,
}

/// The minima and maxima in time of [`excess`], in order: more than one minimum is a second descent. `2G − 1` at most for
/// `G` groups of different variances (the rule of signs).
///
/// The sign of the derivative is looked at 400 times per factor of 10 in time; dips closer than that may be missed. Times
/// to 1e-8, the excess to rounding.
///
/// # Errors
/// As [`excess`]; [`Error::Domain`] for variances over more than 10¹².
///
/// # References
/// The curve is that of Heckel and Yilmaz, arXiv:2007.10099.
pub fn turns(groups: &[FeatureGroup], n: f64, noise: f64) -> Result<Vec<Turn>, Error> {
    excess(groups, n, noise, 0.0)?;
    let variances = || groups.iter().map(|group| group.variance).filter(|&variance| variance > 0.0);
    let (fast, slow) = (variances().fold(0.0, f64::max), variances().fold(f64::INFINITY, f64::min));
    if fast == 0.0 {
        return Ok(Vec::new());
    }
    if slow < 1e-12 * fast {
        let must_be = "at least 1e-12 of the largest, or 0";
        return Err(Error::Domain { what: "variance of a group", value: slow, must_be });
    }
    let end = noise / n;
    // Half of the derivative: Σ count ℓ g (σ²/n − (ℓθ² + σ²/n) g).
    let slope = |t: f64| -> f64 {
        let term = |group: &FeatureGroup| {
            let g = (-group.variance * t).exp();
            group.count
                * group.variance
                * g
                * (-end * (-group.variance * t).exp_m1() - group.variance * group.energy * g)
        };
        groups.iter().map(term).sum()
    };
    // Beyond the last exponents underflow: the curve is flat there.
    let (first, last) = (1e-6 / fast, 300.0 / slow);
    let decades = (last / first).log10();
    let nodes = (400.0 * decades).ceil();
    let at = |i: f64| first * (last / first).powf(i / nodes);
    let mut turns = Vec::new();
    let (mut i, mut before) = (0.0, slope(first));
    while i < nodes {
        let (left, right) = (at(i), at(i + 1.0));
        let after = slope(right);
        if before != 0.0 && after != 0.0 && (before < 0.0) != (after < 0.0) {
            let (mut low, mut high) = (left, right);
            for _ in 0..60 {
                let middle = 0.5 * (low + high);
                if (slope(middle) < 0.0) == (before < 0.0) { low = middle } else { high = middle }
            }
            turns.push(Turn { time: low, excess: excess(groups, n, noise, low)?, is_minimum: before < 0.0 });
        }
        if after != 0.0 {
            before = after;
        }
        i += 1.0;
    }
    Ok(turns)
}
