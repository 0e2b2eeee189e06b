//! Effective parameters of a linear smoother.

use crate::Error;
use crate::filter::{Response, SpectralFilter};
use crate::machine::memory::{reserve, sum, table};
use crate::risk::Compressed;
use crate::svd::Svd;
use ndarray::{Array1, Array2, ArrayRef2, Axis};

/// A fit as a linear smoother of its targets: `ŷ(x₀) = ŝ(x₀)·y`, and on the training rows `ŷ = H y`.
///
/// With `X = U Σ Vᵀ` (`n × p`) and the gains `g` of a filter
///
/// ```text
/// ŝ(x₀) = U diag(g) Vᵀ x₀  (n)        H = U diag(g σ) Uᵀ  (n × n, symmetric)
/// ```
///
/// The effective parameters `p̂⁰ = n · mean ‖ŝ(x₀)‖²` measure how much of the targets' noise enters a prediction:
/// under independent noise of variance `v`, the average variance of a prediction is `v p̂⁰/n`, for every linear
/// smoother. On the training rows `p̂⁰` is `tr H Hᵀ`, and `min(n, p)` for minimum-norm least squares. On other rows it
/// peaks at the threshold and *falls* as features are added beyond it. So over that axis, the second descent of a curve
/// folds back over the first.
///
/// An intercept that was removed by centring is one more degree of freedom, which is not counted here.
///
/// # Examples
/// ```
/// use double_descent::complexity::Smoother;
/// use double_descent::filter::{MinNorm, Ridge};
/// use double_descent::svd::Svd;
/// use ndarray::array;
///
/// let svd = Svd::new(&array![[3.0, 0.0], [0.0, 1.0], [0.0, 0.0]])?;
/// let least_squares = Smoother::new(&svd, &MinNorm::default())?;
/// assert_eq!(least_squares.degrees_of_freedom(), 2.0);
/// assert_eq!(least_squares.effective_parameters(&array![[3.0, 1.0]])?, 6.0); // n (1 + 1)
/// let ridge = Smoother::new(&svd, &Ridge::new(1.0)?)?;
/// assert!((ridge.degrees_of_freedom() - (0.9 + 0.5)).abs() < 1e-15);
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Hastie and Tibshirani, *Generalized Additive Models*, 1990, section 3.5 (three degrees of freedom); Curth, Jeffares
/// and van der Schaar 2023, section 4 (effective parameters on rows other than the training rows).
#[derive(Clone, Debug)]
pub struct Smoother<'a> {
    svd: &'a Svd,
    gains: Vec<f64>,
    residuals: Vec<f64>,
}

impl<'a> Smoother<'a> {
    /// Creates the smoother of `filter` on the training rows that `svd` factorises.
    ///
    /// # Errors
    /// [`Error::UserCode`] if the filter returns invalid gains; those of the filter's own check.
    pub fn new(svd: &'a Svd, filter: &dyn SpectralFilter) -> Result<Self, Error> {
        let Response { gains, residuals } = Response::new(filter, svd.spectrum())?;
        Ok(Self { svd, gains, residuals })
    }

    /// `g σ`, the eigenvalues of `H` that are not 0 by construction.
    fn shrinkage(&self) -> impl Iterator<Item = f64> {
        self.gains.iter().zip(self.svd.singular_values()).map(|(g, s)| g * s)
    }

    /// `tr H = Σ g σ`, the effective degrees of freedom of Efron: `Σ cov(ŷᵢ, yᵢ)/v`.
    #[must_use]
    pub fn degrees_of_freedom(&self) -> f64 {
        self.shrinkage().sum()
    }

    /// `tr H Hᵀ = Σ (g σ)²`: `p̂⁰` on the training rows. `H` is symmetric, so this is `tr H²` as well.
    #[must_use]
    pub fn squared_degrees_of_freedom(&self) -> f64 {
        self.shrinkage().map(|h| h * h).sum()
    }

    /// `tr (I − H)(I − H)ᵀ = n − tr(2H − HHᵀ)`: for targets that are only noise of variance `v`, `E ‖y − ŷ‖²` is `v`
    /// times this. Computed from the residual factors that the filter supplies, so that small values keep all digits.
    #[must_use]
    pub fn residual_degrees_of_freedom(&self) -> f64 {
        let (n, modes) = (self.svd.shape().0, self.residuals.len());
        (n - modes) as f64 + self.residuals.iter().map(|left| left * left).sum::<f64>()
    }

    /// The leverages `Hᵢᵢ = Σᵣ gᵣ σᵣ Uᵢᵣ²`, one per training row: how strongly a row's own target affects its fitted
    /// value.
    ///
    /// # Errors
    /// [`Error::Memory`] if it does not fit into memory.
    pub fn leverages(&self) -> Result<Array1<f64>, Error> {
        let u = self.svd.u();
        reserve("leverages", table(u.nrows(), 1))?;
        let row = |row: ndarray::ArrayView1<'_, f64>| {
            row.iter().zip(self.shrinkage()).map(|(u, h)| h * u * u).sum()
        };
        Ok(u.rows().into_iter().map(row).collect())
    }

    /// Computes `p̂⁰ = n · mean ‖ŝ(x₀)‖²` over the rows of `x` (`m × p`).
    ///
    /// # Errors
    /// [`Error::Shape`] if `x` has not `p` columns, [`Error::Empty`], [`Error::NonFinite`], [`Error::Overflow`] if the
    /// number does not fit into `f64`, [`Error::Memory`].
    pub fn effective_parameters(&self, x: &ArrayRef2<f64>) -> Result<f64, Error> {
        if x.is_empty() {
            return Err(Error::Empty { what: "the rows of effective parameters" });
        }
        Error::check_finite("the rows of effective parameters", x.view())?;
        self.mean_square(x, x.nrows())
    }

    /// [`Smoother::effective_parameters`] over a compressed table, at the cost of its few rows; over a
    /// [population](Compressed::population) the expectation, `n Σᵣ gᵣ² vᵣ·Σvᵣ`.
    ///
    /// # Errors
    /// As [`Smoother::effective_parameters`].
    pub fn effective_parameters_over(&self, table: &Compressed) -> Result<f64, Error> {
        self.mean_square(&table.features, table.rows())
    }

    fn mean_square(&self, x: &ArrayRef2<f64>, rows: usize) -> Result<f64, Error> {
        let (n, p) = self.svd.shape();
        Error::check_len("columns of the rows of effective parameters", p, x.ncols())?;
        reserve("effective parameters", sum([table(x.nrows(), self.gains.len()); 2]))?;
        let projections: Array2<f64> = x.dot(&self.svd.vt().t());
        let gains = Array1::from(self.gains.clone()).insert_axis(Axis(0));
        let squares: f64 = (projections * gains).iter().map(|s| s * s).sum();
        let value = squares * (n as f64 / rows as f64);
        if value.is_finite() {
            Ok(value)
        } else {
            Err(Error::Overflow { what: "a number of effective parameters" })
        }
    }
}
