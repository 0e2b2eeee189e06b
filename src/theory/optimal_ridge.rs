//! The ridge penalty of least risk.
//!
//! For isotropic features it is `λ* = σ² d/‖β‖²`, added to the sum of squares, for any number of samples. For other
//! features it depends on the number of samples and may be negative: [`SpectralPopulation::optimal`].

use super::check;
use super::ridge::{RidgeRisk, SpectralPopulation};
use crate::Error;

/// The number of values of `κ` examined per decade.
const GRID: f64 = 16.0;

impl SpectralPopulation {
    /// Returns the penalty of least excess, which may be negative, and the risk there, for `n` samples.
    ///
    /// The penalty is added to the mean of squares, as in [`SpectralPopulation::at`]. `None` if the excess falls
    /// without end as the penalty grows. The minima are roots of the derivative of the excess in `κ`, accurate to
    /// rounding. Its sign is checked 16 times per decade, so one of two closer dips may be missed. If the eigenvalues
    /// span more than 100 orders of magnitude, there may be a better penalty whose excess is the same to rounding.
    ///
    /// # Errors
    /// [`Error::Domain`] for `n` that is not positive and finite.
    ///
    /// # References
    /// Optimal penalties below 0: Wu and Xu, arXiv:2006.05800; Patil, Du and Tibshirani, arXiv:2404.01233.
    pub fn optimal(&self, n: f64) -> Result<Option<(f64, RidgeRisk)>, Error> {
        let zero = self.scale(n, 0.0, None)?;
        let turn = self.turn(n, zero);
        let Some([largest, _]) = self.spectrum.extremes() else {
            return Ok(Some((0.0, self.at(n, 0.0)?)));
        };
        if self.noise == 0.0 && turn == 0.0 {
            return Ok(Some((0.0, self.at(n, 0.0)?)));
        }
        if self.signal.total() == 0.0 {
            return Ok(None);
        }
        // Beyond the upper end the excess only rises, since there is a target. At the lower end it falls from a pole,
        // or towards the best penalty, which is of the order of the noise.
        let mut high = 1e3 * largest.max(self.spectrum.trace() / n).min(1e297);
        while high < 1e297 && self.is_falling(n, high) {
            high *= 1e3;
        }
        let mut low = if turn > 0.0 { turn * (1.0 + 1e-9) } else { 1e-12 * largest.min(high) };
        while turn == 0.0 && low > 1e-297 && !self.is_falling(n, low) {
            low *= 1e-3;
        }
        let ratio = 10f64.powf(1.0 / GRID);
        let (mut left, mut was_falling) = (low, self.is_falling(n, low));
        let mut best: Option<(f64, RidgeRisk)> = None;
        while left < high {
            let right = (left * ratio).min(high);
            let falls = self.is_falling(n, right);
            if was_falling && !falls {
                let found = self.of_scale(n, self.lowest_between(n, [left, right]));
                best = best.filter(|best| best.1.excess <= found.1.excess).or(Some(found));
            }
            (left, was_falling) = (right, falls);
        }
        // Without a dip, the excess rises from the lowest κ.
        Ok(best.or_else(|| Some(self.of_scale(n, low))))
    }

    /// Returns the penalty and the risk at a given `κ`.
    fn of_scale(&self, n: f64, kappa: f64) -> (f64, RidgeRisk) {
        let lambda = self.penalty(n, kappa);
        (lambda, self.read(kappa, n, lambda))
    }

    /// Returns the `κ` at which the excess stops falling, by bisection in `ln κ`.
    fn lowest_between(&self, n: f64, [mut left, mut right]: [f64; 2]) -> f64 {
        loop {
            let middle = left.sqrt() * right.sqrt();
            if middle <= left || middle >= right {
                return right;
            }
            if self.is_falling(n, middle) { left = middle } else { right = middle }
        }
    }

    /// Returns whether the excess falls as `κ` grows: `(n − df₂) Σ bℓ c² s < (σ² + Σ bℓ c²) Σ m s² c`.
    ///
    /// Computed in units of the largest `s` and the largest `c`, which may both be tiny.
    fn is_falling(&self, n: f64, kappa: f64) -> bool {
        let Some([largest, lowest]) = self.spectrum.extremes() else { return false };
        let parts = |value: f64| {
            let inverse = (value + kappa).recip();
            (value / largest * ((largest + kappa) * inverse), (lowest + kappa) * inverse, kappa * inverse)
        };
        let (mut bias, mut slope, mut spread) = (self.noise, 0.0, 0.0);
        for (value, energy) in self.spectrum.targets(&self.signal).filter(|target| target.1 > 0.0) {
            let (s, share, c) = parts(value);
            bias += energy * c * c;
            slope += energy * c * share * s;
        }
        for (value, count) in self.spectrum.merged() {
            let (s, share, _) = parts(value);
            spread += count * s * s * share;
        }
        self.spectrum.spare(n, kappa) * slope < bias * (largest / (largest + kappa)) * spread
    }
}

/// Returns the best penalty for a given design with an isotropic prior on `β`, and its excess.
///
/// The excess is averaged over the direction of `β` and the noise. The penalty `λ ‖b‖²` is added to the sum of squares.
/// With `d` features and the eigenvalues `w` of `XᵀX` (missing ones are 0),
/// ```text
/// λ* = d σ²/‖β‖²,   excess = σ² tr (XᵀX + λ*)⁻¹ = (‖β‖²/d) Σ λ*/(w + λ*)
/// ```
/// The penalty does not depend on the samples, and every additional sample lowers the excess.
///
/// # Errors
/// [`Error::Domain`] for `‖β‖²` that is not positive and finite, a noise or an eigenvalue that is negative or not
/// finite, or no features; [`Error::Shape`] for more eigenvalues than features.
///
/// # References
/// Nakkiran, Venkat, Kakade and Ma, *Optimal regularization can mitigate double descent*, arXiv:2003.01897, lemma 2.
pub fn of_design(eigenvalues: &[f64], features: usize, norm2: f64, noise: f64) -> Result<(f64, f64), Error> {
    check::positive("norm of the target", norm2)?;
    check::non_negative("noise variance", noise)?;
    check::positive("features", features as f64)?;
    if eigenvalues.len() > features {
        let what = "eigenvalues, at most one for each feature";
        return Err(Error::Shape { what, expected: features, found: eigenvalues.len() });
    }
    check::energies("eigenvalue", eigenvalues.len(), eigenvalues)?;
    let each = norm2 / features as f64;
    let lambda = noise / each;
    // A direction without data keeps all of its error.
    let left = |&w: &f64| if w > 0.0 { lambda / (w + lambda) } else { 1.0 };
    let fitted: f64 = eigenvalues.iter().map(left).sum();
    Ok((lambda, each * (fitted + (features - eigenvalues.len()) as f64)))
}

/// The best penalty for a random projection of `p` features onto `d`, from [`model_wise`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Projected {
    /// The best penalty, added to the sum of squares: `pσ²/‖θ‖² + p − d`.
    pub lambda: f64,
    /// The noise that the fit sees, `σ² + ‖θ‖² (p − d)/p`.
    pub noise: f64,
    /// The target energy on the `d` features, `‖θ‖² d/p`.
    pub energy: f64,
}

/// Returns the best penalty for `d` features that are a random orthonormal projection of `p` isotropic ones.
///
/// The target has energy `‖θ‖²` on all `p`. With this penalty, the test error falls in `d`.
///
/// # Errors
/// [`Error::Domain`] for `‖θ‖²` that is not positive and finite, a noise that is negative or not finite, or `d` of 0 or
/// above `p`.
///
/// # References
/// Nakkiran, Venkat, Kakade and Ma, arXiv:2003.01897 (model-wise monotonicity).
pub fn model_wise(p: usize, d: usize, norm2: f64, noise: f64) -> Result<Projected, Error> {
    check::positive("norm of the target", norm2)?;
    check::non_negative("noise variance", noise)?;
    if d == 0 || d > p {
        let must_be = "at least 1 and at most the dimensions";
        return Err(Error::Domain { what: "features", value: d as f64, must_be });
    }
    let (all, unseen) = (p as f64, (p - d) as f64);
    Ok(Projected {
        lambda: all * (noise / norm2) + unseen,
        noise: noise + norm2 * (unseen / all),
        energy: norm2 * (d as f64 / all),
    })
}
