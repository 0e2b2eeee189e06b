//! Exact curves and bounds, to draw over measured ones.
//!
//! [`noise`] and [`gaussian`] are exact for every size; [`ridge`] and [`random_features`] are limits of many samples
//! and features.

pub mod activation;
mod check;
pub mod gaussian;
pub mod noise;
pub mod random_features;
pub mod ridge;
pub mod spectrum;
