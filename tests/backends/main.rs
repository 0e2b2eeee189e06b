//! Tests of every SVD backend, and of conversions to and from nalgebra matrices.

#[path = "../common/mod.rs"]
mod common;

#[cfg(feature = "nalgebra")]
mod interop;
mod promises;
mod suite;
