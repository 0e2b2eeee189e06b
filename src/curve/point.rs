//! One fit of a nested curve, and what computed it.

use super::Cell;

/// How one point of a nested curve was computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Engine {
    /// From the grown factorisation.
    Nested,
    /// By an SVD. On a nested curve it is the SVD of that point's triangle, as the matrix is close to rank-deficient.
    #[default]
    Svd,
}

/// How the leave-one-out error of a point was computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum LeftOut {
    /// From the factorisation of all rows, or not requested.
    #[default]
    Nested,
    /// For this many rows, from an SVD of all other rows: removing the row changes which singular values count, or the
    /// factorisation of all rows gives its error to fewer than 8 digits.
    Refits(usize),
    /// Not computed: this many rows need such a refit, which is too much work. [`Point::loo_mse`] is `None`.
    ///
    /// [`Point::loo_mse`]: crate::nested::Point::loo_mse
    TooMany(usize),
}

/// One fit of a nested curve, minimum-norm or ridge. Errors are means over rows and outputs.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Point {
    /// Training samples.
    pub n: usize,
    /// Features.
    pub p: usize,
    /// Numerical rank of the training features. With ridge, which cuts nothing off, it is the number of directions in
    /// which they leave the span of the earlier ones.
    pub rank: usize,
    /// `‖X β̂ − Y‖²_F / (n k)`; exactly 0 if the rows are independent and there is no penalty.
    pub train_mse: f64,
    /// Mean squared error on the test rows; `None` if there are none.
    pub test_mse: Option<f64>,
    /// `‖β̂‖_F`.
    pub norm: f64,
    /// The expected noise term `tr((X⁺)ᵀ Σ X⁺)`, if a covariance Σ of test features was given: what label noise of
    /// variance 1 adds to the excess test error on average, computed without drawing noise. With ridge, `(Xᵀ X + λ I)⁻¹
    /// Xᵀ` replaces `X⁺`.
    pub noise: Option<f64>,
    /// `σᵣ` of the training features, where `r` is their numerical rank, if requested; `None` at rank 0.
    pub smallest_singular_value: Option<f64>,
    /// The leave-one-out error, if requested: the mean of `eᵢ²` over rows and outputs, where `eᵢ` is the error at
    /// training row `i` of the minimum-norm fit to all other training rows (at `n = 1` there are none, and the fit is
    /// 0). Also `None` if too many rows would need a refit; [`Point::loo_by`] says so.
    pub loo_mse: Option<f64>,
    /// How `loo_mse` was computed.
    #[cfg_attr(feature = "serde", serde(default))]
    pub loo_by: LeftOut,
    /// What computed it.
    pub engine: Engine,
}

impl Point {
    /// Returns the point as a row of the tidy table of a [`Curve`](crate::curve::Curve).
    #[must_use]
    pub fn cell(&self, repeat: usize, arm: usize) -> Cell {
        Cell {
            repeat,
            n: self.n,
            p: self.p,
            arm,
            train_mse: Some(self.train_mse),
            test_mse: self.test_mse,
            smallest_singular_value: self.smallest_singular_value,
            coefficient_norm: Some(self.norm),
            rank: self.rank,
            ..Cell::default()
        }
    }
}
