//! Requests to the cells of a plane, and their results.

use crate::filter::{SpectralFilter, known_penalty};
use crate::nested::Engine;
use ndarray::Array2;
use std::ops::Range;

/// A request to every cell of a [`Plane`](super::Plane): an estimator for some of the targets, as in
/// [`Plane::fits`](super::Plane::fits).
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The estimator.
    pub estimator: &'a dyn SpectralFilter,
    /// Which columns of the targets; at least one.
    pub outputs: Range<usize>,
}

/// The fits of one cell of a [`Plane`](super::Plane): to the first `n` rows and `p` features.
#[derive(Clone, Debug, PartialEq)]
pub struct PlaneFit {
    /// Training samples.
    pub n: usize,
    /// Features.
    pub p: usize,
    /// Numerical rank.
    pub rank: usize,
    /// `β̂` (`p ×` the request's outputs), one for each request.
    pub coefficients: Vec<Array2<f64>>,
    /// Mean of the squared training errors over rows and outputs, one for each request.
    pub train_mse: Vec<f64>,
    /// The smallest singular value above the rank cutoff, if requested; 0 at rank 0.
    pub smallest_singular_value: Option<f64>,
    /// [`Engine::Svd`] if the minimum norm had to be computed by an SVD.
    pub engine: Engine,
}

pub(super) fn is_min_norm(estimator: &dyn SpectralFilter) -> bool {
    known_penalty(estimator) == Some(0.0)
}
