//! The inputs themselves.

use super::{FeatureMap, check_outputs, checked_zeros};
use crate::Error;
use crate::error::words::counted;
use ndarray::{Array2, ArrayRef2, s};

/// The inputs themselves as features: `φ(x) = (x₁, …, x_p)`, `p ≤ d`. On standard normal inputs these are the
/// Gaussian features of the theory, with second moments `Σ = I`.
///
/// # Examples
/// ```
/// use double_descent::features::{Coordinates, FeatureMap};
/// use ndarray::array;
///
/// assert_eq!(Coordinates::new(3).design(&array![[1.0, 2.0, 3.0]], 2)?, array![[1.0, 2.0]]);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Coordinates {
    inputs: usize,
}

impl Coordinates {
    /// Makes the map for inputs of dimension `inputs` (`d`).
    #[must_use]
    pub fn new(inputs: usize) -> Self {
        Self { inputs }
    }
}

impl FeatureMap for Coordinates {
    fn input_dimension(&self) -> usize {
        self.inputs
    }

    fn most_features(&self) -> usize {
        self.inputs
    }

    /// `inputs` `(n, d)` → `(n, p)`. [`Error::Shape`] for `p > d`.
    fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
        check_outputs(self.inputs, p)?;
        let mut design = checked_zeros(self, inputs, p)?;
        design.assign(&inputs.slice(s![.., ..p]));
        Ok(design)
    }

    fn describe(&self) -> String {
        format!("the first P of {}", counted(self.inputs, "input"))
    }
}
