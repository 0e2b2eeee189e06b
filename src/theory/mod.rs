//! Exact curves and bounds, to draw over measured ones.
//!
//! [`noise`] and [`gaussian`] are exact for every size; [`ridge`] and [`random_features`] are limits of many samples
//! and features; [`marchenko_pastur`] and [`smallest_singular_value`] are the spectra behind them, [`overfitting`] the
//! ranks that bound them. [`line`] makes any of them a line of a figure.

pub mod activation;
mod check;
pub mod circle;
pub mod gaussian;
pub mod gradient_flow;
pub mod line;
pub mod marchenko_pastur;
pub mod noise;
pub mod overfitting;
pub mod random_features;
pub mod ridge;
pub mod smallest_singular_value;
pub mod spectrum;

pub use line::{Theory, TheoryLine};
