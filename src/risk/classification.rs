//! Errors of classification.

use crate::Error;
use ndarray::{ArrayRef2, ArrayView1};

/// Computes the share of rows of `predictions` (`N × classes`) whose largest output is not that of their label. Of
/// equal outputs the first counts, as in `argmax`.
///
/// # Errors
/// [`Error::Empty`], [`Error::Shape`] unless there is one label per row, [`Error::NonFinite`], [`Error::Domain`] for a
/// label that has no column.
///
/// # Examples
/// ```
/// use double_descent::risk::error_rate;
/// use ndarray::array;
///
/// let predictions = array![[0.9, 0.2], [0.1, 0.3], [0.5, 0.5], [0.7, 0.6]];
/// assert_eq!(error_rate(&predictions, &[0, 1, 0, 1])?, 0.25);
/// # Ok::<(), double_descent::Error>(())
/// ```
pub fn error_rate(predictions: &ArrayRef2<f64>, labels: &[usize]) -> Result<f64, Error> {
    if predictions.is_empty() {
        return Err(Error::Empty { what: "the table of predictions" });
    }
    Error::check_len("labels, one a row of the predictions", predictions.nrows(), labels.len())?;
    Error::check_finite("the predictions", predictions.view())?;
    if let Some(&label) = labels.iter().find(|label| **label >= predictions.ncols()) {
        let must_be = "below the number of columns of the predictions";
        return Err(Error::Domain { what: "a label", value: label as f64, must_be });
    }
    let wrong =
        predictions.rows().into_iter().zip(labels).filter(|(row, label)| first_largest(*row) != **label);
    Ok(wrong.count() as f64 / labels.len() as f64)
}

/// Returns the index of the largest output; of equal ones the first.
pub(crate) fn first_largest(outputs: ArrayView1<'_, f64>) -> usize {
    let mut largest = 0;
    for (class, output) in outputs.iter().enumerate() {
        if *output > outputs[largest] {
            largest = class;
        }
    }
    largest
}
