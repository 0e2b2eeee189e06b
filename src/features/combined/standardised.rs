//! Features of mean 0 and variance 1 on training inputs.

use crate::Error;
use crate::features::{FeatureMap, check_outputs, checked, finite};
use crate::machine::spread;
use ndarray::{Array2, ArrayRef2, Axis};
use std::ops::Range;
use std::sync::Arc;

/// The features of another map, shifted and scaled to mean 0 and variance 1 on the training inputs.
///
/// A variance is the mean of the squared deviations over the `n` inputs. All other inputs get the same shifts and
/// scales. A feature that is constant on the training inputs, up to the rounding of its mean, becomes 0 everywhere.
///
/// Standardising changes which fit has minimum norm. For `n ≥ p`, with an intercept as well, it does not change the
/// fit. To standardise inputs, standardise [`Coordinates`](crate::features::Coordinates) and pass them on in a
/// [`Pipeline`](crate::features::Pipeline).
///
/// # Examples
/// ```
/// use double_descent::features::{Coordinates, FeatureMap, Standardised};
/// use ndarray::array;
///
/// let map = Standardised::fit(Coordinates::new(2), &array![[1.0, 5.0], [3.0, 5.0]], 2)?;
/// assert_eq!(map.design(&array![[1.0, 5.0], [7.0, 8.0]], 2)?, array![[-1.0, 0.0], [5.0, 0.0]]);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Standardised {
    map: Arc<dyn FeatureMap>,
    means: Vec<f64>,
    /// The factors that features are multiplied by; 0 for a constant feature.
    scales: Vec<f64>,
}

impl Standardised {
    /// Computes the means and deviations of the first `features` columns of `map` at training `inputs` `(n, d)`.
    ///
    /// # Errors
    /// Those of `map`; [`Error::UserCode`] if it panics, or gives a table of the wrong shape, NaN or an infinity;
    /// [`Error::Overflow`] if a mean, a deviation or a scale does not fit into `f64`; [`Error::Empty`] without inputs.
    pub fn fit(
        map: impl FeatureMap + 'static,
        inputs: &ArrayRef2<f64>,
        features: usize,
    ) -> Result<Self, Error> {
        let design = checked::design(&map, inputs, features)?;
        if design.nrows() == 0 {
            return Err(Error::Empty { what: "the training inputs of a standardised map" });
        }
        let (mut means, mut scales) = (Vec::new(), Vec::new());
        for column in design.columns() {
            let mean = spread::mean(column.iter().copied(), || column.mean().unwrap_or(0.0));
            let centred: Vec<f64> = column.iter().map(|v| v - mean).collect();
            let deviation = spread::deviation(centred.iter().copied(), mean);
            let scale = if deviation == 0.0 { 0.0 } else { deviation.recip() };
            if !(mean.is_finite() && deviation.is_finite() && scale.is_finite()) {
                return Err(Error::Overflow { what: "the mean or deviation of a feature" });
            }
            means.push(mean);
            scales.push(scale);
        }
        Ok(Self { map: Arc::new(map), means, scales })
    }

    /// The number of standardised features: the largest `p`.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.means.len()
    }
}

impl FeatureMap for Standardised {
    fn input_dimension(&self) -> usize {
        self.map.input_dimension()
    }

    fn most_features(&self) -> usize {
        self.outputs()
    }

    /// `inputs` `(n, d)` → `(n, p)`. [`Error::Shape`] for `p` over [`Standardised::outputs`], and the other map's
    /// errors.
    fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
        self.columns(inputs, 0..p)
    }

    fn columns(&self, inputs: &ArrayRef2<f64>, columns: Range<usize>) -> Result<Array2<f64>, Error> {
        check_outputs(self.outputs(), columns.end)?;
        let mut design = checked::columns(&*self.map, inputs, columns.clone())?;
        let factors = self.means[columns.clone()].iter().zip(&self.scales[columns]);
        for (mut column, (mean, scale)) in design.axis_iter_mut(Axis(1)).zip(factors) {
            column.mapv_inplace(|v| if *scale == 0.0 { 0.0 } else { (v - mean) * scale });
        }
        finite(design, "a standardised feature")
    }

    fn seed(&self) -> Option<u64> {
        self.map.seed()
    }

    fn describe(&self) -> String {
        format!("{}, standardised on training inputs", self.map.describe())
    }
}
