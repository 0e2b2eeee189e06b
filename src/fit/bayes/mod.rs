//! Bayesian linear models: evidence, posterior, and predictions with their variance, all from one SVD.
//!
//! ```text
//! y = X β + ε        β ~ N(0, τ² I_p)        ε ~ N(0, v I_n)
//! ```
//!
//! The posterior mean is ridge regression with `λ = v/τ²`. The Bayesian view adds the spread around it, and the
//! evidence `p(y)`, which chooses `τ²` and `v` without test rows. If prior and noise have the variances that generated
//! the data, the expected error has no peak at `n = p`. Minimum-norm least squares is the limit `v → 0`, a model that
//! treats all noise as signal, and only that limit peaks.
//!
//! | | formula | |
//! |---|---|---|
//! | [`Evidence`] | `ln N(y; 0, v I + τ² X Xᵀ)` | O(r) per `(τ², v)` after one pass; also for fits without noise |
//! | [`Laplace`] | fit + prior + Occam factor | MacKay 1992 |
//! | [`Evidence::maximise`] | `τ²`, `v` with the largest evidence | including the limits of no noise and no signal |
//! | [`Posterior`] | mean, covariance, draws, predictions | no `p × p` matrix, except by `covariance` |
//! | [`Model::expected_error`] | the error of the mean and of a draw, over noise and teacher | |
//! | [`GaussianProcess`] | the same with a kernel instead of features | `k(x, x') = τ² x·x'` is the linear model |
//! | [`theory::evidence`](crate::theory::evidence) | the limit of many samples and features, isotropic | |
//!
//! Along a sweep of ridge fits the log evidence, the Occam factor and the posterior variance are
//! [metrics](crate::curve::Metric), and [`Curve::most_of`](crate::curve::Curve::most_of) takes the penalty with the
//! largest evidence in every cell.
//!
//! Targets may have `k` outputs. Each has its own parameters and noise; all share one prior variance and one noise
//! variance.
//!
//! # References
//! MacKay, *Bayesian interpolation*, Neural Computation 4 (1992); Rasmussen and Williams, *Gaussian Processes for
//! Machine Learning* (2006), chapters 2 and 5.

mod evidence;
mod hyperparameters;
mod model;
mod posterior;
mod process;

pub use evidence::{Evidence, Laplace, LogEvidence};
pub use hyperparameters::{Bound, Maximum};
pub use model::{ExpectedError, Model};
pub use posterior::{Posterior, Prediction, PredictiveError};
pub use process::GaussianProcess;
