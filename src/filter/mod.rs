//! Estimators, each given by its gain `g(σ)` on every singular direction.
//!
//! With `X = U Σ Vᵀ` (`n × p`), every closed-form linear estimator is `β̂ = V diag(g) Uᵀ Y`; estimators differ only in
//! the gains `g`. The *residual factor* `1 − σ g` is the fraction of the target that stays unfitted along a direction.
//!
//! | estimator | gain | |
//! |---|---|---|
//! | [`MinNorm`] | `1/σ` for `σ >` cutoff, else 0 | the pseudoinverse; the limit of gradient descent from 0 |
//! | [`Truncated`] | `1/σ` for `σ ≥` an absolute cutoff | Schaeffer et al. 2023, first ablation |
//! | [`LeadingModes`] | `1/σ` for the first `k` | principal component regression |
//! | [`Ridge`] | `σ / (σ² + λ)` | penalty `‖Xβ − y‖² + λ‖β‖²`, `λ > −σ_r²` |
//! | [`IteratedTikhonov`] | `(1 − ρᵏ)/σ` | ridge on the residuals of the rounds before, `k` times; `ρ = λ/(σ² + λ)` |
//! | [`SelfDistillation`] | `(1 − ρ)ᵐ/σ`, or mixed | ridge on the predictions of the previous ridge fit |
//! | [`GradientFlow`] | `(1 − e^{−tμ})/σ` | stopped at time `t`; `μ = c σ²`, with `c` from the [`Loss`] |
//! | [`DecayedFlow`] | `μ/(μ + λ) · (1 − e^{−t(μ + λ)})/σ` | gradient flow with weight decay |
//! | [`RegularisedFlow`] | `(1 − e^{−t(μ + hμ²/2)})/σ` | the flow that gradient descent follows (Barrett & Dherin 2021) |
//! | [`GradientDescent`] | `(1 − ∏(1 − h_jμ))/σ` | any [`Schedule`] of step sizes |
//! | [`AveragedDescent`] | `(1 − mean residual factor)/σ` | Polyak–Ruppert averaging |
//! | [`PrincipalFlow`] | `(1 − (1 − hμ)^{t/h})/σ` | the flow through all iterates of gradient descent |
//! | [`HeavyBall`], [`Nesterov`] | `(1 − p_k(μ))/σ` | descent with momentum, `p_k` its residual polynomial |
//! | [`HeavyBallFlow`], [`NesterovFlow`] | `(1 − q(μ, t))/σ` | their limits for small steps |
//! | [`Chebyshev`] | `(1 − T_k(x)/T_k(x₀))/σ` | the minimax polynomial on an interval of `μ` |
//! | [`ResidualPolynomial`] | `(1 − q(μ))/σ` | any residual polynomial `q` |
//! | [`WidthScaled`] | `c g(cσ)`, `c = a/√p` | any filter, on features scaled by `a/√p` |
//!
//! A singular value of at most `max(n, p) ε σ₁` may be nothing but rounding error ([`Spectrum::rank`]), so it has the
//! gain 0 and the residual factor 1 under each of these filters. Only [`Truncated`] and [`MinNorm::with_cutoff`] have
//! cutoffs of their own.
//!
//! Iterative methods start from 0; [`Svd::solve_from`](crate::svd::Svd::solve_from) takes any starting point. Gradient
//! descent with one step size per feature is one of these filters on a scaled design ([`FeatureSteps`]). The flow that
//! approximates stochastic gradient descent is gradient flow on an augmented design ([`StochasticFlow`]).
//!
//! To add your own estimator, implement one method, or two:
//! ```
//! use double_descent::filter::{SpectralFilter, Spectrum};
//!
//! /// Gradient flow on ½‖Xβ − y‖² from 0, stopped at time `t`: (1 − exp(−t σ²)) / σ.
//! #[derive(Debug)]
//! struct Flow(f64);
//!
//! impl SpectralFilter for Flow {
//!     fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
//!         // The gains are 0 at first, and stay 0 for singular values that may be rounding error.
//!         for (gain, &s) in gains.iter_mut().zip(spectrum.singular_values()).take(spectrum.rank()) {
//!             *gain = -(-self.0 * s * s).exp_m1() / s;
//!         }
//!     }
//!
//!     // Optional: the default, 1 − σ g, loses digits once the residual factor is small.
//!     fn write_residuals(&self, spectrum: Spectrum<'_>, _: &[f64], residuals: &mut [f64]) {
//!         residuals.fill(1.0);
//!         for (left, &s) in residuals.iter_mut().zip(spectrum.singular_values()).take(spectrum.rank()) {
//!             *left = (-self.0 * s * s).exp();
//!         }
//!     }
//! }
//! let gains = Flow(1e9).gains(Spectrum::new(2, 2, &[2.0, 1.0]));
//! assert_eq!(gains.to_vec(), [0.5, 1.0]); // the limit is the pseudoinverse
//! ```

mod chebyshev;
pub(crate) mod cutoff;
mod distillation;
mod feature_steps;
mod gain;
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
mod response;
mod ridge;
mod schedule;
mod spectral_filter;
mod spectrum;
mod stochastic_flow;
mod width_scaled;

pub use chebyshev::Chebyshev;
pub(crate) use cutoff::rounding;
pub use distillation::SelfDistillation;
pub use feature_steps::FeatureSteps;
pub(crate) use gain::difference;
pub use gradient_descent::{AveragedDescent, GradientDescent};
pub use gradient_flow::{DecayedFlow, GradientFlow, RegularisedFlow};
pub use iterated_tikhonov::IteratedTikhonov;
pub use length::Length;
use length::checked;
pub use loss::Loss;
pub use momentum::{HeavyBall, Nesterov};
pub use momentum_flow::{HeavyBallFlow, NesterovFlow};
pub use polynomial::ResidualPolynomial;
pub use principal_flow::PrincipalFlow;
pub use pseudoinverse::{LeadingModes, MinNorm, Truncated};
pub(crate) use response::{Response, known_penalty, penalty};
pub use ridge::Ridge;
pub use schedule::Schedule;
pub use spectral_filter::SpectralFilter;
pub use spectrum::Spectrum;
pub use stochastic_flow::StochasticFlow;
pub use width_scaled::WidthScaled;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::cutoff::Cutoff;

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
        assert_eq!(gains(&Ridge::new(1.0).unwrap(), &[1e200, 1e-200]), [1e-200, 0.0]);
        assert_eq!(gains(&Ridge::new(1.0).unwrap(), &[1e-200]), [1e-200]);
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
