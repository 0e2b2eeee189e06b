//! Gradient flow on `‖Xb − y‖²/(2n)` from 0.
//!
//! [`isotropic`] is the limit for isotropic features. [`excess`] is for many more samples than features: there the
//! excess is a sum of U-shaped curves, one per feature, and a second descent in time comes from this sum. For any
//! covariance and any filter, see [`super::filtered`].
//!
//! The sum of U-shapes holds only for `n ≫ d`: features that are not learned yet act as label noise for the others.
//! [`plateau`] takes this into account.
//!
//! # References
//! Advani and Saxe, arXiv:1710.03667; Ali, Kolter and Tibshirani, arXiv:1810.10082; Heckel and Yilmaz,
//! arXiv:2007.10099; the plateau follows from Belkin, Hsu and Xu, arXiv:1903.07571.

use super::marchenko_pastur::MarchenkoPastur;
use super::{check, gaussian};
use crate::Error;

/// Returns the bias and variance at time `t` for isotropic features, `p/n → γ`, starting from 0.
///
/// With the Marchenko–Pastur law `F`,
/// ```text
/// bias = r² ∫ e^(−2tx) dF,   variance = σ² γ ∫_{x>0} (1 − e^(−tx))²/x dF
/// ```
/// or, with `h(u) = e^(−u(1+γ)) I₁(2√γ u)/(√γ u)`, `r² (1 − ∫ h)` and `σ² γ ∫ min(u, 2t − u) h(u)` over `0 < u < 2t`.
/// Computed from the first form, a sum of positive terms: 1e-12 relative at any `γ` and `t`. Starting from a point of
/// random direction and squared norm `r₀²` adds `r₀²` to `r²`.
///
/// # Errors
/// [`Error::Domain`] for `γ` that is not positive and finite, or another argument that is negative or not finite.
///
/// # Examples
/// ```
/// use double_descent::theory::{gaussian, gradient_flow};
///
/// // At late times: minimum-norm least squares. Stopped early: no peak at γ = 1.
/// let late = gradient_flow::isotropic(2.0, 1e6, 1.0, 0.5)?;
/// assert!((late.total() / gaussian::limit(2.0, 1.0, 0.5)?.total() - 1.0).abs() < 1e-12);
/// assert!(gradient_flow::isotropic(1.0, 3.0, 1.0, 0.5)?.total() < 0.6);
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Advani and Saxe, arXiv:1710.03667; Ali, Kolter and Tibshirani, arXiv:1810.10082; the form with the Bessel function
/// was derived and checked for this crate.
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

/// Gradient flow at time `t` compared with ridge at `λ = 1/t`, along one direction: `x = tμ` for an eigenvalue `μ` of
/// `XᵀX/n`. The penalty is added to the mean of squares. From [`against_ridge`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AgainstRidge {
    /// The share of the target that the flow has fitted, `1 − e^(−x)`.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub flow: f64,
    /// The share of the target that ridge fits, `x/(1 + x)`.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub ridge: f64,
    /// `flow / ridge`, between 1 and 1.2985.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub ratio: f64,
    /// The ratio of the risks along this direction if `λ = 1/t` is the best penalty: at most
    /// [`LARGEST_RATIO_AT_OPTIMUM`].
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub risk_ratio: f64,
}

/// The largest ratio of the risk of gradient flow to that of ridge with `λ = 1/t`, over all `t`.
///
/// It is the largest `ratio²` of [`against_ridge`], at `x` = 1.793282132900761. Ali, Kolter and Tibshirani print it
/// rounded up, 1.6862.
pub const LARGEST_RATIO: f64 = 1.685_909_058_278_325;

/// The largest ratio of the risks if `λ = 1/t` is the best penalty.
///
/// It is the largest `risk_ratio` of [`against_ridge`], at `x` = 3.2135635202169794. Ali, Kolter and Tibshirani print
/// 1.2147.
pub const LARGEST_RATIO_AT_OPTIMUM: f64 = 1.214_661_840_834_949_2;

/// Compares gradient flow and ridge at `x = tμ ≥ 0`.
///
/// The ratios are `(1 + x)(1 − e^(−x))/x` and, for the risks, `(1 + x)(e^(−2x) + (1 − e^(−x))²/x)`.
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

/// Independent features with the same variance and the same squared coefficient, for [`excess`], [`optimum`] and
/// [`turns`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FeatureGroup {
    /// The number of features.
    pub count: f64,
    /// The variance `ℓ` of each.
    pub variance: f64,
    /// The squared coefficient `θ²` of each.
    pub energy: f64,
}

/// The best stopping time for the curve of one feature, `ℓθ² g² + (σ²/n)(1 − g)²`, `g = exp(−ℓt)`, from [`optimum`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BestTime {
    /// The best time, `ln(1 + nℓθ²/σ²)/ℓ`; infinite without noise.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub time: f64,
    /// The excess at the best time, `bv/(b + v)` with `b = ℓθ²`, `v = σ²/n`.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub least: f64,
    /// The excess as `t → ∞`, `v`.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub end: f64,
}

fn checked(group: &FeatureGroup) -> Result<(), Error> {
    check::positive("count of a group", group.count)?;
    check::non_negative("variance of a group", group.variance)?;
    check::non_negative("energy of a group", group.energy).map(drop)
}

/// Returns the excess at time `t`, `Σ count (ℓθ² g² + (σ²/n)(1 − g)²)` with `g = exp(−ℓt)`, for many more samples than
/// features.
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

/// Returns the [`excess`] after `steps` (`k`) steps of gradient descent of size `eta` (`η`): `g = (1 − ηℓ)ᵏ`.
///
/// It grows without bound in `k` if the step is too large, `ηℓ > 2`.
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
        // k ln |1 − ηℓ|, from whichever of ηℓ, 1 − ηℓ and 2 − ηℓ is small, each rounded once.
        let log = f64::from(steps)
            * match step {
                ..=0.5 => (-step).ln_1p(),
                ..1.5 => (-eta).mul_add(variance, 1.0).abs().ln(),
                _ => (-(-eta).mul_add(variance, 2.0)).ln_1p(),
            };
        // For ηℓ > 1 the sign of the power alternates.
        if step <= 1.0 || steps.is_multiple_of(2) {
            (log.exp(), log.exp_m1())
        } else {
            (-log.exp(), -log.exp() - 1.0)
        }
    })
}

/// Sums the excess over the groups; `factors` returns `g` and `g − 1` for a variance.
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
        // Factors may be infinite if the step is too large, and σ²/n if n is tiny.
        let bias = if group.energy == 0.0 { 0.0 } else { group.variance * left * (group.energy * left) };
        let variance = if noise == 0.0 || minus == 0.0 { 0.0 } else { noise / n * minus * minus };
        Ok(total + group.count * (bias + variance))
    })
}

/// Returns the best stopping time for one feature of `group`.
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
    // If the ratio overflows, its logarithm is still finite, except without noise.
    let log = if ratio.is_finite() || end == 0.0 { ratio.ln_1p() } else { bias.ln() - end.ln() };
    let time = if bias == 0.0 { 0.0 } else { log / group.variance };
    let least = match (bias.is_infinite(), end.is_infinite()) {
        (_, true) => bias,
        (true, false) => end,
        _ => check::ratio(bias, bias + end) * end,
    };
    Ok(BestTime { time, least, end })
}

/// Returns the excess once `fast` Gaussian features are fitted and slow ones with energy `slow = Σ ℓθ²` are not.
///
/// Exact for time scales far apart. With `d` fast features it is `(σ² + slow)(1 + d/(n − d − 1)) − σ²` for `n ≥ d + 2`,
/// infinite for `n` of `d`, `d + 1`.
///
/// # Errors
/// [`Error::Domain`] for an energy or a noise that is negative or not finite, or more features than samples.
///
/// # References
/// Belkin, Hsu and Xu, arXiv:1903.07571, with the slow features as the features left out.
pub fn plateau(n: usize, fast: usize, slow: f64, noise: f64) -> Result<f64, Error> {
    if fast > n {
        let must_be = "at most the samples";
        return Err(Error::Domain { what: "fast features", value: fast as f64, must_be });
    }
    gaussian::weak_features(n, fast, 0.0, slow, noise)
}

/// A minimum or maximum of the [`excess`] in time, from [`turns`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Turn {
    /// The time.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub time: f64,
    /// The excess at that time.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub excess: f64,
    /// Whether the excess falls before this time and rises after it.
    pub is_minimum: bool,
}

/// Returns the minima and maxima of [`excess`] in time, in order. More than one minimum is a second descent.
///
/// There are at most `2G − 1` for `G` groups with different variances (the rule of signs). The sign of the derivative
/// is checked 400 times per decade in time, from `10⁻⁶/ℓ` of the largest variance `ℓ` to `300/ℓ` of the smallest,
/// so turns that are closer, earlier or later may be missed. Times are accurate to 1e-8, the excess to
/// rounding.
///
/// # Errors
/// As [`excess`]; [`Error::Domain`] for non-zero variances that differ by more than a factor of 10¹².
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
    // Half the derivative: Σ count ℓ g (σ²/n − (ℓθ² + σ²/n) g).
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
    // After `last` the exponentials underflow, and the curve is flat. Times over the largest float count as that.
    let (first, last) = ((1e-6 / fast).min(f64::MAX), (300.0 / slow).min(f64::MAX));
    let decades = (last / first).log10();
    let nodes = (400.0 * decades).ceil();
    let at = |i: f64| (first * (last / first).powf(i / nodes)).min(last);
    let mut turns = Vec::new();
    let (mut i, mut before) = (0.0, slope(first));
    while i < nodes {
        let (left, right) = (at(i), at(i + 1.0));
        let after = slope(right);
        if before != 0.0 && after != 0.0 && (before < 0.0) != (after < 0.0) {
            let (mut low, mut high) = (left, right);
            for _ in 0..60 {
                let middle = f64::midpoint(low, high);
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
