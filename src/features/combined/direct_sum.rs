//! Direct sums: several maps side by side.

use super::common_seed;
use crate::Error;
use crate::features::{FeatureMap, check_outputs, checked, checked_zeros};
use ndarray::{Array2, ArrayRef2, s};
use std::ops::Range;
use std::sync::Arc;

/// Maps of the same inputs side by side: `φ(x) = (ψ₁(x), ψ₂(x), …)`, so that their kernels add,
/// `φ(x)·φ(x') = ψ₁(x)·ψ₁(x') + ψ₂(x)·ψ₂(x') + …`
///
/// Each map has a fixed number of columns, and the columns of one map come before those of the next. The sum is nested
/// because its maps are.
///
/// # Examples
/// ```
/// use double_descent::features::{Coordinates, DirectSum, FeatureMap, FourierSeries};
/// use ndarray::array;
///
/// let map = DirectSum::new(Coordinates::new(1), 1)?.and(FourierSeries, 3)?; // x, 1, cos x, sin x
/// assert_eq!(map.design(&array![[0.5]], 2)?, array![[0.5, 1.0]]);
/// assert_eq!(map.outputs(), 4);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DirectSum {
    /// Each map with the index of its first column.
    parts: Vec<(Arc<dyn FeatureMap>, usize)>,
    outputs: usize,
}

impl DirectSum {
    /// Starts a sum with the first `features` columns of `map`; [`and`](DirectSum::and) adds further maps.
    ///
    /// # Errors
    /// [`Error::Empty`] for no features, [`Error::Shape`] for more than the map has, [`Error::UserCode`] if it panics.
    pub fn new(map: impl FeatureMap + 'static, features: usize) -> Result<Self, Error> {
        Self { parts: Vec::new(), outputs: 0 }.and(map, features)
    }

    /// Appends the first `features` columns of `map`.
    ///
    /// # Errors
    /// [`Error::Empty`] for no features, [`Error::Shape`] for more than the map has, and unless it takes inputs of the
    /// same dimension, [`Error::Resource`] for more columns than can be counted, [`Error::UserCode`] if a map panics.
    pub fn and(mut self, map: impl FeatureMap + 'static, features: usize) -> Result<Self, Error> {
        if features == 0 {
            return Err(Error::Empty { what: "the list of features" });
        }
        check_outputs(checked::most_features(&map)?, features)?;
        if let Some((first, _)) = self.parts.first() {
            let what = "the input dimension of a further map";
            Error::check_len(what, checked::input_dimension(&**first)?, checked::input_dimension(&map)?)?;
        }
        let outputs = self.outputs.checked_add(features).ok_or_else(|| Error::Resource {
            reason: "a sum of maps has more columns than can be counted".into(),
        })?;
        self.parts.push((Arc::new(map), self.outputs));
        self.outputs = outputs;
        Ok(self)
    }

    /// The number of columns of all maps together: the largest `p`.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }
}

impl FeatureMap for DirectSum {
    fn input_dimension(&self) -> usize {
        self.parts.first().map_or(0, |(map, _)| map.input_dimension())
    }

    fn most_features(&self) -> usize {
        self.outputs
    }

    /// `inputs` `(n, d)` → `(n, p)`. [`Error::Shape`] for `p` over [`DirectSum::outputs`], and the maps' errors.
    fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
        self.columns(inputs, 0..p)
    }

    fn columns(&self, inputs: &ArrayRef2<f64>, columns: Range<usize>) -> Result<Array2<f64>, Error> {
        check_outputs(self.outputs, columns.end)?;
        let mut design = checked_zeros(self, inputs, columns.len())?;
        let ends = self.parts.iter().skip(1).map(|(_, first)| *first).chain([self.outputs]);
        for ((map, first), end) in self.parts.iter().zip(ends) {
            let (from, to) = (columns.start.max(*first), columns.end.min(end));
            if from < to {
                let part = checked::columns(&**map, inputs, from - first..to - first)?;
                design.slice_mut(s![.., from - columns.start..to - columns.start]).assign(&part);
            }
        }
        Ok(design)
    }

    /// The seed of the maps, if all that have one have the same.
    fn seed(&self) -> Option<u64> {
        common_seed(self.parts.iter().map(|(map, _)| map.seed()))
    }

    fn describe(&self) -> String {
        let parts: Vec<String> = self.parts.iter().map(|(map, _)| map.describe()).collect();
        format!("side by side: {}", parts.join("; "))
    }
}
