//! Self-distillation: a fit learns from the predictions of the fit before it.

use super::iterated_tikhonov::checked_penalty;
use super::{SpectralFilter, Spectrum, gain};
use crate::Error;

/// Self-distillation: ridge regression on the targets, then ridge on the predictions of the fit before, and so on.
///
/// There are `m` fits in all, with the same penalty `λ`, relative to the sum of squares as for [`Ridge`](super::Ridge).
///
/// With `s = σ²/(σ² + λ)` and `ρ = 1 − s`, the fitted values of the `m`-th fit are `sᵐ` times the targets along each
/// direction. Each round penalises weak directions more, so that fewer and fewer carry the fit (Mobahi, Farajtabar and
/// Bartlett, *Self-distillation amplifies regularization in Hilbert space*, `NeurIPS` 2020). A fit may also learn from
/// a mixture `(1 − ξ) y + ξ ŷ` of the targets and the predictions of the fit before:
///
/// ```text
/// s₁ = s        s_j = s (1 − ξ_j + ξ_j s_{j−1})        gain s_m/σ        residual factor 1 − s_m = ρ + s ξ_m (1 − s_{m−1})
/// ```
///
/// `ξ` may be any number. [`risk::optimal_mixing`](crate::risk::optimal_mixing) gives the one of least risk in closed
/// form (Das and Sanghavi, *Understanding self-distillation in the presence of label noise*, ICML 2023). It is often
/// above 1 or below 0.
///
/// # Examples
/// ```
/// use double_descent::filter::{SelfDistillation, SpectralFilter, Spectrum};
///
/// let spectrum = Spectrum::new(1, 1, &[1.0]);
/// assert_eq!(SelfDistillation::new(1.0, 3)?.gains(spectrum)[0], 0.125);
/// assert_eq!(SelfDistillation::mixed(1.0, &[-1.0])?.gains(spectrum)[0], 0.75); // iterated Tikhonov's
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SelfDistillation {
    lambda: f64,
    /// `ξ_j` for the second and every later fit.
    mixing: Vec<f64>,
}

impl SelfDistillation {
    /// `fits` fits, each after the first on the predictions of the fit before.
    ///
    /// # Errors
    /// [`Error::Domain`] unless `lambda` is finite and > 0 and there is at least one fit; [`Error::Resource`] for more
    /// than 2²⁰ fits.
    pub fn new(lambda: f64, fits: usize) -> Result<Self, Error> {
        if fits == 0 {
            let must_be = "at least 1";
            return Err(Error::Domain { what: "the number of fits", value: 0.0, must_be });
        }
        check_fits(fits)?; // before the list is made
        Self::mixed(lambda, &vec![1.0; fits - 1])
    }

    /// A fit on the targets, then one fit on the mixture `(1 − ξ) y + ξ ŷ` for each `ξ` in `mixing`.
    ///
    /// # Errors
    /// [`Error::Domain`] unless `lambda` is finite and > 0, and for a `ξ` that is not finite; [`Error::Resource`] for
    /// more than 2²⁰ fits.
    pub fn mixed(lambda: f64, mixing: &[f64]) -> Result<Self, Error> {
        check_fits(mixing.len() + 1)?;
        if let Some(&value) = mixing.iter().find(|xi| !xi.is_finite()) {
            return Err(Error::Domain { what: "a mixing weight ξ", value, must_be: "finite" });
        }
        Ok(Self { lambda: checked_penalty(lambda)?, mixing: mixing.to_vec() })
    }

    /// Returns `s_m/s` and `1 − s_m`, without cancellation for `0 ≤ ξ ≤ 1`.
    fn shares(&self, sigma: f64) -> (f64, f64) {
        let left = gain::ridge_residual(self.lambda, sigma);
        let fitted = sigma * gain::ridge(self.lambda, sigma);
        self.mixing.iter().fold((1.0, left), |(share, rest), &xi| {
            (1.0 - xi + xi * fitted * share, left + fitted * xi * rest)
        })
    }
}

/// The largest number of fits: each costs a product for every singular value.
const MOST_FITS: usize = 1 << 20;

fn check_fits(fits: usize) -> Result<(), Error> {
    if fits <= MOST_FITS {
        return Ok(());
    }
    let reason = format!("{fits} rounds of self-distillation are more than 2^20; take fewer");
    Err(Error::Resource { reason })
}

impl SpectralFilter for SelfDistillation {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        spectrum.write(gains, 0.0, |s| gain::ridge(self.lambda, s) * self.shares(s).0);
    }

    fn write_residuals(&self, spectrum: Spectrum<'_>, _: &[f64], residuals: &mut [f64]) {
        spectrum.write(residuals, 1.0, |s| self.shares(s).1);
    }

    fn penalty(&self) -> Option<f64> {
        self.mixing.is_empty().then_some(self.lambda)
    }

    fn describe(&self) -> String {
        let fits = self.mixing.len() + 1;
        if self.mixing.iter().all(|&xi| xi == 1.0) {
            return format!("self-distillation, λ = {:e}, {fits} fits", self.lambda);
        }
        match *self.mixing {
            [xi] => format!("self-distillation, λ = {:e}, ξ = {xi}", self.lambda),
            _ => format!("self-distillation, λ = {:e}, {fits} fits on mixtures", self.lambda),
        }
    }
}
