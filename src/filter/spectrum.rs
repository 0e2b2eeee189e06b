//! The spectrum that estimators see.

/// The input of a filter: the singular values in descending order, and the shape `n × p` of their matrix.
///
/// [`Svd::spectrum`](crate::svd::Svd::spectrum) returns that of a factorisation, with all `min(n, p)` values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spectrum<'a> {
    n: usize,
    p: usize,
    sigma: &'a [f64],
}

impl<'a> Spectrum<'a> {
    /// The spectrum of an `n × p` matrix; `sigma` must be in descending order, which is not checked.
    #[must_use]
    pub fn new(n: usize, p: usize, sigma: &'a [f64]) -> Self {
        Self { n, p, sigma }
    }

    /// Returns the rows and columns of the matrix, `(n, p)`.
    #[must_use]
    pub fn shape(self) -> (usize, usize) {
        (self.n, self.p)
    }

    /// Returns the singular values in descending order.
    #[must_use]
    pub fn singular_values(self) -> &'a [f64] {
        self.sigma
    }
}
