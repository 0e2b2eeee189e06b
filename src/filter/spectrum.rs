//! The spectrum that estimators see.

use super::cutoff::Cutoff;

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

    /// A spectrum whose smallest values are accurate too, so that none is cut off. It has no shape: for filters that do
    /// not depend on it.
    pub(crate) fn accurate(sigma: &'a [f64]) -> Self {
        Self { n: 0, p: 0, sigma }
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

    /// Returns the number of singular values over `max(n, p) ε σ₁`, the default [`Cutoff`](crate::svd::Cutoff). The
    /// others may be nothing but rounding error.
    #[must_use]
    pub fn rank(self) -> usize {
        let cutoff = Cutoff::default().value(self);
        self.sigma.partition_point(|&s| s > cutoff)
    }

    /// Returns the singular values, with 0 for those beyond the [rank](Self::rank).
    pub(crate) fn counted(self) -> impl Iterator<Item = f64> + 'a {
        let rank = self.rank();
        self.sigma.iter().enumerate().map(move |(mode, &s)| if mode < rank { s } else { 0.0 })
    }

    /// Writes `of(σ)` for each singular value within the [rank](Self::rank), and `rest` for the others.
    pub(super) fn write(self, to: &mut [f64], rest: f64, mut of: impl FnMut(f64) -> f64) {
        let rank = self.rank().min(to.len());
        let (kept, others) = to.split_at_mut(rank);
        kept.iter_mut().zip(self.sigma).for_each(|(value, &s)| *value = of(s));
        others.fill(rest);
    }
}
