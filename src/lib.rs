//! Closed-form analysis of double descent in linear models.
//!
//! Everything is a function of one factorisation. With `X = U Σ Vᵀ` (`n × p`), every closed-form linear estimator
//! applies a *gain* to each singular direction, `β̂ = V diag(g(σ)) Uᵀ Y`. With a reference model `β*`, such as the best
//! linear fit to all data, and its residuals `E = Y − X β*`, the error at a test point `x` is exactly
//!
//! ```text
//! ŷ(x) − x·β* = Σᵣ g(σᵣ) (x·vᵣ) (uᵣ·E)  −  x·(I − V diag(g(σ) σ) Vᵀ) β*
//! ```
//!
//! A term of the sum is large when three factors meet: a small singular value, a test point that extends along its
//! direction, and a residual that does so too. Remove any one of them and the peak of the
//! test error at the interpolation threshold, `n = p`, is gone (Schaeffer et al., *Double Descent Demystified*,
//! [arXiv:2303.14151](https://arxiv.org/abs/2303.14151)).
//!
//! - Linear models whose fit is a function of one SVD, and the exact decomposition of their test error.
//! - No training loop, no autodiff, no data frames, no general plotting library.
//! - Every formula names its paper; every identity it claims is a test.
//!
//! # The modules, in the order in which data flows
//! | module | contents |
//! |---|---|
//! | [`dataset`] | features and targets: embedded, from files, synthetic teachers, classes with label noise of every kind |
//! | [`features`] | raw inputs to design matrices: [`features::FeatureMap`], polynomials, random networks, cosines |
//! | [`kernel`] | the limit of infinitely many features: [`kernel::KernelRegression`], infinite width |
//! | [`svd`] | the one factorisation, checked; [`svd::Backend`], the interface to linear algebra |
//! | [`filter`] | [`filter::SpectralFilter`]: an estimator given by its gains |
//! | [`teacher`] | `β*` and `E` |
//! | [`factors`] | the three factors of the test error as fields; [`Ablation`] and [`Adversary`] change one of them |
//! | [`risk`] | squared and classification errors; closed-form expected risk: bias, variance, best regularisation, mini-batches |
//! | [`interpolants`] | solutions other than the minimum-norm one: from a given start, random, warm starts |
//! | [`ensemble`] | errors of averaged predictions, for any number of members |
//! | [`nested`] | every point of a curve from one factorisation, grown a row or a column at a time |
//! | [`sweep`] | axis × repeats × arms → curve |
//! | [`curve`] | the tidy table, its summaries, its peak, its shape, CSV |
//! | [`complexity`] | effective parameters, dimensions, ranks and norms; how many samples a procedure fits |
//! | [`bayes`] | evidence, posterior, predictions with their uncertainty, Gaussian processes |
//! | [`diagnosis`] | how far your fit is from its threshold, which modes blow up, what would help |
//! | [`flatness`] | curvature, Fisher information, gradient noise, the volume of a minimum |
//! | [`theory`] | exact curves and bounds, on the same axes |
//! | [`notebook`] | how values are displayed at the end of a notebook cell |
//! | `plot` | figures from curves: SVG with the feature `svg`; also PNG and PDF with the default feature `plot` |
//! | `interop` | conversion to and from nalgebra matrices and vectors, with the feature `nalgebra` |
//! | [`whole_file`] | files that are written completely or not at all |
//! | [`memory`] | checks before allocation; a limit that you set; how much a sweep will need |
//! | [`instructions`] | which instruction set the loops use, and the environment variable that restricts it |
//! | [`rng`] | random streams that do not depend on the order of execution |
//! | [`prelude`] | the imports that most programs need |
//!
//! # A curve in five lines
//! ```
//! use double_descent::{curve::Metric, dataset::Dataset, sweep::Sweep};
//!
//! let curve = Sweep::new(Dataset::diabetes(), 1..=39, 50, 0).run()?;
//! let [unablated, no_residuals] =
//!     ["unablated", "no_residuals"].map(|name| curve.arm(name, None).unwrap());
//! assert_eq!(curve.peak(unablated, Metric::TestMse).unwrap().n, 10); // n = p
//! assert!(curve.peak(no_residuals, Metric::TestMse).is_none());
//! # Ok::<(), double_descent::Error>(())
//! ```
//!
//! # Accuracy
//! Fits come from orthogonal methods: no normal equations, no hidden ridge. (Where a Gram matrix saves work, as in
//! [`risk::Training`], it is used only for features whose condition number is known to be small.) The error of a fit's
//! coefficients is at most
//!
//! ```text
//! c κ ε (‖β̂‖ + ‖Y‖/σ₁ + κ ‖Xβ̂ − Y‖/σ₁),
//! ```
//!
//! where `κ` is the condition number of the training features. About `log₁₀ κ` digits are lost if the residual is
//! small, twice as many if a large residual meets `n > p`: rounding `X` alone changes the fit by that
//! much. On [`nested`] curves c = 10 holds, against 512-bit arithmetic. Replaying recorded splits, every test error of
//! the ablation and adversarial studies agrees with 400-bit arithmetic to a relative 1e-9 on the diabetes and
//! student–teacher data (`κ` up to 5e3), and to 1e-6 on WHO life expectancy (`κ` up to 5e10).
//!
//! # Errors, panics, randomness
//! Every input leads to a value or to an [`Error`] that says what was wrong, where, and what to do. Random numbers come
//! only from the caller's seed; the same seed gives the same bits on any number of threads.

// docs.rs builds with a nightly compiler, which marks items with the feature that they need.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod curve;
pub mod dataset;
mod error;
pub mod factors;
pub mod features;
pub mod filter;
mod fit;
pub mod kernel;
mod machine;
pub mod nested;
pub mod notebook;
#[cfg(feature = "svg")]
pub mod plot;
pub mod risk;
pub mod rng;
pub mod svd;
pub mod sweep;
pub mod theory;

pub use error::{Cause, Error};
pub use factors::ablation::{Ablation, Adversary};
#[doc(no_inline)]
pub use factors::{ablation, teacher};
pub use fit::{bayes, complexity, diagnosis, flatness};
pub use machine::{instructions, memory, whole_file};
#[doc(no_inline)]
pub use risk::{ensemble, interpolants};
#[cfg(feature = "nalgebra")]
#[doc(no_inline)]
pub use svd::interop;

/// Re-export of the ndarray version whose arrays this crate takes and returns: no separate dependency is needed.
pub use ndarray;

/// The imports that most programs need.
///
/// ```
/// use double_descent::prelude::*;
///
/// let mut sweep = Sweep::new(Dataset::diabetes(), [8, 10, 12], 20, 0);
/// sweep.arms = vec![Arm::min_norm(), Arm::ridge(0.1)?];
/// let curve = sweep.run()?;
/// let ridge = curve.arm("ridge", Some(0.1)).unwrap();
/// assert!(curve.highest(ridge, Metric::TestMse).unwrap().median < curve.highest(0, Metric::TestMse).unwrap().median);
/// # Ok::<(), Error>(())
/// ```
pub mod prelude {
    pub use crate::curve::{Curve, Metric};
    pub use crate::dataset::Dataset;
    pub use crate::features::{FeatureMap, RandomFourier};
    pub use crate::filter::{MinNorm, Ridge, SpectralFilter};
    pub use crate::notebook::ToHtml as _; // displays options, results and lists in a notebook
    pub use crate::svd::Svd;
    pub use crate::sweep::{Arm, Maps, Sweep};
    pub use crate::{Ablation, Adversary, Error};
}

/// Runs the examples of the README as doc-tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
