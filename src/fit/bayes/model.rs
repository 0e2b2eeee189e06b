//! The variances of prior and noise, and their effect along one singular direction.

use crate::Error;
use crate::machine::memory::{reserve, sum, table};
use crate::risk::Compressed;
use crate::svd::Svd;
use ndarray::ArrayRef2;

/// `y = X β + ε` with `β ~ N(0, τ² I_p)` and `ε ~ N(0, v I_n)`: the variances `τ²` of the prior (per parameter) and `v`
/// of the noise.
///
/// Singular values of at most `max(n, p) ε σ₁` may be nothing but rounding error. They count as 0 in everything that is
/// computed from a model: data say nothing about their directions.
///
/// # Examples
/// ```
/// use double_descent::bayes::Model;
///
/// let model = Model::new(0.5, 0.1)?;
/// assert_eq!(model.penalty(), 0.2); // λ = v/τ² of ridge
/// assert!(Model::new(0.5, -0.1).is_err());
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model {
    prior_variance: f64,
    noise_variance: f64,
}

impl Model {
    /// Creates a model from the variance of each parameter, `τ²`, and of the noise, `v`. One of them may be 0: no
    /// signal, or targets that the model must fit exactly.
    ///
    /// # Errors
    /// [`Error::Domain`] unless both are finite and ≥ 0, and one of them > 0.
    pub fn new(prior_variance: f64, noise_variance: f64) -> Result<Self, Error> {
        for (what, value) in [("the prior variance", prior_variance), ("the noise variance", noise_variance)]
        {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(Error::Domain { what, value, must_be: "finite and ≥ 0" });
            }
        }
        if prior_variance == 0.0 && noise_variance == 0.0 {
            let must_be = "> 0 where the prior variance is 0: something must be random";
            return Err(Error::Domain { what: "the noise variance", value: 0.0, must_be });
        }
        Ok(Self { prior_variance, noise_variance })
    }

    /// `τ²`, the prior variance of each parameter.
    #[must_use]
    pub fn prior_variance(&self) -> f64 {
        self.prior_variance
    }

    /// `v`, the noise variance.
    #[must_use]
    pub fn noise_variance(&self) -> f64 {
        self.noise_variance
    }

    /// `λ = v/τ²`, the ridge penalty (added to `‖Xβ − y‖²`) whose fit is the posterior mean; infinite if `τ²` is 0.
    #[must_use]
    pub fn penalty(&self) -> f64 {
        self.noise_variance / self.prior_variance
    }

    pub(super) fn prior_deviation(&self) -> f64 {
        self.prior_variance.sqrt()
    }

    pub(super) fn noise_deviation(&self) -> f64 {
        self.noise_variance.sqrt()
    }

    /// The model along each mode. Singular values that may be rounding error count as 0, as for ridge.
    pub(super) fn modes(&self, svd: &Svd) -> impl Iterator<Item = Mode> {
        svd.spectrum().counted().map(|sigma| self.mode(sigma))
    }

    /// The model along a direction with singular value `sigma`.
    pub(super) fn mode(&self, sigma: f64) -> Mode {
        let (tau, noise) = (self.prior_deviation(), self.noise_deviation());
        let signal = tau * sigma;
        let root = signal.hypot(noise);
        if root.is_normal() && signal.is_finite() && (signal.is_normal() || tau == 0.0 || sigma == 0.0) {
            return Mode {
                root,
                log_root: root.ln(),
                signal: signal / root,
                noise: noise / root,
                gain: tau / root,
            };
        }
        // Outside the range of `f64`: compute with logarithms.
        let (log_signal, log_noise) = (tau.ln() + sigma.ln(), noise.ln());
        let apart = log_signal - log_noise;
        if apart.is_nan() {
            // Both are 0: no signal reaches this direction, and there is no noise.
            return Mode { root: 0.0, log_root: f64::NEG_INFINITY, signal: 0.0, noise: 1.0, gain: 0.0 };
        }
        let log_root = log_signal.max(log_noise) + 0.5 * (-2.0 * apart.abs()).exp().ln_1p();
        Mode {
            root: log_root.exp(),
            log_root,
            signal: (log_signal - log_root).exp(),
            noise: (log_noise - log_root).exp(),
            gain: (tau.ln() - log_root).exp(),
        }
    }

    /// Returns [`Error::Unsupported`] for a model without noise unless the rows are independent: other targets are
    /// impossible.
    pub(super) fn check(&self, svd: &Svd) -> Result<(), Error> {
        let ((n, _), rank) = (svd.shape(), svd.rank());
        if self.noise_variance > 0.0 || rank == n {
            return Ok(());
        }
        let reason = format!(
            "without noise a model of rank {rank} gives {n} targets a density only where they lie in its span; state a \
             noise variance > 0"
        );
        Err(Error::Unsupported { reason })
    }

    /// Computes the expected squared errors of predictions at the rows of `x` (`m × p`), given the training features,
    /// over training targets whose teacher and noise are drawn from `truth`. Errors are against noise-free targets of
    /// one output; the actual training targets are not used.
    ///
    /// They are means over the rows `x` of the following, with the gains `g = τ²σ/(v + τ²σ²)` of the posterior mean,
    /// and the variances `τ₀²` and `v₀` of `truth`:
    ///
    /// ```text
    /// of the mean   Σᵣ (x·vᵣ)² [(1 − gᵣσᵣ)² τ₀² + gᵣ² v₀] + τ₀² ‖x − V Vᵀx‖²
    /// of a draw     the same, and the posterior variance Σᵣ (x·vᵣ)² τ² v/(v + τ²σᵣ²) + τ² ‖x − V Vᵀx‖²
    /// ```
    ///
    /// If the model is right (`truth` has its variances), the error of the mean is the posterior variance, and no
    /// estimator has a smaller error. It falls with every row, without a peak.
    ///
    /// # Errors
    /// [`Error::Shape`] if `x` has not `p` columns, [`Error::Empty`], [`Error::NonFinite`], [`Error::Overflow`] if an
    /// expected error does not fit into `f64`, [`Error::Unsupported`] for a model without noise on dependent rows,
    /// [`Error::Memory`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::{bayes::Model, svd::Svd};
    /// use ndarray::array;
    ///
    /// let (svd, model) = (Svd::new(&array![[1.0, 0.0]])?, Model::new(1.0, 1.0)?);
    /// let error = model.expected_error(&svd, &model, &array![[1.0, 1.0]])?;
    /// assert!((error.of_mean - (0.5 + 1.0)).abs() < 1e-15); // half is learned along the row, nothing beside it
    /// assert!((error.of_draw - 3.0).abs() < 1e-15);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn expected_error(
        &self,
        svd: &Svd,
        truth: &Self,
        x: &ArrayRef2<f64>,
    ) -> Result<ExpectedError, Error> {
        if x.is_empty() {
            return Err(Error::Empty { what: "the rows of an expected error" });
        }
        Error::check_finite("the rows of an expected error", x.view())?;
        self.mean_errors(svd, truth, x, x.nrows())
    }

    /// [`Model::expected_error`] over a compressed table, at the cost of its few rows, or over a
    /// [population](Compressed::population).
    ///
    /// # Errors
    /// As [`Model::expected_error`].
    pub fn expected_error_over(
        &self,
        svd: &Svd,
        truth: &Self,
        table: &Compressed,
    ) -> Result<ExpectedError, Error> {
        self.mean_errors(svd, truth, &table.features, table.rows())
    }

    fn mean_errors(
        &self,
        svd: &Svd,
        truth: &Self,
        x: &ArrayRef2<f64>,
        rows: usize,
    ) -> Result<ExpectedError, Error> {
        let (n, p) = svd.shape();
        Error::check_len("columns of the rows of an expected error", p, x.ncols())?;
        self.check(svd)?;
        reserve(
            "an expected error",
            sum([
                table(x.nrows(), svd.singular_values().len()).saturating_mul(2),
                table(x.nrows(), p).saturating_mul(3),
            ]),
        )?;
        let projections = x.dot(&svd.vt().t());
        let rows = rows as f64;
        let (mut of_mean, mut variance) = (0.0, 0.0);
        for (column, mode) in projections.columns().into_iter().zip(self.modes(svd)) {
            let squares = column.iter().map(|t| t * t).sum::<f64>() / rows;
            // 1 − gσ = v/(v + τ²σ²), and g = τ²σ/(v + τ²σ²).
            let missed = mode.noise * mode.noise * truth.prior_deviation();
            let taken = mode.gain * mode.signal * truth.noise_deviation();
            of_mean += squares * (missed * missed + taken * taken);
            let deviation = mode.noise * self.prior_deviation();
            variance += squares * (deviation * deviation);
        }
        if n < p {
            let beyond = svd.right().beyond_modes(x).iter().map(|t| t * t).sum::<f64>() / rows;
            of_mean += beyond * truth.prior_variance;
            variance += beyond * self.prior_variance;
        }
        let of_draw = of_mean + variance;
        if of_draw.is_finite() {
            return Ok(ExpectedError { of_mean, of_draw, variance });
        }
        Err(Error::Overflow { what: "an expected error" })
    }
}

/// Expected squared errors on noise-free targets ([`Model::expected_error`]).
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ExpectedError {
    /// Error of the posterior mean.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub of_mean: f64,
    /// Error of one draw from the posterior: [`ExpectedError::of_mean`] plus [`ExpectedError::variance`].
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub of_draw: f64,
    /// The mean posterior variance of a prediction.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub variance: f64,
}

/// A model along one direction, `w = v + τ²σ²`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mode {
    /// `√w`; 0 or infinite if it does not fit into `f64`.
    root: f64,
    /// `½ ln w`.
    pub(super) log_root: f64,
    /// `τσ/√w`.
    pub(super) signal: f64,
    /// `√(v/w)`.
    pub(super) noise: f64,
    /// `τ/√w`.
    pub(super) gain: f64,
}

impl Mode {
    /// `c/√w`.
    pub(super) fn whitened(&self, c: f64) -> f64 {
        if c == 0.0 {
            0.0
        } else if self.root.is_normal() {
            c / self.root
        } else {
            (c.abs().ln() - self.log_root).exp().copysign(c)
        }
    }
}
