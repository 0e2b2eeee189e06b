//! The gain and residual factor of one mode.

/// Returns `1 − g σ`, or 0 if it is within rounding error of 0.
#[inline]
pub(crate) fn difference(gain: f64, sigma: f64) -> f64 {
    let left = 1.0 - gain * sigma;
    if left.abs() <= f64::EPSILON { 0.0 } else { left }
}

/// Returns `σ / (σ² + λ)` for `λ > 0` without computing `σ²`, which overflows above 1e154.
///
/// If `λ/σ` overflows, `σ²` is negligible against `λ`.
#[inline]
pub(super) fn ridge(lambda: f64, sigma: f64) -> f64 {
    let pull = lambda / sigma;
    if pull.is_finite() { (sigma + pull).recip() } else { sigma / lambda }
}

/// Returns `λ / (σ² + λ)` to a few `ε_mach` at any scale, by whichever ratio of `σ` and `√λ` is at most 1.
#[inline]
pub(super) fn ridge_residual(lambda: f64, sigma: f64) -> f64 {
    // Selections instead of branches, so that a loop over many values vectorises.
    let root = lambda.sqrt();
    let is_below = sigma <= root;
    let (small, large) = if is_below { (sigma, root) } else { (root, sigma) };
    let square = (small / large) * (small / large);
    let top = if is_below { 1.0 } else { square };
    top / (1.0 + square)
}
