//! Scaling by powers of two, which is exact and avoids overflow.

use crate::Error;
use crate::machine::large_pages;
use crate::machine::threads::{piece, share};
use crate::machine::turned::fill_columns;
pub(super) use crate::svd::scaled;
use crate::svd::{exponent, largest, power_of_two};
use ndarray::{Array2, ArrayRef2, ArrayView2, Axis, ShapeBuilder};
use std::sync::atomic::{AtomicBool, Ordering};

/// Returns `2^e` if it and its reciprocal are in range: then multiplying by it equals [`scaled`].
pub(super) fn power_of_two_of(e: i32) -> Option<f64> {
    (e.abs() < 1000).then(|| power_of_two(e))
}

/// Returns a table times `2^e`, with its memory layout unchanged.
pub(super) fn times_power(x: &ArrayRef2<f64>, e: i32) -> Array2<f64> {
    match power_of_two_of(e) {
        Some(unit) => x.mapv(|v| v * unit),
        None => x.mapv(|v| scaled(v, e)),
    }
}

/// Returns a table times `2^e`, column-major.
pub(super) fn column_by_column(x: ArrayView2<'_, f64>, e: i32) -> Array2<f64> {
    let mut columns = large_pages::zeros(x.raw_dim().f());
    match power_of_two_of(e) {
        Some(unit) => fill_columns(columns.view_mut(), x, |v| v * unit),
        None => fill_columns(columns.view_mut(), x, |v| scaled(v, e)),
    }
    columns
}

/// Returns the exponent of the largest entry: all entries are below `2^e`. `None` if all are 0.
pub(super) fn largest_exponent<'a>(x: impl IntoIterator<Item = &'a f64>) -> Option<i32> {
    let largest = x.into_iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    (largest > 0.0).then(|| exponent(largest))
}

/// Returns the exponent of the largest entry of a table.
pub(super) fn exponent_of_table(x: ArrayView2<'_, f64>) -> Option<i32> {
    largest_exponent([&lines(x).fold(0.0, f64::max)])
}

/// Returns the largest absolute value of each row or column, whichever is contiguous, so that whole registers are used.
/// NaN or infinite if an entry is.
fn lines(x: ArrayView2<'_, f64>) -> impl Iterator<Item = f64> {
    let lines = if x.strides()[0] == 1 { x.reversed_axes() } else { x };
    (0..lines.nrows()).map(move |line| {
        let line = lines.row(line);
        line.as_slice().map_or_else(|| largest(&line.to_vec()), largest)
    })
}

/// Returns [`Error::NonFinite`] with the place, unless all entries are finite. Threads share a large table.
pub(super) fn check_finite(what: &'static str, x: ArrayView2<'_, f64>) -> Result<(), Error> {
    /// The fewest numbers worth a thread, as each is read only once.
    const WORTH: usize = 1 << 19;
    let rows = piece(x.nrows(), 1, x.len(), WORTH).max(1);
    let is_clean = AtomicBool::new(true);
    let look = |rows: ArrayView2<'_, f64>| {
        if !lines(rows).all(f64::is_finite) {
            is_clean.store(false, Ordering::Relaxed);
        }
    };
    if rows < x.nrows() {
        share(x.axis_chunks_iter(Axis(0), rows).collect(), look);
    } else {
        look(x);
    }
    if is_clean.into_inner() { Ok(()) } else { Error::check_finite(what, x) }
}

/// The unit of a quantity that arrives in pieces: set by the first piece, and increased when a later one is far larger.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unit {
    exponent: Option<i32>,
}

impl Unit {
    /// Entries may exceed the unit by 2^200 before it grows: the sum of their squares still does not overflow.
    const HEADROOM: i32 = 200;

    /// Returns `e`, if the unit is `2^e`.
    pub(super) fn exponent(self) -> i32 {
        self.exponent.unwrap_or(0)
    }

    /// Whether entries below `2^e` need no growth, or there are none.
    pub(super) fn has_room(self, e: Option<i32>) -> bool {
        match (self.exponent, e) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(old), Some(new)) => new <= old + Self::HEADROOM,
        }
    }

    /// Makes room for entries below `2^e`. Returns `Some(f)` if everything measured so far must be multiplied by `f`.
    pub(super) fn admit(&mut self, e: Option<i32>) -> Option<f64> {
        match (self.exponent, e) {
            (None, Some(_)) => {
                self.exponent = e;
                None
            }
            (Some(old), Some(new)) if new > old + Self::HEADROOM => {
                self.exponent = e;
                Some(scaled(1.0, old - new))
            }
            _ => None,
        }
    }
}
