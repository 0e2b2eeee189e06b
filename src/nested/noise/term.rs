//! The noise term of one matrix.

use crate::nested::Engine;

/// The noise term of one matrix at one point of its curve, from [`sample_terms`](super::sample_terms) or
/// [`feature_terms`](super::feature_terms).
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Term {
    /// `tr((X⁺)ᵀ Σ X⁺)`, where `X` holds the rows or columns up to this point.
    pub noise: f64,
    /// The numerical rank of this `X`.
    pub rank: usize,
    /// [`Engine::Svd`] if the matrix was so badly conditioned that an SVD computed the term.
    pub engine: Engine,
}
