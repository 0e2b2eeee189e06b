//! Checked calls of maps. All calls go through this module, because a map may be user code.

use super::shape::check_shape;
use super::{Cosines, FeatureMap};
use crate::{Error, error::user_code};
use ndarray::{Array2, ArrayRef2};
use std::ops::Range;

/// Calls [`FeatureMap::design`] and checks that the result has the right shape and is finite.
///
/// # Errors
/// Those of the map; [`Error::UserCode`] if it panics, or if its table has the wrong shape or holds NaN or an infinity.
pub(crate) fn design(map: &dyn FeatureMap, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
    let made = user_code::call(|| name(map), || map.design(inputs, p))??;
    check(map, &made, (inputs.nrows(), 0..p))?;
    Ok(made)
}

/// Calls [`FeatureMap::columns`], with the checks of [`design`].
pub(crate) fn columns(
    map: &dyn FeatureMap,
    inputs: &ArrayRef2<f64>,
    columns: Range<usize>,
) -> Result<Array2<f64>, Error> {
    let made = user_code::call(|| name(map), || map.columns(inputs, columns.clone()))??;
    check(map, &made, (inputs.nrows(), columns))?;
    Ok(made)
}

/// Calls [`FeatureMap::write_columns`], with the checks of [`design`].
pub(crate) fn write_columns(
    map: &dyn FeatureMap,
    inputs: &ArrayRef2<f64>,
    columns: Range<usize>,
    design: &mut ArrayRef2<f64>,
) -> Result<(), Error> {
    user_code::call(|| name(map), || map.write_columns(inputs, columns.clone(), design))??;
    check(map, design, (inputs.nrows(), columns))
}

/// Calls [`FeatureMap::input_dimension`] and catches panics.
pub(crate) fn input_dimension(map: &dyn FeatureMap) -> Result<usize, Error> {
    user_code::call(|| name(map), || map.input_dimension())
}

/// Calls [`FeatureMap::most_features`] and catches panics.
pub(crate) fn most_features(map: &dyn FeatureMap) -> Result<usize, Error> {
    user_code::call(|| name(map), || map.most_features())
}

/// Calls [`FeatureMap::cosines`] and catches panics.
pub(crate) fn cosines(map: &dyn FeatureMap) -> Result<Option<Cosines<'_>>, Error> {
    user_code::call(|| name(map), || map.cosines())
}

/// The name of a map in error messages.
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
