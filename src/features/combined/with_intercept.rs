//! A constant in front of a map's features.

use crate::Error;
use crate::features::{FeatureMap, checked, checked_zeros};
use ndarray::{Array2, ArrayRef2, s};
use std::ops::Range;
use std::sync::Arc;

/// The constant 1 followed by the features of another map: `φ(x) = (1, ψ₁(x), ψ₂(x), …)`. `p` counts the constant,
/// which comes first so that the map stays nested. Its coefficient is part of the norm, like all others.
///
/// # Examples
/// ```
/// use double_descent::features::{Coordinates, FeatureMap, WithIntercept};
/// use ndarray::array;
///
/// let map = WithIntercept::new(Coordinates::new(2));
/// assert_eq!(map.design(&array![[4.0, 5.0]], 2)?, array![[1.0, 4.0]]);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct WithIntercept {
    map: Arc<dyn FeatureMap>,
}

impl WithIntercept {
    /// Puts the constant in front of the features of `map`.
    #[must_use]
    pub fn new(map: impl FeatureMap + 'static) -> Self {
        Self { map: Arc::new(map) }
    }
}

impl FeatureMap for WithIntercept {
    fn input_dimension(&self) -> usize {
        self.map.input_dimension()
    }

    fn most_features(&self) -> usize {
        self.map.most_features().saturating_add(1)
    }

    /// `inputs` `(n, d)` → `(n, p)`; the errors are those of the other map for `p − 1` features.
    fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
        self.columns(inputs, 0..p)
    }

    fn columns(&self, inputs: &ArrayRef2<f64>, columns: Range<usize>) -> Result<Array2<f64>, Error> {
        if columns.start > 0 && !columns.is_empty() {
            return checked::columns(&*self.map, inputs, columns.start - 1..columns.end - 1);
        }
        let mut design = checked_zeros(self, inputs, columns.len())?;
        design.column_mut(0).fill(1.0);
        if columns.end > 1 {
            design.slice_mut(s![.., 1..]).assign(&checked::columns(&*self.map, inputs, 0..columns.end - 1)?);
        }
        Ok(design)
    }

    fn seed(&self) -> Option<u64> {
        self.map.seed()
    }

    fn describe(&self) -> String {
        format!("{}, after a constant", self.map.describe())
    }
}
