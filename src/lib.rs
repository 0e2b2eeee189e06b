//! wip
pub mod ablation;
pub mod curve;
pub mod dataset;
mod error;
pub mod factors;
pub mod features;
pub mod filter;
pub mod risk;
pub mod rng;
pub mod svd;
pub mod sweep;
pub mod teacher;
pub use ablation::{Ablation, Adversary};
pub use error::Error;
