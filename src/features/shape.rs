//! Checks that a design matrix has the requested shape.

use crate::Error;
use crate::error::user_code;
use ndarray::ArrayRef2;
use std::ops::Range;

/// Returns [`Error::Shape`] unless `design` has a row per input and as many columns as requested.
pub(super) fn check_design(
    inputs: &ArrayRef2<f64>,
    columns: &Range<usize>,
    design: &ArrayRef2<f64>,
) -> Result<(), Error> {
    Error::check_len("rows of the design matrix", inputs.nrows(), design.nrows())?;
    Error::check_len("columns of the design matrix", columns.len(), design.ncols())
}

/// Copies the table that a map made into `design`; [`Error::UserCode`] if their shapes differ.
pub(super) fn copy_columns(
    describe: impl Fn() -> String,
    made: &ArrayRef2<f64>,
    design: &mut ArrayRef2<f64>,
) -> Result<(), Error> {
    check_shape(describe, made.dim(), design.dim())?;
    design.assign(made);
    Ok(())
}

/// Returns [`Error::UserCode`] unless a map made a row per input and as many columns as requested.
pub(super) fn check_shape(
    describe: impl FnOnce() -> String,
    made: (usize, usize),
    wanted: (usize, usize),
) -> Result<(), Error> {
    if made == wanted {
        return Ok(());
    }
    Err(Error::UserCode { part: user_code::name("map", describe), reason: mismatch(made, wanted) })
}

fn mismatch(made: (usize, usize), (rows, columns): (usize, usize)) -> String {
    format!(
        "it gave a table of {} × {} for {rows} inputs and {columns} features; it must be {rows} × {columns}",
        made.0, made.1
    )
}
