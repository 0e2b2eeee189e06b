//! The noise term of one matrix.

use crate::nested::Engine;

/// One point of a curve of noise terms.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Term {
    /// `tr((X⁺)ᵀ Σ X⁺)`.
    pub noise: f64,
    /// The numerical rank of `X`.
    pub rank: usize,
    /// What computed it.
    pub engine: Engine,
}
