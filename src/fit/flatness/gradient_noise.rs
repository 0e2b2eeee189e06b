//! Covariance of the rows' gradients.

use super::Curvature;
use crate::Error;
use crate::filter::{Response, SpectralFilter};
use crate::machine::memory::{reserve, sum, table};
use crate::svd::{Svd, product};
use ndarray::{Array1, Array2, ArrayRef2, ArrayView1, Axis, stack};

/// The gradients of single rows and their covariance, `C = mean gᵢgᵢᵀ − ḡḡᵀ` with `gᵢ = xᵢ (xᵢ·β − yᵢ)`, for the loss
/// `‖Xβ − y‖²/(2n)` and one output. This is the noise that stochastic gradient descent adds to a step.
///
/// Stored in the coordinates of the `r` modes, whose span contains it: `C = V M Vᵀ` with `M` of `r × r`.
///
/// Along a path from the start `β₀`, the residuals have a closed form in a filter's residual factors `q(t)`:
///
/// ```text
/// Xβ(t) − y = −(I − U Uᵀ + U diag(q(t)) Uᵀ)(y − Xβ₀)            gradient flow: q = exp(−t σ²/n)
/// ```
///
/// # Examples
/// ```
/// use double_descent::filter::{GradientFlow, Loss};
/// use double_descent::{flatness::GradientNoise, svd::Svd};
/// use ndarray::array;
///
/// let (x, y) = (array![[1.0, 0.0], [0.0, 1.0]], array![[1.0], [-1.0]]);
/// let svd = Svd::new(&x)?;
/// let trace = |t: f64| -> Result<f64, double_descent::Error> {
///     Ok(GradientNoise::on_path(&svd, &x, &y, &GradientFlow::new(t, Loss::HalfMean)?, None)?.trace())
/// };
/// assert!((trace(0.0)? - 0.5).abs() < 1e-14); // gradients (−1, 0) and (0, 1)
/// assert!((trace(2.0)? / trace(0.0)? - (-2.0_f64).exp()).abs() < 1e-14); // e^(−2 t/n)
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct GradientNoise<'a> {
    svd: &'a Svd,
    /// The rows' gradients in the modes' coordinates minus their mean, divided by `√n`: `n × r`.
    centred: Array2<f64>,
    /// `ḡ` in the modes' coordinates, `r`.
    mean: Array1<f64>,
}

impl<'a> GradientNoise<'a> {
    /// Computes the noise at residuals `Xβ − y` (`n × 1`), for the `X` that `svd` factorises.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of rows, [`Error::Unsupported`] for more than one output,
    /// [`Error::NonFinite`], [`Error::Overflow`] if a mean square of the gradients does not fit into `f64`,
    /// [`Error::Memory`].
    pub fn new(svd: &'a Svd, residuals: &ArrayRef2<f64>) -> Result<Self, Error> {
        let (n, _) = svd.shape();
        Error::check_len("rows of the residuals", n, residuals.nrows())?;
        single("the residuals", residuals)?;
        Error::check_finite("the residuals", residuals.view())?;
        let r = svd.singular_values().len();
        reserve("the gradients of the rows", sum([table(n, r).saturating_mul(2), table(r, 2)]))?;
        let mut gradients = svd.u() * svd.singular_values();
        gradients *= &residuals.column(0).insert_axis(Axis(1));
        let mean = gradients.sum_axis(Axis(0)) / n as f64;
        let centred = (gradients - &mean) / (n as f64).sqrt();
        let noise = Self { svd, centred, mean };
        if noise.trace().is_finite() && noise.squared_mean().is_finite() {
            return Ok(noise);
        }
        Err(Error::Overflow { what: "the trace of the gradient noise" })
    }

    /// Computes the noise at the fit of `filter` to `y` (`n × 1`) from the start `β₀` (`p × 1`; `None` means 0): any
    /// point of any path. `x` (`n × p`) is the matrix that `svd` factorises.
    ///
    /// # Errors
    /// As [`GradientNoise::new`]; those of the filter, [`Error::UserCode`] if it panics or returns invalid gains.
    pub fn on_path(
        svd: &'a Svd,
        x: &ArrayRef2<f64>,
        y: &ArrayRef2<f64>,
        filter: &dyn SpectralFilter,
        start: Option<&ArrayRef2<f64>>,
    ) -> Result<Self, Error> {
        let (n, p) = svd.shape();
        Error::check_len("rows of the features", n, x.nrows())?;
        Error::check_len("columns of the features", p, x.ncols())?;
        Error::check_len("rows of y", n, y.nrows())?;
        single("y", y)?;
        Error::check_finite("y", y.view())?;
        reserve("the residuals of a path", table(n, 4))?;
        let mut left = y.to_owned();
        if let Some(start) = start {
            check_parameters("the start", svd, start)?;
            left -= &x.dot(start);
        }
        let factors = Array1::from(Response::new(filter, svd.spectrum())?.residuals).insert_axis(Axis(1));
        let inside = svd.u().dot(&(svd.u().t().dot(&left) * factors));
        Self::new(svd, &-(inside + svd.outside(x, &left)))
    }

    /// `tr C = mean ‖gᵢ − ḡ‖²`.
    #[must_use]
    pub fn trace(&self) -> f64 {
        self.centred.iter().map(|g| g * g).sum()
    }

    /// `‖ḡ‖²`, the squared norm of the full gradient.
    #[must_use]
    pub fn squared_mean(&self) -> f64 {
        self.mean.iter().map(|g| g * g).sum()
    }

    /// `mean ‖gᵢ‖² = tr C + ‖ḡ‖²`; divided by `v²`, the trace of the empirical Fisher matrix of one row.
    #[must_use]
    pub fn mean_square(&self) -> f64 {
        self.trace() + self.squared_mean()
    }

    /// Returns `C` in the coordinates of the modes: the `M` (`r × r`) of `C = V M Vᵀ`.
    ///
    /// # Errors
    /// [`Error::Memory`] if it does not fit into memory.
    pub fn in_modes(&self) -> Result<Array2<f64>, Error> {
        let r = self.mean.len();
        reserve("a gradient covariance", table(r, r))?;
        Ok(self.centred.t().dot(&self.centred))
    }

    /// Returns the cosine of the angle between `C` and a curvature of the same SVD (`H` or `F`, which are parallel),
    /// `tr CH/(‖C‖ ‖H‖)`. `None` if one of them is 0: an interpolator has no noise and so no angle.
    ///
    /// # Errors
    /// [`Error::Shape`] for a curvature with another number of modes, [`Error::Memory`].
    pub fn cosine(&self, curvature: &Curvature<'_>) -> Result<Option<f64>, Error> {
        Error::check_len("eigenvalues of the curvature", self.mean.len(), curvature.eigenvalues().len())?;
        // In units of the largest gradient and eigenvalue, so that fourth powers do not overflow.
        let largest = self.centred.iter().fold(0.0, |most: f64, g| most.max(g.abs()));
        let mu = curvature.largest();
        if largest == 0.0 || mu == 0.0 {
            return Ok(None);
        }
        let (n, r) = self.centred.dim();
        reserve("a gradient covariance", sum([table(n, r), table(r, r)]))?;
        let scaled = &self.centred / largest;
        let noise = scaled.t().dot(&scaled);
        let product: f64 = noise.diag().iter().zip(curvature.eigenvalues()).map(|(c, m)| c * (m / mu)).sum();
        let length = noise.iter().map(|c| c * c).sum::<f64>().sqrt();
        Ok(Some((product / length / (curvature.frobenius_norm() / mu)).clamp(-1.0, 1.0)))
    }

    /// Computes `Σ dᵀ C d` over the columns of `D` (`p × k`).
    ///
    /// # Errors
    /// [`Error::Shape`] unless `D` has `p` rows, [`Error::NonFinite`], [`Error::Overflow`] if it does not fit into
    /// `f64`, [`Error::Memory`].
    pub fn along(&self, directions: &ArrayRef2<f64>) -> Result<f64, Error> {
        Error::check_len("rows of the directions", self.svd.shape().1, directions.nrows())?;
        Error::check_finite("the directions", directions.view())?;
        let k = directions.ncols();
        reserve("gradient noise along directions", table(self.centred.nrows() + self.mean.len(), k))?;
        let value: f64 = self.centred.dot(&self.svd.vt().dot(directions)).iter().map(|t| t * t).sum();
        if value.is_finite() {
            Ok(value)
        } else {
            Err(Error::Overflow { what: "gradient noise along directions" })
        }
    }
}

/// Expected gradient noise along a path, over label noise: traces for the loss `‖Xβ − y‖²/(2n)` and one output.
///
/// With `Q = I − U Uᵀ + U diag(q) Uᵀ` for a filter's residual factors `q`, and `m = Q X(β* − β₀)`,
///
/// ```text
/// E tr C = 1/n Σᵢ ‖xᵢ‖² (mᵢ² + v (QQᵀ)ᵢᵢ) − ‖Xᵀm/n‖² − v/n² ‖XᵀQ‖²_F
/// ```
///
/// # Examples
/// ```
/// use double_descent::filter::{GradientFlow, Loss};
/// use double_descent::{flatness::ExpectedGradientNoise, svd::Svd};
/// use ndarray::array;
///
/// let svd = Svd::new(&array![[1.0, 0.0], [0.0, 1.0]])?;
/// let flow = GradientFlow::new(1e9, Loss::HalfMean)?;
/// let noise = ExpectedGradientNoise::new(&svd, &flow, &array![[1.0], [2.0]], None, 0.5)?;
/// assert_eq!((noise.trace, noise.train_mse), (0.0, 0.0)); // it interpolates
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ExpectedGradientNoise {
    /// `E tr C`.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub trace: f64,
    /// `E mean ‖gᵢ‖²`.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub mean_square: f64,
    /// `E ‖ḡ‖²`.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub squared_mean: f64,
    /// `E ‖Xβ − y‖²/n`.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub train_mse: f64,
}

impl ExpectedGradientNoise {
    /// Computes the noise at the fit of `filter` from `start` (`p × 1`; `None` means 0) to targets of the teacher
    /// `beta` (`p × 1`) with label noise of variance `noise_variance`.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::Unsupported`] for more than one output, [`Error::NonFinite`], [`Error::Domain`]
    /// unless the noise variance is finite and ≥ 0, [`Error::Overflow`] if an expectation does not fit into `f64`,
    /// [`Error::Memory`]; those of the filter, [`Error::UserCode`] if it panics or returns invalid gains.
    pub fn new(
        svd: &Svd,
        filter: &dyn SpectralFilter,
        beta: &ArrayRef2<f64>,
        start: Option<&ArrayRef2<f64>>,
        noise_variance: f64,
    ) -> Result<Self, Error> {
        if !(noise_variance >= 0.0 && noise_variance.is_finite()) {
            let must_be = "finite and ≥ 0";
            return Err(Error::Domain { what: "the noise variance", value: noise_variance, must_be });
        }
        check_parameters("the teacher's parameters", svd, beta)?;
        let mut teacher = beta.to_owned();
        if let Some(start) = start {
            check_parameters("the start", svd, start)?;
            teacher.scaled_add(-1.0, start);
        }
        let ((n, _), sigma) = (svd.shape(), svd.singular_values());
        reserve(
            "an expected gradient noise",
            sum([table(n, sigma.len()), table(n.saturating_add(sigma.len()), 8)]),
        )?;
        let factors = Array1::from(Response::new(filter, svd.spectrum())?.residuals);
        // Xᵀ m and Uᵀ m.
        let left = svd.vt().dot(&teacher.column(0)) * sigma * &factors;
        let means = svd.u().dot(&left);
        // Per row of U: the sums of its squares, and of its squares times q² and times σ².
        let weights = stack![Axis(1), Array1::ones(sigma.len()), &factors * &factors, sigma * sigma];
        let sums = product(svd.u().mapv(|u| u * u).view(), weights.view());
        let (mut mean_square, mut train) = (0.0, 0.0);
        for (sums, m) in sums.rows().into_iter().zip(&means) {
            let beyond = if n > sigma.len() { (1.0 - sums[0]).max(0.0) } else { 0.0 };
            let square = m * m + noise_variance * (beyond + sums[1]);
            mean_square += square * sums[2];
            train += square;
        }
        let rows = n as f64;
        let squares = |values: ArrayView1<'_, f64>| values.iter().map(|v| v * v).sum::<f64>();
        let (gradient, spread) = (&left * sigma, sigma * &factors);
        let squared_mean = squares(gradient.view()) / (rows * rows)
            + noise_variance * (squares(spread.view()) / (rows * rows));
        mean_square /= rows;
        let found = Self {
            trace: (mean_square - squared_mean).max(0.0),
            mean_square,
            squared_mean,
            train_mse: train / rows,
        };
        if found.mean_square.is_finite() && found.squared_mean.is_finite() && found.train_mse.is_finite() {
            return Ok(found);
        }
        Err(Error::Overflow { what: "an expected gradient noise" })
    }
}

/// Computes `tr C` at `β = β* + δ` for a population: normal rows of covariance `Σ` with the eigenvalues `ℓ`, `δ` in its
/// eigenbasis, and label noise of variance `v`. There `C = (δᵀΣδ + v) Σ + Σδδᵀ Σ`, the covariance of one row's gradient
/// `x (x·β − y)`, so `tr C = (Σ ℓδ² + v) Σ ℓ + Σ ℓ²δ²`.
///
/// # Errors
/// [`Error::Shape`] for lists of different lengths, [`Error::Empty`], [`Error::Domain`] for an eigenvalue or a noise
/// variance that is negative or not finite, or an entry of `δ` that is not finite; [`Error::Overflow`] if the trace
/// does not fit into `f64`.
pub fn population_trace(eigenvalues: &[f64], delta: &[f64], noise_variance: f64) -> Result<f64, Error> {
    if eigenvalues.is_empty() {
        return Err(Error::Empty { what: "the eigenvalues of a covariance" });
    }
    Error::check_len("entries of δ", eigenvalues.len(), delta.len())?;
    let checks = eigenvalues.iter().map(|value| ("eigenvalue", *value));
    for (what, value) in checks.chain([("the noise variance", noise_variance)]) {
        if !(value >= 0.0 && value.is_finite()) {
            return Err(Error::Domain { what, value, must_be: "finite and ≥ 0" });
        }
    }
    if let Some(&value) = delta.iter().find(|value| !value.is_finite()) {
        return Err(Error::Domain { what: "an entry of δ", value, must_be: "finite" });
    }
    let pairs = || eigenvalues.iter().zip(delta);
    let risk: f64 = pairs().map(|(l, d)| l * d * d).sum();
    let trace = (risk + noise_variance) * eigenvalues.iter().sum::<f64>()
        + pairs().map(|(l, d)| (l * d).powi(2)).sum::<f64>();
    if trace.is_finite() {
        Ok(trace)
    } else {
        Err(Error::Overflow { what: "the trace of the gradient noise" })
    }
}

fn single(what: &'static str, table: &ArrayRef2<f64>) -> Result<(), Error> {
    if table.ncols() == 1 {
        return Ok(());
    }
    let columns = table.ncols();
    let reason = format!(
        "{what} have {columns} columns; gradient noise is defined for one output, so take one column"
    );
    Err(Error::Unsupported { reason })
}

fn check_parameters(what: &'static str, svd: &Svd, beta: &ArrayRef2<f64>) -> Result<(), Error> {
    Error::check_len(what, svd.shape().1, beta.nrows())?;
    single(what, beta)?;
    Error::check_finite(what, beta.view())
}
