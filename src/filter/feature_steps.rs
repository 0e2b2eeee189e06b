//! A step size for each feature.

use super::checked;
use crate::Error;
use crate::machine::memory::{reserve, table};
use ndarray::{Array1, Array2, ArrayRef2, Axis};

/// A step size, or a speed, `ηⱼ` for each feature: `β ← β − diag(η) ∇L(β)`, or `dβ/dt = −diag(η) ∇L(β)`.
///
/// With `β = diag(√η) a` that is descent with the one step size 1 on the design `X diag(√η)`, so every filter here does
/// it: features that differ in scale, or in the step that their parameters take, are learned at different times, and
/// the test error may descend twice in time (Heckel and Yilmaz, *Early stopping in deep networks: double descent and how
/// to eliminate it*, ICLR 2021, section 3; equal speeds of all features remove the second descent). The limit of
/// time is a solution of least squares, of all of them the one with the least `Σ βⱼ²/ηⱼ`.
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
/// From a start `β₀`, add it to the coefficients that are found for the targets `y − X β₀`; a feature with the step 0
/// then stays where it starts.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureSteps {
    roots: Array1<f64>,
}

impl FeatureSteps {
    /// With the step size of each feature, `p` of them.
    ///
    /// # Errors
    /// [`Error::Empty`] for none; [`Error::Domain`] unless all are finite and at least 0.
    pub fn new(steps: &[f64]) -> Result<Self, Error> {
        if steps.is_empty() {
            return Err(Error::Empty { what: "the list of step sizes" });
        }
        let roots = steps.iter().map(|&step| checked("a step size", step).map(f64::sqrt));
        Ok(Self { roots: roots.collect::<Result<_, _>>()? })
    }

    /// `X diag(√η)`, `n × p`: the design on which all steps are 1.
    ///
    /// # Errors
    /// [`Error::Shape`] unless `x` has a column for each step, [`Error::Memory`].
    pub fn design(&self, x: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        Error::check_len("columns of x, one for each step size", self.roots.len(), x.ncols())?;
        reserve("a scaled design", table(x.nrows(), x.ncols()))?;
        Ok(x.to_owned() * &self.roots)
    }

    /// `diag(√η) A`, `p × k`: the coefficients of a fit `A` on that design, for the features as they were.
    ///
    /// # Errors
    /// [`Error::Shape`] unless `fit` has a row for each step, [`Error::Memory`].
    pub fn coefficients(&self, fit: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        Error::check_len("rows of the fit, one for each step size", self.roots.len(), fit.nrows())?;
        reserve("the coefficients of a fit", table(fit.nrows(), fit.ncols()))?;
        Ok(fit.to_owned() * self.roots.view().insert_axis(Axis(1)))
    }
}
