//! The smallest singular value of Gaussian matrices of entries `N(0, 1)` at and next to the threshold.
//!
//! # References
//! Edelman, SIAM Journal on Matrix Analysis and Applications 9 (1988); Forrester (1993) for `n × (n+3)`.

/// The limit law of `t = n σ²_min` of square matrices: `1 − exp(−(t/2 + √t))`.
#[must_use]
pub fn square_limit_cdf(t: f64) -> f64 {
    if t > 0.0 { -(-(0.5 * t + t.sqrt())).exp_m1() } else { 0.0 }
}

/// Its density, `(1 + √t)/(2√t) exp(−(t/2 + √t))`; infinite at 0.
#[must_use]
pub fn square_limit_density(t: f64) -> f64 {
    if t < 0.0 {
        return 0.0;
    }
    0.5 * (1.0 + t.sqrt().recip()) * (-(0.5 * t + t.sqrt())).exp()
}

/// Its median, `(√(1 + 2 ln 2) − 1)²`.
#[must_use]
pub fn square_limit_median() -> f64 {
    ((1.0 + 2.0 * std::f64::consts::LN_2).sqrt() - 1.0).powi(2)
}

/// The limit of `P(cond(X)/n ≤ x)` of square matrices, `exp(−2/x − 2/x²)`.
#[must_use]
pub fn condition_limit_cdf(x: f64) -> f64 {
    if x > 0.0 { (-2.0 / x * (1.0 + x.recip())).exp() } else { 0.0 }
}

/// `P(σ²_min ≤ x)` of an `n × (n+1)` matrix, exact: `1 − exp(−nx/2)`.
#[must_use]
pub fn one_more_cdf(n: usize, x: f64) -> f64 {
    -(-0.5 * n as f64 * x.max(0.0)).exp_m1()
}

/// `P(σ²_min ≤ x)` of an `n × (n+3)` matrix, exact: `1 − exp(−nx/2) ₁F₁(−n; 2; −x)`.
///
/// Summed as `Σ_{k≥2} (1 − r_k)` over Poisson weights of mean `nx/2`, `r_k = 2ᵏ n!/((n−k)! nᵏ (k+1)!) ≤ 1`: small
/// probabilities keep their digits, 1e-10 relative. Above a mean of 700 it is 1 to rounding.
#[must_use]
pub fn three_more_cdf(n: usize, x: f64) -> f64 {
    let count = n as f64;
    let mean = 0.5 * count * x;
    if n == 0 || mean.is_nan() || mean <= 0.0 {
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

/// `P(σ²_min ≤ x)` of a square complex matrix of entries with `E |x|² = 1`, exact: `1 − exp(−nx)`.
#[must_use]
pub fn complex_square_cdf(n: usize, x: f64) -> f64 {
    -(-(n as f64) * x.max(0.0)).exp_m1()
}
