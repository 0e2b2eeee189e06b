//! Centres or standardises one column by the mean and the deviation of some of its rows.

use crate::Error;
use crate::machine::spread;
use ndarray::{Array1, ArrayView1, ArrayViewMut1};

/// Iterates over the values of some rows; `None` means all rows.
fn values<'a>(
    column: ArrayView1<'a, f64>,
    rows: Option<&'a [usize]>,
) -> impl ExactSizeIterator<Item = f64> + Clone {
    (0..rows.map_or(column.len(), <[usize]>::len)).map(move |at| column[rows.map_or(at, |rows| rows[at])])
}

/// Returns the mean over some rows.
fn mean(column: ArrayView1<'_, f64>, rows: Option<&[usize]>) -> f64 {
    let values = values(column, rows);
    spread::mean(values.clone(), || match rows {
        None => column.mean().unwrap_or(0.0),
        Some(rows) => values.sum::<f64>() / rows.len() as f64,
    })
}

/// Subtracts the mean over some rows from all rows.
pub(super) fn centre(
    column: &mut ArrayViewMut1<'_, f64>,
    rows: Option<&[usize]>,
    what: &'static str,
) -> Result<(), Error> {
    let mean = mean(column.view(), rows);
    column.mapv_inplace(|x| x - mean);
    if column.iter().all(|x| x.is_finite()) { Ok(()) } else { Err(Error::Overflow { what }) }
}

/// Shifts and scales all rows so that some rows have mean 0 and variance 1.
pub(super) fn standardise(column: &mut ArrayViewMut1<'_, f64>, rows: Option<&[usize]>) -> Result<(), Error> {
    let mean = mean(column.view(), rows);
    column.mapv_inplace(|x| x - mean);
    // Relative to the largest entry, so that squares neither overflow nor underflow.
    let largest = spread::largest(values(column.view(), rows));
    if !largest.is_finite() {
        return Err(Error::Overflow { what: "a feature's spread" });
    }
    if spread::is_constant(largest, mean) {
        column.fill(0.0);
        return Ok(());
    }
    column.mapv_inplace(|x| x / largest);
    let squares: Array1<f64> = values(column.view(), rows).map(|x| x * x).collect();
    let deviation = squares.mean().unwrap_or(1.0).sqrt();
    column.mapv_inplace(|x| x / deviation);
    let is_finite = column.iter().all(|x| x.is_finite());
    if is_finite { Ok(()) } else { Err(Error::Overflow { what: "a standardised feature" }) }
}
