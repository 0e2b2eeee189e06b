//! Exact curves and bounds, to draw over measured ones.

pub mod noise;
