//! Closed-form linear estimators as training procedures.

use super::{Procedure, one_by_one};
use crate::Error;
use crate::doubled::Doubled;
use crate::features::{FeatureMap, checked};
use crate::filter::{MinNorm, Response, SpectralFilter, penalty};
use crate::memory::{reserve, sum, table};
use crate::nested::{Rows, Test, rows_bytes};
use crate::svd::{Backend, Cutoff, Faer, Svd};
use ndarray::{Array1, Array2, ArrayRef2, Axis, Zip};
use std::sync::Arc;

/// An estimator on the first `p` features of a map, as a training procedure. Its error is the mean square over
/// training rows and outputs, in closed form: with gains `g`
///
/// ```text
/// ‖X β̂ − Y‖² / (n k) = [ Σᵣ (1 − g(σᵣ) σᵣ)² ‖uᵣᵀ Y‖² + ‖(I − U Uᵀ) Y‖² ] / (n k)
/// ```
///
/// Factors `1 − g σ` are those that the filter states ([`SpectralFilter::write_residuals`]): a weak penalty leaves
/// little, and all digits of it. By default a factor within `ε_mach` of 0 is 0, since gains are known to that only,
/// and `I − U Uᵀ` is 0 for `n ≤ p`: what interpolates has the training error 0 exactly, so that a tolerance of 0 means
/// something. Where little of the targets is outside the span of the features, it is found in doubled precision.
///
/// Minimum norm at machine precision and ridge [are nested](Procedure::is_nested): all `n` come from one growing
/// factorisation ([`Rows`]). Its training errors, too, are exactly 0 while rows are independent; past that their square
/// roots are good to a few `ε_mach` of the targets' root mean square, and no better where the penalty is so weak that
/// less is left.
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
    /// The estimator `filter` on the first `features` (`p`) features of `map`.
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

impl Procedure for LinearModel {
    fn training_error(&self, inputs: &ArrayRef2<f64>, targets: &ArrayRef2<f64>) -> Result<f64, Error> {
        let shape @ (n, _) = (inputs.nrows(), self.features);
        // The design, its SVD, what of the targets lies along it and what does not.
        let design = table(n, self.features).saturating_mul(2);
        reserve(
            "a training error",
            sum([design, Faer.bytes(shape), table(n, targets.ncols()).saturating_mul(4)]),
        )?;
        let x = self.design(inputs, targets)?;
        let svd = Svd::new(&x)?;
        let (n, p) = svd.shape();
        let residuals = Array1::from(Response::new(self.filter.as_ref(), svd.spectrum())?.residuals);
        let left = svd.u().t().dot(targets) * residuals.insert_axis(Axis(1));
        let mut squares = left.iter().map(|v| v * v).sum::<f64>();
        if n > p {
            squares += outside(&svd, &x, targets).iter().map(|v| v * v).sum::<f64>();
        }
        let mean = squares / targets.len() as f64;
        if mean.is_infinite() {
            return Err(Error::Overflow { what: "the training error" });
        }
        Ok(mean)
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
        self.filter.penalty().is_some()
    }
}

/// What of the targets `y` is outside the span of `x`, `(I − U Uᵀ) Y`. Where that is little, a difference of targets
/// and fits would be rounding: fits are then taken off in doubled precision, as often as that leaves less.
fn outside(svd: &Svd, x: &ArrayRef2<f64>, y: &ArrayRef2<f64>) -> Array2<f64> {
    let project = |y: &ArrayRef2<f64>| y.to_owned() - svd.u().dot(&svd.u().t().dot(y));
    let length = |y: &ArrayRef2<f64>| y.iter().fold(0.0, |sum: f64, v| sum.hypot(*v));
    let once = project(y);
    if length(&once) > LITTLE * length(y) {
        return once;
    }
    let mut rest = y.map(|&y| Doubled::from(y));
    let mut left = y.to_owned();
    for _ in 0..MOST_FITS {
        let Ok(fit) = MinNorm::with_cutoff(Cutoff::Absolute(svd.cutoff())).and_then(|f| svd.solve(&left, &f))
        else {
            break;
        };
        let mut next = rest.clone();
        for (mut next, x) in next.rows_mut().into_iter().zip(x.rows()) {
            Zip::from(&mut next).and(fit.columns()).for_each(|next, fit| next.subtract_dot(x, fit));
        }
        let next_left = next.map(|rest| rest.value());
        // Not so for NaN.
        let is_less = length(&next_left) < 0.5 * length(&left);
        if !is_less {
            break;
        }
        (rest, left) = (next, next_left);
    }
    project(&left)
}

/// A part of the targets whose digits rounding does not touch: the other 1 − 1e-3 is good to `ε_mach`.
const LITTLE: f64 = 1e-3;

/// Fits taken off, at most: each is good to 16 digits less those of the condition number.
const MOST_FITS: usize = 6;
