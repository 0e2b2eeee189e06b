//! Checks of arguments and results, shared by all maps of this crate.

use super::{FeatureMap, checked};
use crate::Error;
use crate::machine::memory::zeros;
use ndarray::{Array2, ArrayRef2};

/// Checks the arguments ([`check_inputs`]) and returns `n × p` zeros to write the features into.
pub(super) fn checked_zeros(
    map: &dyn FeatureMap,
    inputs: &ArrayRef2<f64>,
    p: usize,
) -> Result<Array2<f64>, Error> {
    check_inputs(map, inputs, p)?;
    zeros("a design matrix", inputs.nrows(), p)
}

/// Checks the arguments of a map of this crate.
pub(super) fn check_inputs(map: &dyn FeatureMap, inputs: &ArrayRef2<f64>, p: usize) -> Result<(), Error> {
    Error::check_len("columns of the inputs", checked::input_dimension(map)?, inputs.ncols())?;
    if inputs.nrows() == 0 {
        return Err(Error::Empty { what: "the list of inputs" });
    }
    if p == 0 {
        return Err(Error::Empty { what: "the list of features" });
    }
    Error::check_finite("the inputs", inputs.view())
}

/// Returns [`Error::Shape`] if more features are requested than the map has.
pub(super) fn check_outputs(outputs: usize, asked: usize) -> Result<(), Error> {
    if asked <= outputs {
        Ok(())
    } else {
        let what = "features requested from a map, which has at most those expected";
        Err(Error::Shape { what, expected: outputs, found: asked })
    }
}

/// Returns the design matrix, or [`Error::Overflow`] if an entry does not fit into `f64`.
pub(super) fn finite(design: Array2<f64>, what: &'static str) -> Result<Array2<f64>, Error> {
    check_finite(&design, what)?;
    Ok(design)
}

/// Like [`finite`], for a borrowed table.
pub(super) fn check_finite(design: &ArrayRef2<f64>, what: &'static str) -> Result<(), Error> {
    Error::check_finite("the features", design.view()).map_err(|_| Error::Overflow { what })
}
