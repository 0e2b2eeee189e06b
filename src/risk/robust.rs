//! Squared errors under the worst small change of a test row.

use super::Population;
use crate::Error;
use crate::machine::memory::{reserve, table};
use ndarray::{Array1, Array2, ArrayRef2, Axis};

/// Computes the squared error of each row and output (`m × k`) under the worst change of the row of Euclidean length at
/// most `radius` (`ε`), for rows `x` (`m × p`), targets `y` (`m × k`) and parameters `beta` (`p × k`):
///
/// ```text
/// max_{‖δ‖ ≤ ε} ((x + δ)·w − y)² = (|x·w − y| + ε ‖w‖)²
/// ```
///
/// The worst `δ` is `±ε w/‖w‖`: it points along the fit's weights, whereas that of
/// [`Adversary::TestDatum`](crate::Adversary) points along one mode. The robustness of a fit therefore depends on the
/// norm of its weights, which peaks at `n = p`.
///
/// # Errors
/// [`Error::Domain`] unless the radius is finite and ≥ 0; [`Error::Empty`], [`Error::Shape`], [`Error::NonFinite`],
/// [`Error::Overflow`] if a robust error does not fit into `f64`, [`Error::Memory`].
///
/// # Examples
/// ```
/// use double_descent::risk::robust_errors;
/// use ndarray::array;
///
/// let errors = robust_errors(&array![[1.0, 0.0]], &array![[1.0]], &array![[3.0], [4.0]], 0.1)?;
/// assert!((errors[[0, 0]] - 6.25).abs() < 1e-14); // (2 + 0.5)²
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Javanmard, Soltanolkotabi and Hassani, *Precise tradeoffs in adversarial training for linear regression*, COLT 2020.
pub fn robust_errors(
    x: &ArrayRef2<f64>,
    y: &ArrayRef2<f64>,
    beta: &ArrayRef2<f64>,
    radius: f64,
) -> Result<Array2<f64>, Error> {
    check_radius(radius)?;
    if x.is_empty() || y.is_empty() {
        return Err(Error::Empty { what: "the test rows" });
    }
    Error::check_len("rows of the parameters", x.ncols(), beta.nrows())?;
    Error::check_len("rows of y", x.nrows(), y.nrows())?;
    Error::check_len("columns of y", beta.ncols(), y.ncols())?;
    for (what, values) in [("the test features", x), ("the test targets", y), ("the parameters", beta)] {
        Error::check_finite(what, values.view())?;
    }
    reserve("robust errors", table(y.nrows(), y.ncols()).saturating_mul(2))?;
    let reach = norms(beta) * radius;
    let mut errors = x.dot(beta) - y;
    for mut row in errors.rows_mut() {
        row.zip_mut_with(&reach, |error, reach| *error = (error.abs() + reach).powi(2));
    }
    let overflow = |_| Error::Overflow { what: "a robust error" };
    Error::check_finite("robust errors", errors.view()).map_err(overflow)?;
    Ok(errors)
}

impl Population {
    /// The expected robust error of parameters (`p × k`) on noisy test targets, if rows and noise are normal with mean
    /// 0. With `ε` the `radius` and `v` the variance of the noise, it is the mean over the outputs of
    ///
    /// ```text
    /// E (|x·w − y| + ε‖w‖)² = s² + 2 √(2/π) ε ‖w‖ s + ε² ‖w‖²        s² = (w − β*)ᵀ Σ (w − β*) + v
    /// ```
    ///
    /// At `ε = 0` it is the test error, whatever the distribution.
    ///
    /// # Errors
    /// [`Error::Domain`] unless the radius is finite and ≥ 0, [`Error::Shape`], [`Error::NonFinite`],
    /// [`Error::Overflow`] if the error does not fit into `f64`, [`Error::Memory`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::risk::{Covariance, Population};
    /// use ndarray::array;
    ///
    /// let population = Population::new(Covariance::isotropic(1, 1.0)?, array![[1.0]], 0.25)?;
    /// assert_eq!(population.robust_error(&array![[1.0]], 0.0)?, 0.25);
    /// assert!(population.robust_error(&array![[1.0]], -0.1).is_err());
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn robust_error(&self, beta: &ArrayRef2<f64>, radius: f64) -> Result<f64, Error> {
        check_radius(radius)?;
        self.check_parameters(beta)?;
        let off = self.covariance.root_times(&(beta.to_owned() - &self.teacher));
        let squares = off.mapv(|v| v * v).sum_axis(Axis(0)) + self.noise;
        let norms = norms(beta);
        let each = squares.iter().zip(&norms).map(|(square, norm)| {
            let reach = radius * norm;
            square + 2.0 * (2.0 / std::f64::consts::PI).sqrt() * reach * square.sqrt() + reach * reach
        });
        let mean = each.sum::<f64>() / beta.ncols() as f64;
        if mean.is_finite() { Ok(mean) } else { Err(Error::Overflow { what: "a robust error" }) }
    }
}

/// `‖w‖` of each output.
fn norms(beta: &ArrayRef2<f64>) -> Array1<f64> {
    beta.columns().into_iter().map(|w| w.iter().map(|v| v * v).sum::<f64>().sqrt()).collect()
}

fn check_radius(radius: f64) -> Result<(), Error> {
    if radius >= 0.0 && radius.is_finite() {
        return Ok(());
    }
    Err(Error::Domain { what: "the radius ε of a robust error", value: radius, must_be: "finite and ≥ 0" })
}
