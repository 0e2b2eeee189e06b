//! The one place where maps are called: they may be the caller's own.

use super::shape::check_shape;
use super::{Cosines, FeatureMap};
use crate::{Error, error::user_code};
use ndarray::{Array2, ArrayRef2};
use std::ops::Range;

/// [`FeatureMap::design`] of a shape that fits, all finite.
///
/// # Errors
/// Those of the map; [`Error::UserCode`] if it panics or its table is of another shape, or holds NaN or an infinity.
pub(crate) fn design(map: &dyn FeatureMap, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
    let made = user_code::call(|| name(map), || map.design(inputs, p))??;
    check(map, &made, (inputs.nrows(), 0..p))?;
    Ok(made)
}

/// [`FeatureMap::columns`], checked as in [`design`].
pub(crate) fn columns(
    map: &dyn FeatureMap,
    inputs: &ArrayRef2<f64>,
    columns: Range<usize>,
) -> Result<Array2<f64>, Error> {
    let made = user_code::call(|| name(map), || map.columns(inputs, columns.clone()))??;
    check(map, &made, (inputs.nrows(), columns))?;
    Ok(made)
}

/// [`FeatureMap::write_columns`], checked as in [`design`].
pub(crate) fn write_columns(
    map: &dyn FeatureMap,
    inputs: &ArrayRef2<f64>,
    columns: Range<usize>,
    design: &mut ArrayRef2<f64>,
) -> Result<(), Error> {
    user_code::call(|| name(map), || map.write_columns(inputs, columns.clone(), design))??;
    check(map, design, (inputs.nrows(), columns))
}

/// [`FeatureMap::input_dimension`].
pub(crate) fn input_dimension(map: &dyn FeatureMap) -> Result<usize, Error> {
    user_code::call(|| name(map), || map.input_dimension())
}

/// [`FeatureMap::most_features`].
pub(crate) fn most_features(map: &dyn FeatureMap) -> Result<usize, Error> {
    user_code::call(|| name(map), || map.most_features())
}

/// [`FeatureMap::cosines`].
pub(crate) fn cosines(map: &dyn FeatureMap) -> Result<Option<Cosines<'_>>, Error> {
    user_code::call(|| name(map), || map.cosines())
}

/// A map in an error.
fn name(map: &dyn FeatureMap) -> String {
    user_code::name("map", || map.describe())
}

fn check(
    map: &dyn FeatureMap,
    made: &ArrayRef2<f64>,
    (rows, columns): (usize, Range<usize>),
) -> Result<(), Error> {
    check_shape(|| map.describe(), made.dim(), (rows, columns.len()))?;
    match Error::check_finite("the features", made.view()) {
        Err(Error::NonFinite { row, column, value, .. }) => {
            let column = columns.start + column;
            let reason = format!(
                "it gave {value} at row {row}, feature {column} (counted from 0); every feature must be finite"
            );
            Err(Error::UserCode { part: name(map), reason })
        }
        other => other,
    }
}
