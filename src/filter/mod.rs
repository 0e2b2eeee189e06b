//! `f(σ)`: an estimator, as its gain on each singular direction.
//!
//! Every closed-form linear estimator is `β̂ = V diag(g) Uᵀ Y`; estimators differ in the gains `g`
//! alone.
//!
//! | estimator | gain | |
//! |---|---|---|
//! | [`MinNorm`] | `1/σ` for `σ >` cutoff, else 0 | the pseudoinverse; the limit of gradient descent from 0 |
//! | [`Truncated`] | `1/σ` for `σ ≥` an absolute cutoff | Schaeffer et al. 2023, first ablation |
//! | [`LeadingModes`] | `1/σ` for the first `k` | principal component regression |
//! | [`Ridge`] | `σ / (σ² + λ)` | penalty `‖Xβ − y‖² + λ‖β‖²` |
//! | [`GradientFlow`] | `(1 − e^{−tμ})/σ` | stopped at time `t`; `μ = c σ²`, `c` the [`Loss`]'s |
//! | [`DecayedFlow`] | `μ/(μ + λ) · (1 − e^{−t(μ + λ)})/σ` | gradient flow with weight decay |
//! | [`RegularisedFlow`] | `(1 − e^{−t(μ + hμ²/2)})/σ` | the flow that gradient descent follows (Barrett & Dherin 2021) |
//! | [`GradientDescent`] | `(1 − ∏(1 − h_jμ))/σ` | any [`Schedule`] of step sizes |
//! | [`AveragedDescent`] | `1/σ` less the mean of the residual factors | Polyak and Ruppert's average |
//! | [`HeavyBall`], [`Nesterov`] | `(1 − p_k(μ))/σ` | descent with momentum, `p_k` its residual polynomial |
//!
//! Your own estimator is one method, or two:
//! ```
//! use double_descent::filter::{SpectralFilter, Spectrum};
//!
//! /// Gradient flow on ½‖Xβ − y‖² from 0, stopped at time `t`: (1 − exp(−t σ²)) / σ.
//! #[derive(Debug)]
//! struct Flow(f64);
//!
//! impl SpectralFilter for Flow {
//!     fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
//!         for (gain, &s) in gains.iter_mut().zip(spectrum.singular_values()) {
//!             *gain = if s > 0.0 { -(-self.0 * s * s).exp_m1() / s } else { 0.0 };
//!         }
//!     }
//!
//!     // Not needed, but the difference 1 − σ g would lose the digits of what is left late.
//!     fn write_residuals(&self, spectrum: Spectrum<'_>, _: &[f64], residuals: &mut [f64]) {
//!         for (left, &s) in residuals.iter_mut().zip(spectrum.singular_values()) {
//!             *left = (-self.0 * s * s).exp();
//!         }
//!     }
//! }
//! let gains = Flow(1e9).gains(Spectrum::new(2, 2, &[2.0, 1.0]));
//! assert_eq!(gains.to_vec(), [0.5, 1.0]); // the limit is the pseudoinverse
//! ```

mod gradient_descent;
mod gradient_flow;
mod loss;
mod momentum;
mod schedule;

pub use gradient_descent::{AveragedDescent, GradientDescent};
pub use gradient_flow::{DecayedFlow, GradientFlow, RegularisedFlow};
pub use loss::Loss;
pub use momentum::{HeavyBall, Nesterov};
pub use schedule::Schedule;

use crate::Error;
use crate::svd::Cutoff;
use crate::user_code;
use ndarray::Array1;

/// What a filter may look at: the singular values, descending, and the shape `n × p` they come from.
#[derive(Clone, Copy, Debug)]
pub struct Spectrum<'a> {
    n: usize,
    p: usize,
    sigma: &'a [f64],
}

impl<'a> Spectrum<'a> {
    /// The spectrum of an `n × p` matrix; `sigma` descending.
    #[must_use]
    pub fn new(n: usize, p: usize, sigma: &'a [f64]) -> Self {
        Self { n, p, sigma }
    }

    /// Rows and columns of the matrix, `(n, p)`.
    #[must_use]
    pub fn shape(self) -> (usize, usize) {
        (self.n, self.p)
    }

    /// The singular values, descending.
    #[must_use]
    pub fn singular_values(self) -> &'a [f64] {
        self.sigma
    }
}

/// An estimator, as its gain on each singular direction.
pub trait SpectralFilter: std::fmt::Debug + Send + Sync {
    /// Writes the gains `g`, one per singular value, of `β̂ = V diag(g) Uᵀ y`.
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]);

    /// Writes the residual factors `1 − σ g`, one per singular value: what the fit leaves of a target along each
    /// direction, and of a teacher. `gains` are those of [`SpectralFilter::write_gains`].
    ///
    /// The default is `λ / (σ² + λ)` for a filter with a [`penalty`](SpectralFilter::penalty) `λ > 0`. For any other it
    /// is the difference itself, which is good to `ε_mach` and no better: one within that of 0 is 0. Where small factors
    /// matter, write them without the subtraction; the flow above leaves `exp(−t σ²)`.
    fn write_residuals(&self, spectrum: Spectrum<'_>, gains: &[f64], residuals: &mut [f64]) {
        let lambda = self.penalty().filter(|&lambda| lambda > 0.0);
        for ((left, gain), &s) in residuals.iter_mut().zip(gains).zip(spectrum.sigma) {
            *left = lambda.map_or_else(|| difference(*gain, s), |lambda| ridge_residual(lambda, s));
        }
    }

    /// The gains as an array of their own, for a look at them; fits ask [`SpectralFilter::write_gains`].
    fn gains(&self, spectrum: Spectrum<'_>) -> Array1<f64> {
        let mut gains = vec![0.0; spectrum.sigma.len()];
        self.write_gains(spectrum, &mut gains);
        gains.into()
    }

    /// The `λ` with which this filter minimises `‖Xβ − y‖² + λ‖β‖²`, whatever the spectrum; 0 for the minimum
    /// norm at machine precision. `None`, the default, says that it does something else. Curves of
    /// such estimators need no SVD: see [`nested`](crate::nested).
    fn penalty(&self) -> Option<f64> {
        None
    }

    /// Whether the estimator exists on this spectrum: descent with too large a step has none. Asked before the gains.
    ///
    /// # Errors
    /// The filter's own, for a spectrum that it cannot serve.
    fn check(&self, _: Spectrum<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// In words, for a caption.
    fn describe(&self) -> String {
        format!("{self:?}")
    }
}

/// A count or length of a method in time: finite and at least 0.
fn checked(what: &'static str, value: f64) -> Result<f64, Error> {
    if value >= 0.0 && value.is_finite() {
        Ok(value)
    } else {
        Err(Error::Domain { what, value, must_be: "finite and at least 0" })
    }
}

/// `1 − g σ`, 0 where it is not known to be anything else.
pub(crate) fn difference(gain: f64, sigma: f64) -> f64 {
    let left = 1.0 - gain * sigma;
    if left.abs() <= f64::EPSILON { 0.0 } else { left }
}

/// Residual factors of a filter whose gains are `1/σ` and 0.
fn kept_or_dropped(gains: &[f64], residuals: &mut [f64]) {
    for (left, &gain) in residuals.iter_mut().zip(gains) {
        *left = if gain == 0.0 { 1.0 } else { 0.0 };
    }
}

/// `λ / (σ² + λ)` for any two numbers, to a few `ε_mach`: by the ratio of `σ` and `√λ` that is at most 1.
fn ridge_residual(lambda: f64, sigma: f64) -> f64 {
    let root = lambda.sqrt();
    if sigma <= root {
        let ratio = sigma / root;
        (1.0 + ratio * ratio).recip()
    } else {
        let ratio = root / sigma;
        ratio * ratio / (1.0 + ratio * ratio)
    }
}

/// What a filter does to a spectrum: its gains `g` and its residual factors `1 − σ g`, one of each per singular value.
#[derive(Debug, Default)]
pub(crate) struct Response {
    pub(crate) gains: Vec<f64>,
    pub(crate) residuals: Vec<f64>,
}

impl Clone for Response {
    fn clone(&self) -> Self {
        Self { gains: self.gains.clone(), residuals: self.residuals.clone() }
    }

    /// Into memory that is kept, which a derived one would not do.
    fn clone_from(&mut self, other: &Self) {
        self.gains.clone_from(&other.gains);
        self.residuals.clone_from(&other.residuals);
    }
}

impl Response {
    pub(crate) fn new(filter: &dyn SpectralFilter, spectrum: Spectrum<'_>) -> Result<Self, Error> {
        let mut response = Self::default();
        response.ask(filter, spectrum)?;
        Ok(response)
    }

    /// Asks `filter`, in memory that is kept. This is the one place where that is done: it may be the caller's own.
    ///
    /// # Errors
    /// [`Error::UserCode`] if it panics, if gains or residual factors are not finite, or if the penalty is none.
    pub(crate) fn ask(&mut self, filter: &dyn SpectralFilter, spectrum: Spectrum<'_>) -> Result<(), Error> {
        penalty(filter)?;
        let modes = spectrum.sigma.len();
        let Self { gains, residuals } = self;
        gains.clear();
        gains.resize(modes, 0.0);
        // What is not written stands out.
        residuals.clear();
        residuals.resize(modes, f64::NAN);
        user_code::call(
            || part(filter),
            || {
                filter.check(spectrum)?;
                filter.write_gains(spectrum, gains);
                filter.write_residuals(spectrum, gains, residuals);
                Ok(())
            },
        )??;
        let check = |what: &str, values: &[f64]| match values.iter().position(|v| !v.is_finite()) {
            Some(mode) => {
                let (value, s) = (values[mode], spectrum.sigma[mode]);
                let reason = format!(
                    "its {what} for singular value {mode} (counted from 0), {s:e}, is {value}; it must be finite"
                );
                Err(Error::UserCode { part: part(filter), reason })
            }
            None => Ok(()),
        };
        check("gain", gains)?;
        check("residual factor", residuals)
    }
}

fn part(filter: &dyn SpectralFilter) -> String {
    user_code::name("filter", || filter.describe())
}

/// [`SpectralFilter::penalty`], checked.
///
/// # Errors
/// [`Error::UserCode`] unless it is finite and at least 0.
pub(crate) fn penalty(filter: &dyn SpectralFilter) -> Result<Option<f64>, Error> {
    match user_code::call(|| part(filter), || filter.penalty())? {
        Some(lambda) if !(lambda >= 0.0 && lambda.is_finite()) => {
            let reason = format!("its penalty is {lambda}; it must be finite and at least 0, or `None`");
            Err(Error::UserCode { part: part(filter), reason })
        }
        penalty => Ok(penalty),
    }
}

/// Minimum-norm least squares, `β̂ = X⁺ y`: of all minimisers of `‖Xβ − y‖` the one of least norm.
///
/// Gain `1/σ` for `σ >` cutoff, else 0. There is no hidden ridge.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MinNorm {
    cutoff: Cutoff,
}

impl MinNorm {
    /// With a cutoff of your choice in place of `max(n, p) ε σ₁`.
    ///
    /// # Errors
    /// [`Error::Domain`] if the cutoff is negative or not finite.
    pub fn with_cutoff(cutoff: Cutoff) -> Result<Self, Error> {
        cutoff.check()?;
        Ok(Self { cutoff })
    }

    /// The cutoff in use.
    #[must_use]
    pub fn cutoff(&self) -> Cutoff {
        self.cutoff
    }
}

impl SpectralFilter for MinNorm {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        let cutoff = self.cutoff.value(spectrum);
        for (gain, &s) in gains.iter_mut().zip(spectrum.sigma) {
            *gain = if s > cutoff { s.recip() } else { 0.0 };
        }
    }

    fn write_residuals(&self, _: Spectrum<'_>, gains: &[f64], residuals: &mut [f64]) {
        kept_or_dropped(gains, residuals);
    }

    fn penalty(&self) -> Option<f64> {
        (self.cutoff == Cutoff::MachinePrecision).then_some(0.0)
    }

    fn describe(&self) -> String {
        format!("minimum norm, {}", self.cutoff)
    }
}

/// The pseudoinverse of the modes with `σ ≥ cutoff`, an absolute bound.
///
/// Schaeffer et al. 2023 ablate the first factor of the test error this way (`σ < cutoff` is
/// dropped).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Truncated {
    cutoff: f64,
}

impl Truncated {
    /// Keeps the modes with `σ ≥ cutoff`, in the units of the singular values.
    ///
    /// # Errors
    /// [`Error::Domain`] if the cutoff is negative or not finite.
    pub fn new(cutoff: f64) -> Result<Self, Error> {
        Cutoff::Absolute(cutoff).check()?;
        Ok(Self { cutoff })
    }
}

impl SpectralFilter for Truncated {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        for (gain, &s) in gains.iter_mut().zip(spectrum.sigma) {
            *gain = if s >= self.cutoff && s > 0.0 { s.recip() } else { 0.0 };
        }
    }

    fn write_residuals(&self, _: Spectrum<'_>, gains: &[f64], residuals: &mut [f64]) {
        kept_or_dropped(gains, residuals);
    }

    fn describe(&self) -> String {
        format!("truncated, σ ≥ {:e}", self.cutoff)
    }
}

/// The pseudoinverse of the `k` leading modes: principal component regression. Modes that
/// [`MinNorm`] would drop stay dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeadingModes(
    /// How many modes to keep; more than there are keeps all.
    pub usize,
);

impl SpectralFilter for LeadingModes {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        MinNorm::default().write_gains(spectrum, gains);
        gains.iter_mut().skip(self.0).for_each(|gain| *gain = 0.0);
    }

    fn write_residuals(&self, _: Spectrum<'_>, gains: &[f64], residuals: &mut [f64]) {
        kept_or_dropped(gains, residuals);
    }

    fn describe(&self) -> String {
        format!("{} leading modes", self.0)
    }
}

/// Ridge regression: the minimiser of `‖Xβ − y‖² + λ ‖β‖²` (sums, not means: a penalty λₘ on the
/// mean of squares is `λ = n λₘ`).
///
/// No singular value is cut off: one that is rounding error has the gain `σ/λ`. So where rows are dependent and
/// their targets differ, a fit is as sensitive as `ε ‖Xβ − y‖ / λ` to the rounding of `X`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ridge {
    lambda: f64,
}

impl Ridge {
    /// Ridge with penalty `lambda`, in squared units of the features.
    ///
    /// # Errors
    /// [`Error::Domain`] unless `lambda` is positive and finite; the limit 0 is [`MinNorm`].
    pub fn new(lambda: f64) -> Result<Self, Error> {
        if lambda > 0.0 && lambda.is_finite() {
            return Ok(Self { lambda });
        }
        Err(Error::Domain { what: "the ridge penalty", value: lambda, must_be: "finite and > 0" })
    }
}

impl SpectralFilter for Ridge {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        for (gain, &s) in gains.iter_mut().zip(spectrum.sigma) {
            // σ/(σ² + λ) with σ² out of the way: it would overflow from 1e154 on. Where λ/σ does, σ is nothing
            // beside it.
            let pull = self.lambda / s;
            *gain = if pull.is_finite() { (s + pull).recip() } else { s / self.lambda };
        }
    }

    fn penalty(&self) -> Option<f64> {
        Some(self.lambda)
    }

    fn describe(&self) -> String {
        format!("ridge, λ = {:e}", self.lambda)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gains(filter: &dyn SpectralFilter, sigma: &[f64]) -> Vec<f64> {
        filter.gains(Spectrum::new(sigma.len(), sigma.len(), sigma)).to_vec()
    }

    #[test]
    fn the_table_of_gains() {
        let sigma = [4.0, 2.0, 0.5, 0.0];
        assert_eq!(gains(&MinNorm::default(), &sigma), [0.25, 0.5, 2.0, 0.0]);
        assert_eq!(gains(&Truncated::new(2.0).unwrap(), &sigma), [0.25, 0.5, 0.0, 0.0]);
        assert_eq!(gains(&Truncated::new(0.0).unwrap(), &sigma), [0.25, 0.5, 2.0, 0.0]);
        assert_eq!(gains(&LeadingModes(1), &sigma), [0.25, 0.0, 0.0, 0.0]);
        assert_eq!(gains(&LeadingModes(9), &sigma), [0.25, 0.5, 2.0, 0.0]);
        assert_eq!(gains(&Ridge::new(4.0).unwrap(), &sigma)[1], 0.25);
        assert_eq!(gains(&Ridge::new(1.0).unwrap(), &[1e200, 1e-200]), [1e-200, 1e-200]);
    }

    #[test]
    fn the_cutoff_is_strict() {
        let at = MinNorm::with_cutoff(Cutoff::Absolute(2.0)).unwrap();
        assert_eq!(gains(&at, &[4.0, 2.0]), [0.25, 0.0]);
        assert_eq!(gains(&MinNorm::default(), &[0.0, 0.0]), [0.0, 0.0]);
        let relative = MinNorm::with_cutoff(Cutoff::Relative(0.1)).unwrap();
        assert_eq!(gains(&relative, &[10.0, 1.0, 0.9]), [0.1, 0.0, 0.0]);
    }

    #[test]
    fn parameters_outside_their_domain() {
        for bad in [f64::NAN, f64::INFINITY, -1.0] {
            assert!(Ridge::new(bad).is_err() && Truncated::new(bad).is_err());
            assert!(MinNorm::with_cutoff(Cutoff::Relative(bad)).is_err());
        }
        assert!(Ridge::new(0.0).is_err());
    }
}
