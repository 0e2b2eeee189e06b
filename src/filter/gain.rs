//! Gains and residual factors of one mode.

/// `1 − g σ`, 0 where it is not known to be anything else.
#[inline]
pub(crate) fn difference(gain: f64, sigma: f64) -> f64 {
    let left = 1.0 - gain * sigma;
    if left.abs() <= f64::EPSILON { 0.0 } else { left }
}

/// `σ / (σ² + λ)` for `λ > 0`, with `σ²` out of the way: it would overflow from 1e154 on. Where `λ/σ` does, `σ` is
/// nothing beside it.
#[inline]
pub(super) fn ridge(lambda: f64, sigma: f64) -> f64 {
    let pull = lambda / sigma;
    if pull.is_finite() { (sigma + pull).recip() } else { sigma / lambda }
}

/// `λ / (σ² + λ)` for any two numbers, to a few `ε_mach`: by the ratio of `σ` and `√λ` that is at most 1.
#[inline]
pub(super) fn ridge_residual(lambda: f64, sigma: f64) -> f64 {
    // Choices in place of ways: a list of these is computed several at once.
    let root = lambda.sqrt();
    let is_below = sigma <= root;
    let (small, large) = if is_below { (sigma, root) } else { (root, sigma) };
    let square = (small / large) * (small / large);
    let top = if is_below { 1.0 } else { square };
    top / (1.0 + square)
}
