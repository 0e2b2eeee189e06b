//! Gradient descent with a separate step size for each feature.

use super::checked;
use crate::Error;
use crate::machine::memory::{reserve, table};
use ndarray::{Array1, Array2, ArrayRef2, Axis};

/// A step size, or learning speed, `ηⱼ` for each feature: `β ← β − diag(η) ∇L(β)`, or `dβ/dt = −diag(η) ∇L(β)`.
///
/// With `β = diag(√η) a` this is descent with step size 1 on the design `X diag(√η)`, so every filter here applies.
/// Features that differ in scale or in step size are learned at different times, and the test error may descend twice
/// in time (Heckel and Yilmaz, *Early stopping in deep networks: double descent and how to eliminate it*, ICLR 2021,
/// section 3; equal speeds for all features remove the second descent). In the limit of long training, the fit is the
/// least-squares solution with the least `Σ βⱼ²/ηⱼ`.
///
/// # Examples
/// ```
/// use double_descent::filter::{FeatureSteps, GradientDescent, Loss, Schedule};
/// use double_descent::svd::Svd;
/// use ndarray::array;
///
/// let (x, y) = (array![[1.0, 0.0], [0.0, 1.0]], array![[8.0], [8.0]]);
/// let steps = FeatureSteps::new(&[0.5, 0.25])?;
/// let svd = Svd::new(&steps.design(&x)?)?;
/// let twice = GradientDescent::new(Schedule::Constant(1.0), 2, Loss::HalfSum)?;
/// let beta = steps.coefficients(&svd.solve(&y, &twice)?)?;
/// assert!((beta[[0, 0]] - 6.0).abs() < 1e-13 && (beta[[1, 0]] - 3.5).abs() < 1e-13);
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// To start from `β₀`, fit the targets `y − X β₀` and add `β₀` to the coefficients. A feature with step size 0 then
/// keeps its starting value.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureSteps {
    roots: Array1<f64>,
}

impl FeatureSteps {
    /// The descent with one step size per feature, `p` in all.
    ///
    /// # Errors
    /// [`Error::Empty`] for an empty list; [`Error::Domain`] unless all are finite and at least 0.
    pub fn new(steps: &[f64]) -> Result<Self, Error> {
        if steps.is_empty() {
            return Err(Error::Empty { what: "the list of step sizes" });
        }
        let roots = steps.iter().map(|&step| checked("a step size", step).map(f64::sqrt));
        Ok(Self { roots: roots.collect::<Result<_, _>>()? })
    }

    /// Returns `X diag(√η)`, `n × p`, for `x` (`n × p`): the design on which every step size is 1.
    ///
    /// # Errors
    /// [`Error::Shape`] unless `x` has a column for each step, [`Error::Memory`].
    pub fn design(&self, x: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        Error::check_len("columns of x, one for each step size", self.roots.len(), x.ncols())?;
        reserve("a scaled design", table(x.nrows(), x.ncols()))?;
        Ok(x.to_owned() * &self.roots)
    }

    /// Returns `diag(√η) A`, `p × k`: the coefficients for `X` from a fit `A` (`p × k`) on the scaled design.
    ///
    /// # Errors
    /// [`Error::Shape`] unless `fit` has a row for each step, [`Error::Memory`].
    pub fn coefficients(&self, fit: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        Error::check_len("rows of the fit, one for each step size", self.roots.len(), fit.nrows())?;
        reserve("the coefficients of a fit", table(fit.nrows(), fit.ncols()))?;
        Ok(fit.to_owned() * self.roots.view().insert_axis(Axis(1)))
    }
}
