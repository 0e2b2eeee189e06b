//! The posterior of the parameters, and its predictions.

use super::Model;
use crate::Error;
use crate::machine::memory::{reserve, sum, table};
use crate::svd::Svd;
use ndarray::{Array1, Array2, ArrayRef2, Axis, Zip};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use std::f64::consts::PI;

/// The posterior of the parameters of a [`Model`], given features and targets: normal, with
///
/// ```text
/// mean        β̂ = Σᵣ τ²σᵣ/(v + τ²σᵣ²) (uᵣ·y) vᵣ                         ridge regression, λ = v/τ²
/// covariance  Σᵣ τ²v/(v + τ²σᵣ²) vᵣvᵣᵀ + τ² (I − V Vᵀ)                  the same for every output
/// ```
///
/// Stored as `r` modes; only [`Posterior::covariance`] forms a `p × p` matrix.
///
/// # Examples
/// ```
/// use double_descent::bayes::{Model, Posterior};
/// use double_descent::{rng::stream, svd::Svd};
/// use ndarray::array;
///
/// let (x, y) = (array![[1.0, 0.0]], array![[2.0]]);
/// let svd = Svd::new(&x)?;
/// let posterior = Posterior::new(&svd, &y, Model::new(1.0, 1.0)?)?;
/// assert!((posterior.mean()[[0, 0]] - 1.0).abs() < 1e-15);
/// assert!((posterior.variances()?[0] - 0.5).abs() < 1e-15); // half of the prior's
/// assert!((posterior.variances()?[1] - 1.0).abs() < 1e-15); // no row speaks of it
/// let draw = posterior.draw(&mut stream(0, 0, 0))?;
/// assert_eq!(draw.dim(), (2, 1));
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Posterior<'a> {
    svd: &'a Svd,
    model: Model,
    mean: Array2<f64>,
    /// The posterior's standard deviation along each mode.
    deviations: Array1<f64>,
}

/// Predictions with their variance ([`Posterior::predict`]).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Prediction {
    /// The posterior mean of `x·β`, `m × k`.
    pub mean: Array2<f64>,
    /// The posterior variances of `x·β`, `m`, the same for every output.
    pub variance: Array1<f64>,
    /// The noise variance; a target's variance is [`Prediction::variance`] plus this.
    pub noise_variance: f64,
}

/// Errors of a posterior's predictions on a table ([`Prediction::error`]), averaged over rows and outputs.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PredictiveError {
    /// The squared error of the posterior mean.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub of_mean: f64,
    /// The expected squared error of one draw of the parameters from the posterior.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub of_draw: f64,
    /// The log predictive density of a target, with the noise in its variance; `None` if it is not finite, as if all
    /// variances are 0.
    #[cfg_attr(feature = "serde", serde(default, with = "crate::machine::stored::optional_number"))]
    pub log_density: Option<f64>,
}

impl<'a> Posterior<'a> {
    /// Computes the posterior given the rows that `svd` factorises and their targets `y` (`n × k`).
    ///
    /// # Errors
    /// [`Error::Shape`] unless `y` has `n` rows, [`Error::NonFinite`], [`Error::Unsupported`] for a model without noise
    /// unless rows are independent, [`Error::Overflow`] for a parameter that does not fit into `f64`,
    /// [`Error::Memory`].
    pub fn new(svd: &'a Svd, y: &ArrayRef2<f64>, model: Model) -> Result<Self, Error> {
        let (n, p) = svd.shape();
        Error::check_len("rows of y", n, y.nrows())?;
        Error::check_finite("y", y.view())?;
        model.check(svd)?;
        let modes = svd.singular_values().len();
        reserve("a posterior", sum([table(p, y.ncols()), table(modes, y.ncols()).saturating_mul(2)]))?;
        let gains: Array1<f64> = model.modes(svd).map(|mode| mode.gain * mode.signal).collect();
        let along = svd.u().t().dot(y);
        let mean = svd.vt().t().dot(&(along * gains.insert_axis(Axis(1))));
        Error::check_finite("coefficients", mean.view())
            .map_err(|_| Error::Overflow { what: "a mean of the posterior" })?;
        let deviations = model.modes(svd).map(|mode| mode.noise * model.prior_deviation()).collect();
        Ok(Self { svd, model, mean, deviations })
    }

    /// The variances of prior and noise.
    #[must_use]
    pub fn model(&self) -> Model {
        self.model
    }

    /// The posterior mean `β̂`, `p × k`.
    #[must_use]
    pub fn mean(&self) -> &Array2<f64> {
        &self.mean
    }

    /// The posterior variance of each parameter, `p`; for `p > n` accurate to a few `ε_mach τ²`.
    ///
    /// # Errors
    /// [`Error::Memory`] if it does not fit into memory.
    pub fn variances(&self) -> Result<Array1<f64>, Error> {
        let (n, p) = self.svd.shape();
        reserve("the variances of a posterior", table(p, 3))?;
        let mut variances = Array1::zeros(p);
        let mut beyond = Array1::from_elem(p, if n < p { 1.0 } else { 0.0 });
        for (v, deviation) in self.svd.vt().rows().into_iter().zip(&self.deviations) {
            Zip::from(&mut variances).and(&v).for_each(|sum, v| *sum += (v * deviation).powi(2));
            Zip::from(&mut beyond).and(&v).for_each(|rest, v| *rest -= v * v);
        }
        if n < p {
            let prior = self.model.prior_variance();
            Zip::from(&mut variances).and(&beyond).for_each(|sum, rest| *sum += rest.max(0.0) * prior);
        }
        Ok(variances)
    }

    /// The posterior covariance, `p × p`.
    ///
    /// # Errors
    /// [`Error::Memory`] if it does not fit into memory.
    pub fn covariance(&self) -> Result<Array2<f64>, Error> {
        let (n, p) = self.svd.shape();
        reserve("the covariance of a posterior", table(p, p).saturating_mul(6))?;
        let scaled = self.svd.vt() * &self.deviations.view().insert_axis(Axis(1));
        let along = scaled.t().dot(&scaled);
        if n >= p {
            return Ok(along);
        }
        Ok(along + self.svd.right().beyond_modes(&Array2::eye(p)) * self.model.prior_variance())
    }

    /// Draws the parameters, `p × k`, independently for each output: `β̂ + V diag(s) Vᵀz + τ (I − V Vᵀ) z` with `z`
    /// standard normal and `s` the deviations along the modes. No large parts cancel: a mode that is known to 1e-12 of
    /// the prior's deviation varies by 1e-12.
    ///
    /// # Errors
    /// [`Error::Memory`] if it does not fit into memory.
    pub fn draw(&self, rng: &mut impl Rng) -> Result<Array2<f64>, Error> {
        let (n, p) = self.svd.shape();
        let k = self.mean.ncols();
        reserve("a draw from a posterior", table(p, k).saturating_mul(6))?;
        let z: Array2<f64> = Array2::from_shape_simple_fn((p, k), || rng.sample(StandardNormal));
        let along = self.svd.vt().dot(&z) * self.deviations.view().insert_axis(Axis(1));
        let mut draw = &self.mean + &self.svd.vt().t().dot(&along);
        if n < p {
            draw.scaled_add(self.model.prior_deviation(), &self.svd.right().beyond_modes(&z.t()).t());
        }
        Ok(draw)
    }

    /// Predicts at the rows of `x` (`m × p`), with posterior variances, from the modes alone.
    ///
    /// # Errors
    /// [`Error::Shape`] if `x` has not `p` columns, [`Error::NonFinite`], [`Error::Overflow`] for a mean or a variance
    /// that does not fit into `f64`, [`Error::Memory`].
    pub fn predict(&self, x: &ArrayRef2<f64>) -> Result<Prediction, Error> {
        let (n, p) = self.svd.shape();
        Error::check_len("columns of x", p, x.ncols())?;
        Error::check_finite("x", x.view())?;
        let (m, r) = (x.nrows(), self.deviations.len());
        let beyond = if n < p { table(m, p).saturating_mul(3) } else { 0 };
        reserve("predictions", sum([table(m, self.mean.ncols()), table(m, r), table(m, 2), beyond]))?;
        let mean = x.dot(&self.mean);
        let projections = x.dot(&self.svd.vt().t());
        let along = |row: ndarray::ArrayView1<'_, f64>| {
            row.iter().zip(&self.deviations).map(|(t, deviation)| (t * deviation).powi(2)).sum::<f64>()
        };
        let mut variance: Array1<f64> = projections.rows().into_iter().map(along).collect();
        if n < p {
            let beyond = self.svd.right().beyond_modes(x);
            let deviation = self.model.prior_deviation();
            for (variance, row) in variance.iter_mut().zip(beyond.rows()) {
                *variance += row.iter().map(|t| (t * deviation).powi(2)).sum::<f64>();
            }
        }
        let overflow = |_| Error::Overflow { what: "a prediction" };
        Error::check_finite("predictions", mean.view()).map_err(overflow)?;
        Error::check_finite("variances", variance.view().insert_axis(Axis(1))).map_err(overflow)?;
        Ok(Prediction { mean, variance, noise_variance: self.model.noise_variance() })
    }
}

impl Prediction {
    /// Computes the errors against targets (`m × k`).
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Shape`] unless the targets have the shape of the predictions, [`Error::NonFinite`],
    /// [`Error::Overflow`] if an error does not fit into `f64`.
    ///
    /// # Examples
    /// ```
    /// use double_descent::bayes::{Model, Posterior};
    /// use double_descent::svd::Svd;
    /// use ndarray::array;
    ///
    /// let (x, y) = (array![[1.0]], array![[2.0]]);
    /// let svd = Svd::new(&x)?;
    /// let error = Posterior::new(&svd, &y, Model::new(1.0, 1.0)?)?.predict(&x)?.error(&array![[3.0]])?;
    /// assert!((error.of_mean - 4.0).abs() < 1e-14); // it predicts 1
    /// assert!((error.of_draw - 4.5).abs() < 1e-14);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn error(&self, targets: &ArrayRef2<f64>) -> Result<PredictiveError, Error> {
        Error::check_len("rows of the targets", self.mean.nrows(), targets.nrows())?;
        Error::check_len("columns of the targets", self.mean.ncols(), targets.ncols())?;
        if targets.is_empty() {
            return Err(Error::Empty { what: "the targets" });
        }
        Error::check_finite("the targets", targets.view())?;
        let (mut squares, mut spread, mut log) = (0.0, 0.0, 0.0);
        for ((mean, targets), variance) in
            self.mean.rows().into_iter().zip(targets.rows()).zip(&self.variance)
        {
            let whole = variance + self.noise_variance;
            for (mean, target) in mean.iter().zip(targets) {
                let square = (mean - target).powi(2);
                squares += square;
                spread += variance;
                log += -0.5 * ((2.0 * PI).ln() + whole.ln() + square / whole);
            }
        }
        let count = targets.len() as f64;
        let of_mean = squares / count;
        let of_draw = of_mean + spread / count;
        if !of_draw.is_finite() {
            return Err(Error::Overflow { what: "a predictive error" });
        }
        Ok(PredictiveError { of_mean, of_draw, log_density: Some(log / count).filter(|log| log.is_finite()) })
    }
}
