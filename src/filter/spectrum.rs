//! A spectrum, as estimators see it.

/// What a filter may look at: the singular values, descending, and the shape `n × p` they come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spectrum<'a> {
    n: usize,
    p: usize,
    sigma: &'a [f64],
}

impl<'a> Spectrum<'a> {
    /// The spectrum of an `n × p` matrix; `sigma` descending.
    #[must_use]
    pub fn new(n: usize, p: usize, sigma: &'a [f64]) -> Self {
        Self { n, p, sigma }
    }

    /// Rows and columns of the matrix, `(n, p)`.
    #[must_use]
    pub fn shape(self) -> (usize, usize) {
        (self.n, self.p)
    }

    /// The singular values, descending.
    #[must_use]
    pub fn singular_values(self) -> &'a [f64] {
        self.sigma
    }
}
