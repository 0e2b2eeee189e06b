//! Inputs that remain bytes until their values are needed.

use crate::{Error, machine::memory};
use ndarray::Array2;
use std::sync::OnceLock;

#[derive(Clone, Debug)]
pub(super) enum Inputs {
    Values(Array2<f64>),
    Pixels { bytes: Array2<u8>, values: OnceLock<Array2<f64>> },
}

impl Inputs {
    pub(super) fn pixels(bytes: Array2<u8>) -> Self {
        Self::Pixels { bytes, values: OnceLock::new() }
    }

    /// Returns the values, `N × d`; a pixel's value is its byte divided by 255.
    ///
    /// # Errors
    /// [`Error::Memory`] if there is no room for the values of pixels.
    pub(super) fn values(&self) -> Result<&Array2<f64>, Error> {
        match self {
            Self::Values(values) => Ok(values),
            Self::Pixels { bytes, values } => {
                if values.get().is_none() {
                    memory::reserve("the values of pixels", memory::table(bytes.nrows(), bytes.ncols()))?;
                }
                Ok(values.get_or_init(|| of_pixels(bytes)))
            }
        }
    }

    /// Returns a copy of the values, `N × d`; those of pixels are not kept besides it.
    pub(super) fn to_values(&self) -> Array2<f64> {
        match self {
            Self::Values(values) => values.clone(),
            Self::Pixels { bytes, values } => values.get().cloned().unwrap_or_else(|| of_pixels(bytes)),
        }
    }

    pub(super) fn dim(&self) -> (usize, usize) {
        match self {
            Self::Values(values) => values.dim(),
            Self::Pixels { bytes, .. } => bytes.dim(),
        }
    }

    /// Selects rows, in this order.
    pub(super) fn rows(&self, rows: &[usize]) -> Self {
        match self {
            Self::Values(values) => Self::Values(gather(values, rows)),
            Self::Pixels { bytes, .. } => Self::pixels(gather(bytes, rows)),
        }
    }
}

fn of_pixels(bytes: &Array2<u8>) -> Array2<f64> {
    bytes.mapv(|pixel| f64::from(pixel) / 255.0)
}

fn gather<T: Copy>(table: &Array2<T>, rows: &[usize]) -> Array2<T> {
    Array2::from_shape_fn((rows.len(), table.ncols()), |(i, j)| table[[rows[i], j]])
}

impl PartialEq for Inputs {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Pixels { bytes, .. }, Self::Pixels { bytes: others, .. }) => bytes == others,
            _ => self.values() == other.values(),
        }
    }
}
