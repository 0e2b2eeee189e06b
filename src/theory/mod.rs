//! Exact curves, limits and bounds to compare with measured ones: the field's formulas as functions of numbers.
//!
//! | known about the features | use |
//! |---|---|
//! | Gaussian and independent, any `n` and `p`: exact | [`gaussian`], [`noise`] |
//! | their covariance; ridge, another test covariance, subsamples | [`ridge::SpectralPopulation`], [`optimal_ridge`] |
//! | two eigenvalues, a latent space, an autoregression: closed forms | [`structured`] |
//! | training time, or any other filter | [`gradient_flow`], [`filtered`] |
//! | random features of a kernel's spectrum, or of an activation; ensembles | [`random_features`], [`activation`] |
//! | random features of a kernel, on given rows | [`drawn_features`] |
//! | columns of a Fourier matrix | [`circle`] |
//! | how fast their spectrum decays | [`power_law`], [`overfitting`] |
//! | nothing: the error of a constant prediction | [`constant`] |
//!
//! [`marchenko_pastur`] and [`smallest_singular_value`] give the spectra behind these formulas, [`evidence`] the
//! Bayesian model evidence. [`line`](mod@line) turns any of them into a line of a figure.
//!
//! # Examples
//! The test error of the minimum-norm fit, exact at finite sizes and in the limit of large ones:
//! ```
//! use double_descent::theory::gaussian;
//!
//! let (r2, noise) = (1.0, 0.25);
//! for (n, p) in [(100, 50), (100, 200)] {
//!     let exact = gaussian::excess(n, p, r2, noise)?.total();
//!     let limit = gaussian::limit(p as f64 / n as f64, r2, noise)?.total();
//!     assert!((exact - limit).abs() < 0.01);
//! }
//! assert_eq!(gaussian::excess(100, 100, r2, noise)?.total(), f64::INFINITY); // the peak at n = p
//! # Ok::<(), double_descent::Error>(())
//! ```
//!
//! # Conventions
//! `n` samples, `p` features, `γ = p/n`; `σ²` the variance of the label noise, `r² = ‖β‖²`. An **excess** is the test
//! error without the noise of the test targets; with this noise, the test error is `σ²` more. Each function states
//! whether its penalty is added to the sum of squares or to their mean.
//!
//! Infinite values are `f64::INFINITY`. Undefined values are errors: inputs are checked, and [`Error::Domain`] names
//! the one at fault. (Where products of inputs beyond 1e±150 leave the range of `f64`, a result may be NaN.) Limits
//! deviate from finite sizes by `O(1/n)`, and by `O(1/|n − p|)` near the threshold.
//!
//! [`Error::Domain`]: crate::Error::Domain

pub mod activation;
mod check;
pub mod circle;
pub mod complex;
pub mod constant;
mod contour;
pub mod drawn_features;
pub mod evidence;
pub mod filtered;
mod gauss_legendre;
pub mod gaussian;
pub mod gradient_flow;
pub mod line;
pub mod marchenko_pastur;
pub mod noise;
pub mod optimal_ridge;
pub mod overfitting;
pub mod power_law;
pub mod random_features;
pub mod ridge;
pub mod smallest_singular_value;
pub mod spectrum;
pub mod structured;
mod subsamples;

pub use line::{Theory, TheoryLine};
