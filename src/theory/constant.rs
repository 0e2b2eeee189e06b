//! The test error of a constant prediction: what a model must beat to have learnt anything from its features.
//!
//! The prediction is the mean of the `n` training targets. For a table of `N` rows with random splits, where the other
//! `N − n` rows are the test rows, the error on a test row is the difference of its target and that mean. With `s²` the
//! variance of the targets (divisor `N − 1`), its expected square is exactly
//! ```text
//! s² (1 − 1/N) + s² (1/n − 1/N) + 2 s²/N = s² (1 + 1/n)
//! test target    training mean    covariance, −s²/N: the two are drawn without replacement
//! ```
//! The same holds for rows drawn independently from a distribution of variance `s²`.
//!
//! # Examples
//! ```
//! use double_descent::{dataset::Dataset, theory::constant};
//!
//! let variance = constant::variance(Dataset::diabetes().targets())?;
//! assert_eq!(constant::test_error(variance, 10)?, 1.1 * variance);
//! # Ok::<(), double_descent::Error>(())
//! ```

use super::check::non_negative;
use crate::Error;
use ndarray::{ArrayRef2, Axis};

/// Returns the variance `s²` of targets `N × outputs` with divisor `N − 1`, the mean over the outputs.
///
/// # Errors
/// [`Error::Domain`] for fewer than two rows; [`Error::Empty`] without outputs; [`Error::NonFinite`] for a target
/// that is not finite.
pub fn variance(targets: &ArrayRef2<f64>) -> Result<f64, Error> {
    let (rows, outputs) = targets.dim();
    if rows < 2 {
        return Err(Error::Domain { what: "the number of rows", value: rows as f64, must_be: "at least 2" });
    }
    if outputs == 0 {
        return Err(Error::Empty { what: "the list of outputs" });
    }
    Error::check_finite("the targets", targets.view())?;
    Ok(targets.var_axis(Axis(0), 1.0).sum() / outputs as f64)
}

/// Returns the expected test error of the mean of `n` training targets, `s² (1 + 1/n)`, for targets of variance `s²`
/// ([`variance`]).
///
/// # Errors
/// [`Error::Domain`] if `n = 0`, or if the variance is negative or not finite.
pub fn test_error(variance: f64, n: usize) -> Result<f64, Error> {
    non_negative("the variance of the targets", variance)?;
    if n == 0 {
        return Err(Error::Domain { what: "the number of training rows", value: 0.0, must_be: "at least 1" });
    }
    Ok(variance * (1.0 + 1.0 / n as f64))
}
