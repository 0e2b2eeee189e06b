//! Closed-form linear estimators as training procedures.

use super::search::{Procedure, one_by_one};
use crate::Error;
use crate::features::{FeatureMap, checked};
use crate::filter::{Response, SpectralFilter, known_penalty, penalty};
use crate::machine::memory::{reserve, sum, table};
use crate::nested::{Rows, Test, rows_bytes};
use crate::svd::{Backend, DivideAndConquer, Svd};
use ndarray::{Array1, Array2, ArrayRef2, Axis};
use std::sync::Arc;

/// An estimator on the first `p` features of a map, as a training procedure. Its error is the mean square over
/// training rows and outputs, in closed form: with gains `g`
///
/// ```text
/// ‖X β̂ − Y‖² / (n k) = [ Σᵣ (1 − g(σᵣ) σᵣ)² ‖uᵣᵀ Y‖² + ‖(I − U Uᵀ) Y‖² ] / (n k)
/// ```
///
/// The filter supplies the factors `1 − g σ` ([`SpectralFilter::write_residuals`]): under a weak penalty they are
/// small, but keep all their digits. By default a factor within `ε_mach` of 0 is 0, since gains are known only to that
/// accuracy, and `I − U Uᵀ` is 0 for `n ≤ p`. So an interpolating fit has a training error of exactly 0, and a
/// tolerance of 0 is meaningful. If the targets' part outside the span of the features is small, it is computed in
/// doubled precision.
///
/// Minimum norm at machine precision and ridge [are nested](Procedure::is_nested): all `n` come from one growing
/// factorisation ([`Rows`]). Its training errors are also exactly 0 while rows are independent. Past that, their square
/// roots are accurate to a few `ε_mach` of the targets' root mean square, even if a weak penalty leaves smaller
/// residuals.
///
/// # Examples
/// ```
/// use double_descent::complexity::{LinearModel, Procedure};
/// use double_descent::features::Coordinates;
/// use double_descent::filter::Ridge;
/// use ndarray::array;
/// use std::sync::Arc;
///
/// let ridge = LinearModel::new(Arc::new(Coordinates::new(1)), 1, Arc::new(Ridge::new(3.0)?));
/// let error = ridge.training_error(&array![[1.0]], &array![[8.0]])?;
/// assert!((error - 36.0).abs() < 1e-13); // it predicts 8 / (1 + 3)
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LinearModel {
    map: Arc<dyn FeatureMap>,
    features: usize,
    filter: Arc<dyn SpectralFilter>,
}

impl LinearModel {
    /// Creates the estimator `filter` on the first `features` (`p`) features of `map`.
    #[must_use]
    pub fn new(map: Arc<dyn FeatureMap>, features: usize, filter: Arc<dyn SpectralFilter>) -> Self {
        Self { map, features, filter }
    }

    fn design(&self, inputs: &ArrayRef2<f64>, targets: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        Error::check_len("rows of the targets", inputs.nrows(), targets.nrows())?;
        if targets.is_empty() {
            return Err(Error::Empty { what: "the targets" });
        }
        Error::check_finite("the targets", targets.view())?;
        checked::design(&*self.map, inputs, self.features)
    }
}

impl LinearModel {
    /// Returns the training errors with each of `filters` instead of its own, from one SVD.
    pub(super) fn errors_of(
        &self,
        filters: &[&dyn SpectralFilter],
        inputs: &ArrayRef2<f64>,
        targets: &ArrayRef2<f64>,
    ) -> Result<Vec<f64>, Error> {
        let shape @ (n, _) = (inputs.nrows(), self.features);
        // The design, its SVD, and the targets' parts inside and outside its span.
        let design = table(n, self.features).saturating_mul(2);
        reserve(
            "a training error",
            sum([design, DivideAndConquer.bytes(shape), table(n, targets.ncols()).saturating_mul(4)]),
        )?;
        let x = self.design(inputs, targets)?;
        let svd = Svd::new(&x)?;
        let (n, p) = svd.shape();
        let along = svd.u().t().dot(targets);
        let outside = if n > p { svd.outside(&x, targets).iter().map(|v| v * v).sum::<f64>() } else { 0.0 };
        let error = |filter: &&dyn SpectralFilter| {
            let residuals = Array1::from(Response::new(*filter, svd.spectrum())?.residuals);
            let left = &along * &residuals.insert_axis(Axis(1));
            let mean = (left.iter().map(|v| v * v).sum::<f64>() + outside) / targets.len() as f64;
            if mean.is_infinite() {
                return Err(Error::Overflow { what: "the training error" });
            }
            Ok(mean)
        };
        filters.iter().map(error).collect()
    }
}

impl Procedure for LinearModel {
    fn training_error(&self, inputs: &ArrayRef2<f64>, targets: &ArrayRef2<f64>) -> Result<f64, Error> {
        Ok(self.errors_of(&[self.filter.as_ref()], inputs, targets)?[0])
    }

    fn training_errors(&self, inputs: &ArrayRef2<f64>, targets: &ArrayRef2<f64>) -> Result<Vec<f64>, Error> {
        let Some(lambda) = penalty(self.filter.as_ref())? else {
            return one_by_one(inputs, targets, |inputs, targets| self.training_error(inputs, targets));
        };
        let shape @ (n, p) = (inputs.nrows(), self.features);
        reserve("training errors", sum([table(n, p), rows_bytes(shape, targets.ncols(), 0, lambda > 0.0)]))?;
        let x = self.design(inputs, targets)?;
        let mut rows = Rows::new(x.ncols(), targets.ncols(), Test::None)?;
        if lambda > 0.0 {
            rows = rows.with_ridge(lambda)?;
        }
        Ok(rows.extend(&x, targets)?.iter().map(|point| point.train_mse).collect())
    }

    fn is_nested(&self) -> bool {
        known_penalty(&*self.filter).is_some()
    }
}
