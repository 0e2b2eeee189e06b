//! The expected noise term of minimum-norm least squares, `E tr((X⁺)ᵀ Σ X⁺)`.
//!
//! It is the contribution of label noise of variance 1 to the test error, averaged over random designs `X` (`n × p`) of
//! `n` samples and `p` features with second moments `Σ`, which the test features share.
//!
//! # Examples
//! ```
//! use double_descent::theory::noise::{gaussian, lower_bound, sphere};
//!
//! assert_eq!(lower_bound(10, 20), 10.0 / 11.0);
//! assert_eq!(sphere(10, 20), Some(1.0));
//! assert_eq!(gaussian(10, 20), 10.0 / 9.0);
//! assert_eq!(gaussian(20, 20), f64::INFINITY);
//! ```

/// Returns the lower bound for all designs: `n / (p + 1 − n)` for `n ≤ p`, `p / (n + 1 − p)` for `n ≥ p`.
///
/// It holds for independent samples from any distribution with finite, invertible second moments and designs that have
/// full rank almost surely.
///
/// The proof is short. For `n ≤ p` and white samples, the i-th diagonal entry of `(XXᵀ)⁻¹` is one over the squared
/// distance of the i-th sample from the span of the others. This distance has mean `p − (n − 1)`, so Jensen's
/// inequality gives the bound. Other covariances reduce to this case, as the pseudoinverse is the smallest of all right
/// inverses of a whitened design. For `n ≥ p`, the term is the mean of `h/(1 − h)`, where `h` is the leverage of one of
/// `n + 1` samples, with mean `p/(n + 1)`.
///
/// # References
/// `n ≤ p`: Holzmüller, *On the universality of the double descent peak in ridgeless regression*, ICLR 2021,
/// arXiv:2010.01851, theorem 3. `n ≥ p`: Mourtada, *Exact minimax risk for linear least squares, and the lower tail of
/// sample covariance matrices*, arXiv:1912.10754.
#[must_use]
pub fn lower_bound(n: usize, p: usize) -> f64 {
    let (short, long) = (n.min(p) as f64, n.max(p) as f64);
    short / (long + 1.0 - short)
}

/// Returns the noise term for Gaussian features, `N(0, Σ)` for `n ≥ p` and `N(0, I)` for `n < p`.
///
/// It is `p / (n − p − 1)` for `n ≥ p + 2`, `n / (p − n − 1)` for `p ≥ n + 2`, and infinite between.
///
/// # References
/// The mean of the inverse Wishart distribution; Hastie, Montanari, Rosset and Tibshirani, arXiv:1903.08560;
/// Belkin, Hsu and Xu, *Two models of double descent for weak features*, 2020.
#[must_use]
pub fn gaussian(n: usize, p: usize) -> f64 {
    let (short, long) = (n.min(p), n.max(p));
    match long - short {
        _ if short == 0 => 0.0,
        0 | 1 => f64::INFINITY,
        gap => short as f64 / (gap - 1) as f64,
    }
}

/// Returns the variance of the noise term over designs, for features `N(0, I)`.
///
/// With `d = min(n, p)`, `m = max(n, p)`, it is
/// ```text
/// 2 d (m − 1) / ((m − d) (m − d − 1)² (m − d − 3)),    infinite for m ≤ d + 3
/// ```
/// The standard error of a mean over `N` repeats is its square root over `√N`.
///
/// # References
/// The moments of the inverse Wishart distribution, von Rosen, Scandinavian Journal of Statistics 15 (1988).
#[must_use]
pub fn gaussian_variance(n: usize, p: usize) -> f64 {
    let (short, long) = (n.min(p), n.max(p));
    match long - short {
        _ if short == 0 => 0.0,
        gap @ 4.. => {
            let gap = gap as f64;
            2.0 * short as f64 * (long - 1) as f64 / (gap * (gap - 1.0).powi(2) * (gap - 3.0))
        }
        _ => f64::INFINITY,
    }
}

/// Returns the noise term for features uniform on the sphere of radius `√p`, where a formula is known.
///
/// It is `(n / p) (p − 2) / (p − n − 1)` for `p ≥ n + 2`, infinite for `p = n` and `p = n + 1` with `n ≥ 2`, `1/p` for
/// `n = 1`, and `1/n` for `p = 1`. It is `None` for other `p < n`.
///
/// For `n ≤ p`, the i-th diagonal entry of `(XXᵀ)⁻¹` is `1/(p b)`, with `b` distributed as
/// `Beta((p − n + 1)/2, (n − 1)/2)`: the squared distance of the i-th sample from the span of the others, relative to
/// its squared length.
///
/// # References
/// The analytic results of Holzmüller, ICLR 2021, arXiv:2010.01851; derived independently as above.
#[must_use]
pub fn sphere(n: usize, p: usize) -> Option<f64> {
    let (samples, features) = (n as f64, p as f64);
    match (n, p) {
        (0, _) | (_, 0) => Some(0.0),
        (1, _) => Some(features.recip()),
        (_, 1) => Some(samples.recip()),
        _ if p < n => None,
        _ if p - n < 2 => Some(f64::INFINITY),
        _ => Some(samples / features * (features - 2.0) / (features - samples - 1.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_bounds() {
        for n in 0..40 {
            for p in 0..40 {
                let bound = lower_bound(n, p);
                assert!(bound <= gaussian(n, p), "{n} {p}");
                // Equal up to rounding for one sample or one feature.
                assert!(sphere(n, p).is_none_or(|value| bound <= value * (1.0 + 1e-15)), "{n} {p}");
                assert_eq!(bound, lower_bound(p, n));
            }
        }
        assert_eq!([lower_bound(30, 30), lower_bound(0, 5), gaussian(0, 1)], [30.0, 0.0, 0.0]);
        assert_eq!([sphere(5, 5), sphere(5, 6), sphere(2, 2)], [Some(f64::INFINITY); 3]);
        assert_eq!([sphere(6, 5), sphere(1, 1), sphere(1, 2)], [None, Some(1.0), Some(0.5)]);
    }

    #[test]
    fn variances_are_infinite_near_the_threshold() {
        assert_eq!(gaussian_variance(13, 10), f64::INFINITY);
        assert_eq!(gaussian_variance(14, 10), 2.0 * 10.0 * 13.0 / (4.0 * 9.0 * 1.0));
        assert_eq!(gaussian_variance(10, 14), gaussian_variance(14, 10));
    }
}
