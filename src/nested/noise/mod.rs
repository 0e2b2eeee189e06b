//! Noise terms of many small problems at once: what label noise adds to the test error, on average.
//!
//! With targets `y = X β* + ε`, noise with mean 0 and variance 1, and test features with second moments `Σ = E φφᵀ`,
//! the noise gives the minimum-norm fit the excess test error
//!
//! ```text
//! tr((X⁺)ᵀ Σ X⁺) = ‖S X⁺‖²_F,    Sᵀ S = Σ
//! ```
//!
//! [`sample_terms`] computes it for every number of rows, and [`feature_terms`] for every number of columns, of many
//! matrices of one shape: the repeats of a study. Eight run at once, one in each lane of a SIMD register.
//!
//! # Accuracy
//! The computation uses reflections and rotations throughout, and a fresh solve at every point: no Gram matrix of the
//! training features, no updated inverse. A term agrees with that of the pseudoinverse within `c κ ε`, where κ is the
//! condition number of that point's matrix. If `‖R‖_F ‖R⁻¹‖_F`, an upper bound of κ, exceeds `1 / (8 max(n, p) ε)`, the
//! triangle of that point goes to the checked SVD, whose rank cutoff is that of the `n × p` matrix
//! ([`Cutoff::MachinePrecision`](crate::svd::Cutoff::MachinePrecision)): zero, dependent and duplicated rows and
//! columns are treated as by the pseudoinverse. [`Term::engine`] says so.
//!
//! # References
//! Holzmüller, *On the universality of the double descent peak in ridgeless regression*, ICLR 2021,
//! [arXiv:2010.01851](https://arxiv.org/abs/2010.01851): the noise term and its lower bound.

// Loops over lanes index several arrays at once, and everything must be inlined into one function per instruction set
// (see `work`).
#![allow(clippy::inline_always, clippy::needless_range_loop)]

mod batch;
mod features;
mod images;
mod lanes;
mod moments;
mod root;
mod samples;
mod term;
mod terms;
mod triangle;
mod units;
mod work;

pub use features::feature_terms;
pub use moments::SecondMoments;
pub use root::Root;
pub use samples::sample_terms;
pub use term::Term;
