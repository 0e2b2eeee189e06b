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
//! | [`Ridge`] | `σ / (σ² + λ)` | penalty `‖Xβ − y‖² + λ‖β‖²`, `λ > −σ_r²` |
//! | [`IteratedTikhonov`] | `(1 − ρᵏ)/σ` | ridge on what ridge has left, `k` times; `ρ = λ/(σ² + λ)` |
//! | [`SelfDistillation`] | `(1 − ρ)ᵐ/σ`, or mixed | ridge on the labels of the ridge before it |
//! | [`GradientFlow`] | `(1 − e^{−tμ})/σ` | stopped at time `t`; `μ = c σ²`, `c` the [`Loss`]'s |
//! | [`DecayedFlow`] | `μ/(μ + λ) · (1 − e^{−t(μ + λ)})/σ` | gradient flow with weight decay |
//! | [`RegularisedFlow`] | `(1 − e^{−t(μ + hμ²/2)})/σ` | the flow that gradient descent follows (Barrett & Dherin 2021) |
//! | [`GradientDescent`] | `(1 − ∏(1 − h_jμ))/σ` | any [`Schedule`] of step sizes |
//! | [`AveragedDescent`] | `1/σ` less the mean of the residual factors | Polyak and Ruppert's average |
//! | [`PrincipalFlow`] | `(1 − (1 − hμ)^{t/h})/σ` | the flow through all iterates of gradient descent |
//! | [`HeavyBall`], [`Nesterov`] | `(1 − p_k(μ))/σ` | descent with momentum, `p_k` its residual polynomial |
//! | [`HeavyBallFlow`], [`NesterovFlow`] | `(1 − q(μ, t))/σ` | their limits of small steps |
//! | [`Chebyshev`] | `(1 − T_k(x)/T_k(x₀))/σ` | the best polynomial on an interval of `μ` |
//! | [`Polynomial`] | `(1 − q(μ))/σ` | any residual polynomial `q` of yours |
//!
//! All start from 0; [`Svd::solve_from`](crate::svd::Svd::solve_from) starts anywhere. Descent with a step size for each
//! feature is one of these on a scaled design ([`FeatureSteps`]); the flow that follows stochastic descent is one on a
//! longer table ([`StochasticFlow`]).
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

mod chebyshev;
mod distillation;
mod feature_steps;
mod gradient_descent;
mod gradient_flow;
mod iterated_tikhonov;
mod length;
mod loss;
mod momentum;
mod momentum_flow;
mod polynomial;
mod principal_flow;
mod pseudoinverse;
mod ridge;
mod schedule;
mod stochastic_flow;

pub use chebyshev::Chebyshev;
pub use distillation::SelfDistillation;
pub use feature_steps::FeatureSteps;
pub use gradient_descent::{AveragedDescent, GradientDescent};
pub use gradient_flow::{DecayedFlow, GradientFlow, RegularisedFlow};
pub use iterated_tikhonov::IteratedTikhonov;
pub use length::Length;
pub use loss::Loss;
pub use momentum::{HeavyBall, Nesterov};
pub use momentum_flow::{HeavyBallFlow, NesterovFlow};
pub use polynomial::Polynomial;
pub use principal_flow::PrincipalFlow;
pub use pseudoinverse::{LeadingModes, MinNorm, Truncated};
pub use ridge::Ridge;
pub use schedule::Schedule;
pub use stochastic_flow::StochasticFlow;

use crate::Error;
use crate::error::user_code;
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
            *left = lambda.map_or_else(|| difference(*gain, s), |lambda| ridge::residual(lambda, s));
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

/// The same where it decides nothing but the way: `None` for a filter that has no answer, which then goes the way of
/// filters that are asked for every spectrum, and is an error there.
pub(crate) fn known_penalty(filter: &dyn SpectralFilter) -> Option<f64> {
    penalty(filter).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::svd::Cutoff;

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
            assert!(Truncated::new(bad).is_err());
            assert!(MinNorm::with_cutoff(Cutoff::Relative(bad)).is_err());
            assert!(bad == -1.0 || Ridge::new(bad).is_err());
        }
    }
}
