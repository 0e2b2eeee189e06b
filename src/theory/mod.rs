//! Exact curves, limits and bounds, to draw over measured ones: the field's formulas as functions of numbers.
//!
//! | what is known of the features | use |
//! |---|---|
//! | Gaussian and independent, any `n` and `p`: exact | [`gaussian`], [`noise`] |
//! | their covariance; ridge, another test covariance, subsamples | [`ridge::SpectralPopulation`], [`optimal_ridge`] |
//! | two eigenvalues, a latent space, an autoregression: closed forms | [`structured`] |
//! | a time of training, or any other filter | [`gradient_flow`], [`filtered`] |
//! | random features of a kernel's spectrum, or of an activation; ensembles | [`random_features`], [`activation`] |
//! | random features of a kernel on rows at hand | [`drawn_features`] |
//! | columns of a Fourier matrix | [`circle`] |
//! | how their spectrum falls | [`power_law`], [`overfitting`] |
//!
//! [`marchenko_pastur`] and [`smallest_singular_value`] are the spectra behind these formulas, [`evidence`] what a Bayesian
//! makes of them. [`line`](mod@line) makes any of them a line of a figure.
//!
//! # Conventions
//! `n` samples, `p` features, `γ = p/n`; `σ²` the variance of the label noise, `r² = ‖β‖²`. An **excess** is the test error
//! without the test's own noise; a test error with it is `σ²` more. Penalties are stated with each function, beside the sum
//! of squares or their mean.
//!
//! A value that is infinite is `f64::INFINITY`. What is undefined is an error: inputs are checked, and [`Error::Domain`]
//! names the one at fault. Limits deviate from finite sizes by `O(1/n)`, and by `O(1/|n − p|)` near the threshold.
//!
//! [`Error::Domain`]: crate::Error::Domain

pub mod activation;
mod check;
pub mod circle;
pub mod complex;
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
