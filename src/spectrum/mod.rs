//! Singular values, and which of them count: the policy on rank, in one place.

mod cutoff;
mod values;

pub use cutoff::Cutoff;
pub(crate) use cutoff::rounding;
pub use values::Spectrum;
