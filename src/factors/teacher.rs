//! The best linear model and its residuals: `Y = X β* + E`.

use crate::Error;
use crate::dataset::Dataset;
use crate::filter::MinNorm;
use crate::filter::cutoff::Cutoff;
use crate::risk::{Compressed, equilibrate};
use crate::svd::{Backend, DivideAndConquer, Svd};
use ndarray::{Array2, ArrayRef2};

/// Reference coefficients `β*` (`p × k`) and their residuals `E = Y − X β*` (`N × k`) on a table of data.
///
/// In Schaeffer et al. 2023 `β*` is the best model of the class, fitted on all rows. (The least squares fit of
/// the *training* set would not do: its residuals are orthogonal to every `uᵣ`, so the third factor would vanish by
/// construction.)
///
/// # Examples
/// ```
/// use double_descent::{dataset::Dataset, teacher::Teacher};
///
/// let data = Dataset::diabetes();
/// let ideal = Teacher::ideal(&data)?;
/// // Normal equations: the residuals of the best fit are orthogonal to every feature.
/// let normal = data.features().t().dot(ideal.residuals());
/// assert!(normal.iter().all(|v| v.abs() < 1e-8));
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Teacher {
    beta: Array2<f64>,
    residuals: Array2<f64>,
}

impl Teacher {
    /// Fits the best linear model: least squares on all `N` rows, of minimum norm if the solution is not unique.
    ///
    /// # Errors
    /// [`Error::Backend`] if the factorisation fails; [`Error::Overflow`] if the length of a column, a coefficient or a
    /// residual does not fit into `f64`; [`Error::Memory`].
    pub fn ideal(data: &Dataset) -> Result<Self, Error> {
        let table = Compressed::new(data.features(), data.targets())?;
        Self::known(ideal_beta(&table, &DivideAndConquer)?, data.features(), data.targets())
    }

    /// Makes a teacher from known coefficients (`p × k`) and computes its residuals on `x` (`N × p`) and `y` (`N × k`).
    ///
    /// # Errors
    /// [`Error::Shape`] if these shapes do not match, [`Error::NonFinite`] if one of the three holds NaN or an
    /// infinity, [`Error::Overflow`] if a residual does not fit into `f64`.
    pub fn known(beta: Array2<f64>, x: &ArrayRef2<f64>, y: &ArrayRef2<f64>) -> Result<Self, Error> {
        Error::check_len("rows of the teacher's parameters", x.ncols(), beta.nrows())?;
        Error::check_len("columns of the teacher's parameters", y.ncols(), beta.ncols())?;
        Error::check_len("rows of y", x.nrows(), y.nrows())?;
        Error::check_finite("the teacher's parameters", beta.view())?;
        let residuals = y.to_owned() - x.dot(&beta);
        if Error::check_finite("the residuals", residuals.view()).is_err() {
            Error::check_finite("the features", x.view())?;
            Error::check_finite("the targets", y.view())?;
            return Err(Error::Overflow { what: "a residual of the teacher" });
        }
        Ok(Self { beta, residuals })
    }

    /// The coefficients `β*`, `p × k`.
    #[must_use]
    pub fn beta(&self) -> &Array2<f64> {
        &self.beta
    }

    /// The residuals `E = Y − X β*`, `N × k`.
    #[must_use]
    pub fn residuals(&self) -> &Array2<f64> {
        &self.residuals
    }

    /// Returns the same `β*` with the residuals of the given rows, such as a training set, in the given order.
    ///
    /// # Errors
    /// [`Error::Shape`] if an index is not less than the number of rows.
    pub fn select(&self, rows: &[usize]) -> Result<Self, Error> {
        let len = self.residuals.nrows();
        if let Some(&bad) = rows.iter().find(|&&row| row >= len) {
            return Err(Error::Shape { what: "a row index over the table", expected: len, found: bad });
        }
        let residuals = self.residuals.select(ndarray::Axis(0), rows);
        Ok(Self { beta: self.beta.clone(), residuals })
    }
}

/// Solves least squares on all rows of a compressed table.
///
/// If the features have full column rank, the solution is unique whatever the columns' units. The columns are therefore
/// brought to one scale first: accuracy then depends on the angles between features, not on their units. The
/// minimum-norm solution of a rank-deficient table does depend on the units, so that table is solved as given.
///
/// The rank is that of the whole table: the rounding errors of compression grow with its rows.
pub(crate) fn ideal_beta(table: &Compressed, backend: &dyn Backend) -> Result<Array2<f64>, Error> {
    let (height, p) = table.features.dim();
    let factorise = |features: &Array2<f64>| {
        let svd = Svd::with_backend(features, backend)?;
        let cutoff = Cutoff::of_matrix((height.max(table.rows()), p), svd.spectrum().singular_values());
        svd.with_cutoff(cutoff)
    };
    // With the cutoff of the factorisation: an estimator's own would be that of the compressed rows.
    let solve = |svd: &Svd| svd.solve(&table.targets, &MinNorm::with_cutoff(Cutoff::Absolute(svd.cutoff()))?);
    let mut scaled = table.features.clone();
    let scales = equilibrate(&mut scaled);
    let svd = factorise(&scaled)?;
    if svd.rank() == scaled.ncols() {
        let mut beta = solve(&svd)?;
        for (mut row, scale) in beta.rows_mut().into_iter().zip(scales) {
            row.mapv_inplace(|b| b / scale);
        }
        return match Error::check_finite("the teacher's parameters", beta.view()) {
            Ok(()) => Ok(beta),
            Err(_) => Err(Error::Overflow { what: "a coefficient of the ideal fit" }),
        };
    }
    solve(&factorise(&table.features)?)
}
