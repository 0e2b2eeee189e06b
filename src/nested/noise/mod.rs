//! Noise terms of many small problems at once: what label noise adds to the test error, on average.
//!
//! With targets `$y = X\beta^* + \epsilon$`, noise of mean 0 and variance 1 and test features of second moments
//! `$\Sigma = \mathbb E\,\phi\phi^\top$`, the minimum-norm fit has the excess test error
//!
//! ```math
//! \mathcal E_{\mathrm{noise}}(X) = \operatorname{tr}\bigl((X^+)^\top\, \Sigma\, X^+\bigr) = \|S X^+\|_F^2,
//!   \qquad S^\top S = \Sigma
//! ```
//!
//! on account of the noise. [`sample_terms`] gives it for every number of rows, [`feature_terms`] for every number
//! of columns, of many matrices of one shape: the repeats of a study. Eight run side by side, one in each lane
//! of a SIMD register.
//!
//! # Accuracy
//! Reflections and rotations throughout, and a fresh solve at every point: no Gram matrix of the
//! training features, no updated inverse. A term agrees with that of the pseudoinverse within `c κ ε`, κ the
//! condition number of that point's matrix. Where `‖R‖_F ‖R⁻¹‖_F`, an upper bound of κ, exceeds `1 / (8 max(n, p) ε)`,
//! the triangle of that point goes to the checked SVD, whose rank cutoff is that of the `n × p` matrix
//! ([`Cutoff::MachinePrecision`](crate::svd::Cutoff::MachinePrecision)): zero, dependent and duplicated rows and
//! columns come out as the pseudoinverse has them. [`Term::engine`] says so.
//!
//! # References
//! Holzmüller, *On the universality of the double descent peak in ridgeless regression*, ICLR 2021,
//! [arXiv:2010.01851](https://arxiv.org/abs/2010.01851): the noise term and its lower bound.

// Loops over lanes index several arrays at once; all must be inlined into one function per instruction
// set (see `work`).
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
