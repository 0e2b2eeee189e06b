//! Whether a design has the shape that was asked for.

use crate::Error;
use crate::error::user_code;
use ndarray::ArrayRef2;
use std::ops::Range;

/// [`Error::Shape`] unless a table is one for these inputs and columns.
pub(super) fn check_design(
    inputs: &ArrayRef2<f64>,
    columns: &Range<usize>,
    design: &ArrayRef2<f64>,
) -> Result<(), Error> {
    Error::check_len("rows of the design matrix", inputs.nrows(), design.nrows())?;
    Error::check_len("columns of the design matrix", columns.len(), design.ncols())
}

/// [`Error::UserCode`] if a map has made a table of another shape.
pub(super) fn copy_columns(
    describe: impl Fn() -> String,
    made: &ArrayRef2<f64>,
    design: &mut ArrayRef2<f64>,
) -> Result<(), Error> {
    check_shape(describe, made.dim(), design.dim())?;
    design.assign(made);
    Ok(())
}

/// [`Error::UserCode`] unless a map has made as many rows as there are inputs and as many columns as it was asked for.
pub(super) fn check_shape(
    describe: impl FnOnce() -> String,
    made: (usize, usize),
    (rows, columns): (usize, usize),
) -> Result<(), Error> {
    if made == (rows, columns) {
        return Ok(());
    }
    let reason = format!(
        "it gave a table of {} × {} for {rows} inputs and {columns} features; it must be {rows} × {columns}",
        made.0, made.1
    );
    Err(Error::UserCode { part: user_code::name("map", describe), reason })
}
