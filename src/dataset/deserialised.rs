//! Data sets read back by serde, with the checks of [`Dataset::new`].

use super::Dataset;
use crate::Error;
use ndarray::Array2;

/// The fields of a [`Dataset`], unchecked.
#[derive(serde::Deserialize)]
pub(super) struct Fields {
    name: String,
    features: Array2<f64>,
    targets: Array2<f64>,
    feature_names: Vec<String>,
    target_names: Vec<String>,
    preparation: Vec<String>,
}

impl TryFrom<Fields> for Dataset {
    type Error = Error;

    fn try_from(fields: Fields) -> Result<Self, Error> {
        let Fields { name, features, targets, feature_names, target_names, preparation } = fields;
        Error::check_len("names of features", features.ncols(), feature_names.len())?;
        Error::check_len("names of targets", targets.ncols(), target_names.len())?;
        let data = Self::named(name, features, targets, feature_names, target_names)?;
        Ok(Self { preparation, ..data })
    }
}
