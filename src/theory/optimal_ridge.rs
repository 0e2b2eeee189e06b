//! The penalty of the least risk.
//!
//! For isotropic features it is known, `λ* = σ² d/‖β‖²` beside the sum of squares, whatever the number of samples. For
//! others it depends on that number and may be negative: [`SpectralPopulation::optimal`].

use super::check;
use super::ridge::{RidgeRisk, SpectralPopulation};
use crate::Error;

/// The values of `κ` that are looked at.
const GRID: usize = 400;

impl SpectralPopulation {
    /// The penalty of the least excess, which may be negative, and the theory there; `None` where the excess falls
    /// for ever as the penalty grows.
    ///
    /// The least of 400 values of `κ`, and around it the root of the excess's derivative, to rounding. Of several dips
    /// closer than that grid one may be missed.
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
        let low = if turn > 0.0 { turn * (1.0 + 1e-9) } else { 1e-12 * largest };
        let high = 1e12 * largest.max(self.spectrum.trace() / n).min(1e288);
        let (start, length) = (low.ln(), high.ln() - low.ln());
        let at = |u: f64| {
            let kappa = u.exp();
            let lambda = self.penalty(n, kappa);
            (lambda, self.read(kappa, n, lambda))
        };
        let risk = |u: f64| at(u).1.excess;
        let node = |i: usize| start + length * i as f64 / (GRID - 1) as f64;
        let risks: Vec<f64> = (0..GRID).map(|i| risk(node(i))).collect();
        let best = (0..GRID).min_by(|&a, &b| risks[a].total_cmp(&risks[b])).unwrap_or(0);
        if best == GRID - 1 {
            return Ok(None);
        }
        if best == 0 && turn == 0.0 {
            return Ok(Some((0.0, self.at(n, 0.0)?)));
        }
        let (mut left, mut right) = (node(best.saturating_sub(1)), node(best + 1));
        for _ in 0..100 {
            let middle = 0.5 * (left + right);
            if middle <= left || middle >= right {
                break;
            }
            if self.is_falling(n, middle.exp()) { left = middle } else { right = middle }
        }
        Ok(Some(at(0.5 * (left + right))))
    }

    /// Whether the excess falls where `κ` grows: `(n − df₂) Σ bℓ c² s < (σ² + Σ bℓ c²) Σ m s² c`.
    fn is_falling(&self, n: f64, kappa: f64) -> bool {
        let (mut bias, mut slope) = (self.noise, 0.0);
        for (value, energy) in self.spectrum.targets(&self.signal) {
            let (s, c) = (value / (value + kappa), kappa / (value + kappa));
            bias += energy * c * c;
            slope += energy * c * c * s;
        }
        let (mut rest, mut spread) = (n - self.spectrum.rank(), 0.0);
        for (value, count) in self.spectrum.merged() {
            let (s, c) = (value / (value + kappa), kappa / (value + kappa));
            rest += count * c * (1.0 + s);
            spread += count * s * s * c;
        }
        rest * slope < bias * spread
    }
}

/// The best penalty on one isotropic design and its excess, averaged over the direction of `β` and the noise: with the
/// sum of squares beside `λ ‖b‖²`, `d` features and the eigenvalues `w` of `XᵀX`, those that are missing being 0,
/// ```text
/// λ* = d σ²/‖β‖²,   excess = σ² tr (XᵀX + λ*)⁻¹ = (‖β‖²/d) Σ λ*/(w + λ*)
/// ```
/// The penalty does not depend on the samples, and every further sample lowers the excess.
///
/// # Errors
/// [`Error::Domain`] for `‖β‖²` that is not positive and finite, a noise or an eigenvalue that is negative or not finite,
/// or no features; [`Error::Shape`] for more eigenvalues than features.
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

/// Features that are `d` of `p` dimensions at random.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Projected {
    /// The best penalty beside the sum of squares, `pσ²/‖θ‖² + p − d`.
    pub lambda: f64,
    /// The noise that the features see, `σ² + ‖θ‖² (p − d)/p`.
    pub noise: f64,
    /// The energy of the target in them, `‖θ‖² d/p`.
    pub energy: f64,
}

/// The best penalty of the model with `d` features, the random projection of `p` isotropic ones by a matrix with
/// orthonormal rows, for a target of `‖θ‖²` on all of them. With it the test error falls in `d`.
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
