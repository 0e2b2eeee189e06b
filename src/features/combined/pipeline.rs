//! Pipelines: one map applied to the features of another.

use super::common_seed;
use crate::Error;
use crate::error::words::counted;
use crate::features::{FeatureMap, check_outputs, checked};
use ndarray::{Array2, ArrayRef2};
use std::ops::Range;
use std::sync::Arc;

/// A map applied to the features of another: `φ(x) = ψ₂(ψ₁(x))`, with a fixed number of features of `ψ₁`. It is nested
/// because the second map is.
///
/// # Examples
/// ```
/// use double_descent::features::{Activation, FeatureMap, Pipeline, PolynomialKernel, RandomNetwork};
/// use ndarray::array;
///
/// let monomials = PolynomialKernel::new(2, 3, 1.0)?; // 10 of them
/// let network = RandomNetwork::seeded(Activation::Relu, &[10, 500], 0)?;
/// let map = Pipeline::new(monomials, 10, network)?;
/// assert_eq!(map.design(&array![[0.5, -1.0]], 500)?.dim(), (1, 500));
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pipeline {
    first: Arc<dyn FeatureMap>,
    width: usize,
    then: Arc<dyn FeatureMap>,
}

impl Pipeline {
    /// Uses the first `width` features of `first` as the inputs of `then`.
    ///
    /// # Errors
    /// [`Error::Shape`] unless `then` takes inputs of dimension `width`, and if `first` has fewer features;
    /// [`Error::UserCode`] if a map panics.
    pub fn new(
        first: impl FeatureMap + 'static,
        width: usize,
        then: impl FeatureMap + 'static,
    ) -> Result<Self, Error> {
        Error::check_len("features handed to the second map", checked::input_dimension(&then)?, width)?;
        check_outputs(checked::most_features(&first)?, width)?;
        Ok(Self { first: Arc::new(first), width, then: Arc::new(then) })
    }
}

impl FeatureMap for Pipeline {
    fn input_dimension(&self) -> usize {
        self.first.input_dimension()
    }

    fn most_features(&self) -> usize {
        self.then.most_features()
    }

    /// `inputs` `(n, d)` → `(n, p)`; the errors of both maps.
    fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
        checked::design(&*self.then, &checked::design(&*self.first, inputs, self.width)?, p)
    }

    fn columns(&self, inputs: &ArrayRef2<f64>, columns: Range<usize>) -> Result<Array2<f64>, Error> {
        checked::columns(&*self.then, &checked::design(&*self.first, inputs, self.width)?, columns)
    }

    /// The seed of the maps, if only one has a seed or both have the same.
    fn seed(&self) -> Option<u64> {
        common_seed([self.first.seed(), self.then.seed()])
    }

    fn describe(&self) -> String {
        let width = counted(self.width, "feature");
        format!("{}, of {width}: {}", self.then.describe(), self.first.describe())
    }
}
