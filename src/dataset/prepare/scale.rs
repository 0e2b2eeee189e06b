//! Centres or standardises one column by the mean and the deviation of some of its rows.

use crate::Error;
use ndarray::{Array1, ArrayView1, ArrayViewMut1};

/// Iterates over the values of some rows; `None` means all rows.
fn values<'a>(column: ArrayView1<'a, f64>, rows: Option<&'a [usize]>) -> impl Iterator<Item = f64> + Clone {
    (0..rows.map_or(column.len(), <[usize]>::len)).map(move |at| column[rows.map_or(at, |rows| rows[at])])
}

fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |largest: f64, x| largest.max(x.abs()))
}

/// Returns the mean over some rows; the mean of equal values is exactly that value.
fn mean(column: ArrayView1<'_, f64>, rows: Option<&[usize]>) -> f64 {
    let values = || values(column, rows);
    let first = values().next().unwrap_or(0.0);
    if values().all(|x| x == first) {
        return first;
    }
    let count = values().count() as f64;
    let mean = match rows {
        None => column.mean().unwrap_or(0.0),
        Some(_) => values().sum::<f64>() / count,
    };
    // The rounding error of a sum of large values may exceed a small spread: subtract the remaining mean once more.
    let (mut rest, mut spread) = (0.0, 0.0_f64);
    for x in values() {
        rest += (x - mean) / count;
        spread = spread.max((x - mean).abs());
    }
    if rest.abs() > MEAN_LEFT * spread { mean + rest } else { mean }
}

/// Largest error of a mean, relative to the spread.
const MEAN_LEFT: f64 = 1.0 / (1_u64 << 30) as f64;

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
    let largest = largest(values(column.view(), rows));
    if !largest.is_finite() {
        return Err(Error::Overflow { what: "a feature's spread" });
    }
    if largest <= 8.0 * f64::EPSILON * mean.abs() {
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
