//! The smallest singular value of matrices with `N(0, 1)` entries, at and next to the threshold.
//!
//! Away from the threshold, the extreme singular values stay near `|√n − √p|` and `√n + √p`: [`edges`]. Functions of a
//! number return NaN for NaN.
//!
//! # References
//! Edelman, SIAM Journal on Matrix Analysis and Applications 9 (1988); Forrester (1993) for `n × (n+3)`.

use crate::Error;

/// Returns the limits of the smallest and largest singular value of an `n × p` matrix, `|√n − √p|` and `√n + √p`.
///
/// The singular values fluctuate about them by `O(n^(−1/6))`. No cancellation at `n ≈ p`.
///
/// # References
/// Bai and Yin, Annals of Probability 21 (1993).
#[must_use]
pub fn edges(n: usize, p: usize) -> [f64; 2] {
    let largest = (n as f64).sqrt() + (p as f64).sqrt();
    [if n == p { 0.0 } else { n.abs_diff(p) as f64 / largest }, largest]
}

/// Returns the limit of `σ_min/√n` for an `n × p` matrix as both grow at fixed `n/p`: `|1 − √(p/n)|`.
///
/// This is the first of [`edges`] over `√n`.
///
/// # References
/// Bai and Yin, *Limit of the smallest eigenvalue of a large dimensional sample covariance matrix*, Annals of
/// Probability 21 (1993).
#[must_use]
pub fn limit(rows_per_column: f64) -> f64 {
    (1.0 - rows_per_column.recip().sqrt()).abs()
}

/// Returns the mean of `1/σ²` over the singular values of an `n × p` matrix, and over matrices.
///
/// It is `1/(|n − p| − 1)`, infinite for `|n − p| ≤ 1`; `None` for an empty matrix.
///
/// # References
/// The mean of the inverse Wishart distribution.
#[must_use]
pub fn mean_inverse_square(n: usize, p: usize) -> Option<f64> {
    let mean = match n.abs_diff(p) {
        0 | 1 => f64::INFINITY,
        gap => 1.0 / (gap - 1) as f64,
    };
    (n.min(p) > 0).then_some(mean)
}

/// Returns the limiting distribution function of `t = n σ²_min` for square matrices, `1 − exp(−(t/2 + √t))`.
///
/// # References
/// Edelman, SIAM Journal on Matrix Analysis and Applications 9 (1988).
#[must_use]
pub fn square_limit_cdf(t: f64) -> f64 {
    if t <= 0.0 { 0.0 } else { -(-(0.5 * t + t.sqrt())).exp_m1() }
}

/// Returns the density of [`square_limit_cdf`], `(1 + √t)/(2√t) exp(−(t/2 + √t))`; infinite at 0.
///
/// # References
/// Edelman, SIAM Journal on Matrix Analysis and Applications 9 (1988).
#[must_use]
pub fn square_limit_density(t: f64) -> f64 {
    if t < 0.0 {
        return 0.0;
    }
    0.5 * (1.0 + t.sqrt().recip()) * (-(0.5 * t + t.sqrt())).exp()
}

/// Returns the mean of [`square_limit_cdf`], `2 − √(2πe) erfc(1/√2)`. The mean of `1/t` is infinite.
///
/// # References
/// The integral of the tail of [`square_limit_cdf`].
#[must_use]
pub fn square_limit_mean() -> f64 {
    2.0 - (2.0 * std::f64::consts::PI * std::f64::consts::E).sqrt()
        * libm::erfc(std::f64::consts::FRAC_1_SQRT_2)
}

/// Returns the median of [`square_limit_cdf`], `(√(1 + 2 ln 2) − 1)²`.
///
/// # References
/// The solution of [`square_limit_cdf`] = ½.
#[must_use]
pub fn square_limit_median() -> f64 {
    ((1.0 + 2.0 * std::f64::consts::LN_2).sqrt() - 1.0).powi(2)
}

/// Returns the limit of `P(cond(X)/n ≤ x)` for square matrices, `exp(−2/x − 2/x²)`.
///
/// # References
/// Edelman, SIAM Journal on Matrix Analysis and Applications 9 (1988).
#[must_use]
pub fn condition_limit_cdf(x: f64) -> f64 {
    if x <= 0.0 { 0.0 } else { (-2.0 / x * (1.0 + x.recip())).exp() }
}

/// Returns `P(σ²_min ≤ x)` for an `n × (n+1)` matrix, exactly: `1 − exp(−nx/2)`.
///
/// # References
/// Edelman, SIAM Journal on Matrix Analysis and Applications 9 (1988).
#[must_use]
pub fn one_more_cdf(n: usize, x: f64) -> f64 {
    if x <= 0.0 { 0.0 } else { -(-0.5 * n as f64 * x).exp_m1() }
}

/// Returns `P(σ²_min ≤ x)` for an `n × (n+3)` matrix, exactly: `1 − exp(−nx/2) ₁F₁(−n; 2; −x)`.
///
/// Computed as the sum of `1 − r_k` over `k ≥ 2` with Poisson weights of mean `nx/2`, where
/// `r_k = 2ᵏ n!/((n−k)! nᵏ (k+1)!) ≤ 1`. Even small probabilities are accurate to 1e-10 relative. Above a mean of 700
/// the result is 1 to rounding.
///
/// # References
/// Forrester, *The spectrum edge of random matrix ensembles*, Nuclear Physics B 402 (1993).
#[must_use]
pub fn three_more_cdf(n: usize, x: f64) -> f64 {
    let count = n as f64;
    let mean = 0.5 * count * x;
    if mean.is_nan() {
        return mean;
    }
    if n == 0 || mean <= 0.0 {
        return 0.0;
    }
    if mean > 700.0 {
        return 1.0;
    }
    let (mut weight, mut ratio, mut sum, mut k) = (mean * (-mean).exp(), 1.0, 0.0, 1.0);
    while weight > 1e-18 * sum || k < mean {
        ratio *= 2.0 * ((count - k) / count).max(0.0) / (k + 2.0);
        k += 1.0;
        weight *= mean / k;
        sum += weight * (1.0 - ratio);
        if weight == 0.0 {
            break;
        }
    }
    sum.min(1.0)
}

/// Returns `P(σ²_min ≤ x)` for a square complex matrix with entries of `E |x|² = 1`, exactly: `1 − exp(−nx)`.
///
/// # References
/// Edelman, SIAM Journal on Matrix Analysis and Applications 9 (1988).
#[must_use]
pub fn complex_square_cdf(n: usize, x: f64) -> f64 {
    if x <= 0.0 { 0.0 } else { -(-(n as f64) * x).exp_m1() }
}

/// Returns the density of `σ²_min` for a real `n × n` matrix, exactly:
/// ```text
/// n Γ((n+1)/2) / √(2πx) · e^(−nx/2) U((n−1)/2, −1/2, x/2),   U Tricomi's function
/// ```
/// Infinite at `x = 0`. Computed from the integral for `U` with `t = eᵛ`,
/// `n (n−1)/(2√(2πx)) e^(−nx/2) ∫ e^(−xt/2) t^((n−1)/2) (1+t)^(−(n+2)/2) dv`, by the trapezoidal rule, which converges
/// geometrically: 1e-12 relative.
///
/// # Errors
/// [`Error::Domain`] for `n` of 0, or `x` that is negative or not finite.
///
/// # References
/// Edelman, SIAM Journal on Matrix Analysis and Applications 9 (1988).
pub fn square_density(n: usize, x: f64) -> Result<f64, Error> {
    let order = order(n, x)?;
    let scale = (-0.5 * order * x).exp() / (2.0 * std::f64::consts::PI * x).sqrt();
    if n == 1 || scale == 0.0 || x == 0.0 {
        return Ok(scale);
    }
    let integral = tricomi(order, x, |_| 1.0);
    Ok(order * (0.5 * (order - 1.0)) * integral * scale)
}

/// Returns `P(σ²_min ≤ x)` for a real `n × n` matrix, exactly: the integral of [`square_density`].
///
/// Even small probabilities are accurate to 1e-12 relative. The law of `n σ²_min` tends to [`square_limit_cdf`].
///
/// # Errors
/// As [`square_density`].
///
/// # References
/// As [`square_density`].
pub fn square_cdf(n: usize, x: f64) -> Result<f64, Error> {
    let order = order(n, x)?;
    if n == 1 {
        return Ok(libm::erf((0.5 * x).sqrt()));
    }
    if order * x > 1500.0 {
        return Ok(1.0);
    }
    // ∫₀ˣ u^(−1/2) e^(−u(n+t)/2) du = √(2π/(n+t)) erf √(x(n+t)/2).
    let inner = |t: f64| libm::erf((0.5 * x * (order + t)).sqrt()) / (order + t).sqrt();
    Ok((order * (0.5 * (order - 1.0)) * tricomi(order, 0.0, inner)).min(1.0))
}

/// Returns the quantile of `σ²_min` for an `n × p` matrix: the value it stays below with probability `share`.
///
/// The law is known for `|n − p|` of 0 ([`square_cdf`]), 1 ([`one_more_cdf`]) and 3 ([`three_more_cdf`]), to 1e-10
/// relative for shares up to `1 − 1e-6`; `None` for other shapes. Nearer to 1, digits are lost with the difference: at
/// `1 − 1e-10` about 1e-7 is left.
///
/// # Errors
/// [`Error::Domain`] for a share outside [0, 1], or an empty matrix.
///
/// # Examples
/// ```
/// use double_descent::theory::smallest_singular_value::{quantile, square_limit_median};
///
/// // The median at n = p. The median of n σ² tends to 0.2968.
/// let median = quantile(300, 300, 0.5)?.unwrap();
/// assert!((300.0 * median / square_limit_median() - 1.0).abs() < 0.01);
/// assert_eq!(quantile(300, 400, 0.5)?, None);
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// The references of these laws.
pub fn quantile(n: usize, p: usize, share: f64) -> Result<Option<f64>, Error> {
    super::check::share("share of matrices", share)?;
    let (short, gap) = (n.min(p), n.abs_diff(p));
    super::check::positive("size of the matrix", short as f64)?;
    let law = |x: f64| if gap == 0 { square_cdf(short, x) } else { Ok(three_more_cdf(short, x)) };
    match gap {
        _ if ![0, 1, 3].contains(&gap) => return Ok(None),
        _ if share == 0.0 => return Ok(Some(0.0)),
        _ if share == 1.0 => return Ok(Some(f64::INFINITY)),
        1 => return Ok(Some(-2.0 * (-share).ln_1p() / short as f64)),
        _ => {}
    }
    // Bisection in ln x; both laws are 1 to rounding at the upper end.
    let (mut low, mut high) = (-750.0, (2000.0 / short as f64).ln());
    for _ in 0..80 {
        let middle: f64 = 0.5 * (low + high);
        if law(middle.exp())? < share { low = middle } else { high = middle }
    }
    Ok(Some(high.exp()))
}

fn order(n: usize, x: f64) -> Result<f64, Error> {
    super::check::non_negative("squared singular value", x)?;
    super::check::positive("size of the matrix", n as f64)
}

/// Returns `∫ e^(−xt/2) t^((n−1)/2) (1+t)^(−(n+2)/2) f(t) dv` over all `v`, with `t = eᵛ`.
///
/// Without `f` the integrand is log-concave, so the sum runs outwards from its peak until terms vanish.
fn tricomi(n: f64, x: f64, f: impl Fn(f64) -> f64) -> f64 {
    const STEP: f64 = 1.0 / 32.0;
    let log = |v: f64| {
        // ln t^((n−1)/2) (1+t)^(−(n+2)/2), in whichever form does not overflow.
        let shape = if v > 0.0 {
            -1.5 * v - 0.5 * (n + 2.0) * (-v).exp().ln_1p()
        } else {
            0.5 * (n - 1.0) * v - 0.5 * (n + 2.0) * v.exp().ln_1p()
        };
        shape - 0.5 * x * v.exp()
    };
    let (mut low, mut high) = (-800.0f64, 800.0f64);
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        // The derivative of `log`, without the difference of (n − 1)/2 and (n + 2)/2 · t/(1 + t), which cancels.
        let t = middle.exp();
        let rise = 0.5 * (n + 2.0) / (1.0 + t) - 1.5 - 0.5 * x * t;
        if rise > 0.0 { low = middle } else { high = middle }
    }
    let peak = log(low);
    let side = |direction: f64| {
        let (mut sum, mut i) = (0.0, 1.0);
        loop {
            let v = low + direction * STEP * i;
            let size = log(v) - peak;
            if size.is_nan() || size < -50.0 {
                return sum;
            }
            sum += size.exp() * f(v.exp());
            i += 1.0;
        }
    };
    STEP * peak.exp() * (f(low.exp()) + side(1.0) + side(-1.0))
}
