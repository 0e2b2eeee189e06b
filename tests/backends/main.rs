//! What every backend of the SVD must do, and matrices of other crates.

#[path = "../common/mod.rs"]
mod common;

#[cfg(feature = "nalgebra")]
mod interop;
mod promises;
mod suite;
