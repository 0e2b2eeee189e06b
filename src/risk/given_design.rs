//! Bias, variance, noise and training error of any spectral filter, given the design.

use super::Population;
use super::population::mean_squares;
use crate::Error;
use crate::filter::{Response, SpectralFilter, Spectrum};
use crate::machine::memory::{reserve, sum, table};
use crate::svd::Svd;
use ndarray::{Array1, Array2, ArrayRef2, Axis};

/// The expected errors of a fit over the label noise, given the training features; means over the outputs. From
/// [`GivenDesign::of`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Risk {
    /// `‖S (E β̂ − β*)‖²`, `Σ = SᵀS`: the excess risk that the fit would have without noise.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub bias_squared: f64,
    /// `E ‖S (β̂ − E β̂)‖²`: what the noise of the training targets adds.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub variance: f64,
    /// The variance of the noise of the test targets.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub noise: f64,
    /// `‖X (E β̂ − β*)‖²/n`: the training error without noise.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub train_bias_squared: f64,
    /// What the noise, of variance `v`, adds to the training error: `v (Σᵣ gᵣ² + n − r)/n`, as in [`GivenDesign`].
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub train_noise: f64,
}

impl Risk {
    /// `bias² + variance`: the expected squared distance to noise-free targets.
    #[must_use]
    pub fn excess(&self) -> f64 {
        self.bias_squared + self.variance
    }

    /// `bias² + variance + noise`: the expected squared error on noisy test targets.
    #[must_use]
    pub fn test_mse(&self) -> f64 {
        self.excess() + self.noise
    }

    /// The expected `‖X β̂ − Y‖²/n`, on the noisy targets that were fitted.
    #[must_use]
    pub fn train_mse(&self) -> f64 {
        self.train_bias_squared + self.train_noise
    }
}

/// A design, prepared for the expected errors of fits on it: each filter costs O(q r k) from here, O(r k) if `Σ` is
/// isotropic (`r = min(n, p)`, `q` the rows of a root of `Σ`, at most `p`). Made by [`Population::given`] or
/// [`Population::given_from`].
///
/// With `X = U diag(σ) Vᵀ`, `Y = X β* + E`, `Δ = β* − β₀`, gains `f`, residual factors `g = 1 − σ f` and `Σ = SᵀS`,
///
/// ```text
/// bias²     = ‖S (V diag(g) Vᵀ + I − V Vᵀ) Δ‖²        variance = v Σᵣ f(σᵣ)² ‖S vᵣ‖²
/// train MSE = (1/n) [ Σᵣ (gᵣ σᵣ vᵣ·Δ)² + v (Σᵣ gᵣ² + n − r) ]
/// ```
///
/// exactly, with `v` the variance of the noise. The residual factors come from the filter
/// ([`SpectralFilter::write_residuals`]), so that the bias keeps its digits however small it gets.
///
/// The variance of a minimum-norm fit has a relative error of `10 κ ε`, `κ` the condition number of the design; that of
/// a filter which damps small modes has one of a few `ε`.
///
/// # References
/// Hastie, Montanari, Rosset and Tibshirani, Annals of Statistics 2022, section 2 (ridgeless, given X); Ali, Kolter and
/// Tibshirani, AISTATS 2019 (gradient flow); the general filter follows in one line from
/// `β̂ − β* = Σᵣ f(σᵣ) (uᵣ·E) vᵣ − (V diag(g) Vᵀ + I − V Vᵀ) Δ`.
#[derive(Clone, Debug)]
pub struct GivenDesign {
    pub(super) sigma: Array1<f64>,
    pub(super) shape: (usize, usize),
    pub(super) rank: usize,
    leaning: Leaning,
    /// `‖S vᵣ‖²`.
    pub(super) lengths: Array1<f64>,
    /// `Vᵀ Δ`, `r × k`.
    off: Array2<f64>,
    /// `S (I − V Vᵀ) Δ`, `q × k`; without rows if it is 0.
    beyond: Array2<f64>,
    pub(super) noise: f64,
    outputs: usize,
}

/// `S V`, `q × r`.
#[derive(Clone, Debug)]
enum Leaning {
    /// `deviation · V`: its columns and `beyond` are orthogonal.
    Isotropic {
        deviation: f64,
    },
    Any(Array2<f64>),
}

impl Population {
    /// Prepares the expected errors of fits that start from 0 on the design behind `svd`.
    ///
    /// # Errors
    /// As [`Population::given_from`].
    pub fn given(&self, svd: &Svd) -> Result<GivenDesign, Error> {
        self.off_by(svd, &self.teacher)
    }

    /// Prepares the expected errors of fits that start from `start` (`p × k`): `β̂ = β₀ + V diag(f) Uᵀ (Y − X β₀)`.
    ///
    /// # Errors
    /// [`Error::Shape`] if the design has another number of features or the start another shape,
    /// [`Error::NonFinite`], [`Error::Overflow`] if a part of the bias does not fit into `f64`, [`Error::Memory`].
    pub fn given_from(&self, svd: &Svd, start: &ArrayRef2<f64>) -> Result<GivenDesign, Error> {
        Error::check_len("rows of the start", self.teacher.nrows(), start.nrows())?;
        Error::check_len("columns of the start", self.teacher.ncols(), start.ncols())?;
        Error::check_finite("the start", start.view())?;
        self.off_by(svd, &(self.teacher.to_owned() - start))
    }

    fn off_by(&self, svd: &Svd, delta: &Array2<f64>) -> Result<GivenDesign, Error> {
        let (n, p) = svd.shape();
        Error::check_len("features of the population", p, self.covariance.features())?;
        let (r, q, outputs) = (svd.singular_values().len(), self.covariance.root_rows(), delta.ncols());
        let parts = [table(q, r), table(p, r), table(p, outputs).saturating_mul(4), table(q, outputs)];
        reserve("the risk given a design", sum(parts))?;
        let v = svd.vt().t();
        let off = svd.vt().dot(delta);
        let beyond = if n < p {
            // Twice: the second pass removes the rounding error of the first.
            let once = delta - &v.dot(&off);
            let twice = &once - &v.dot(&svd.vt().dot(&once));
            self.covariance.root_times(&twice)
        } else {
            Array2::zeros((0, outputs)) // exactly 0: the modes span the whole space
        };
        let (leaning, lengths) = if let Some(deviation) = self.covariance.isotropic_deviation() {
            (Leaning::Isotropic { deviation }, Array1::from_elem(r, deviation * deviation))
        } else {
            let any = self.covariance.root_times(&v);
            let lengths = any.columns().into_iter().map(|c| c.iter().map(|v| v * v).sum()).collect();
            (Leaning::Any(any), lengths)
        };
        for part in [off.view(), beyond.view(), lengths.view().insert_axis(Axis(1))] {
            let overflow = |_| Error::Overflow { what: "the bias of a fit" };
            Error::check_finite("the bias", part).map_err(overflow)?;
        }
        Ok(GivenDesign {
            sigma: svd.singular_values().clone(),
            shape: (n, p),
            rank: svd.rank(),
            leaning,
            lengths,
            off,
            beyond,
            noise: self.noise,
            outputs,
        })
    }
}

impl GivenDesign {
    /// Computes the expected errors of the fit with this filter.
    ///
    /// # Errors
    /// [`Error::UserCode`] if the filter's gains are invalid, the filter's own error for a spectrum that it cannot
    /// handle, and [`Error::Overflow`] if an expected error does not fit into `f64`.
    ///
    /// # Examples
    /// ```
    /// use double_descent::filter::{GradientFlow, Loss};
    /// use double_descent::risk::{Covariance, Population};
    /// use double_descent::svd::Svd;
    /// use ndarray::{Array2, array};
    ///
    /// let population = Population::new(Covariance::isotropic(1, 1.0)?, array![[2.0]], 0.0)?;
    /// let given = population.given(&Svd::new(&array![[1.0]])?)?;
    /// let risk = given.of(&GradientFlow::new(50.0, Loss::HalfSum)?)?;
    /// // (2 e⁻⁵⁰)², not rounding error:
    /// assert!((risk.bias_squared / (4.0 * (-100.0_f64).exp()) - 1.0).abs() < 1e-12);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn of(&self, filter: &dyn SpectralFilter) -> Result<Risk, Error> {
        let sigma = self.sigma.as_slice().unwrap_or(&[]);
        let response = Response::new(filter, Spectrum::new(self.shape.0, self.shape.1, sigma))?;
        self.of_response(&response)
    }

    pub(super) fn of_response(&self, Response { gains, residuals }: &Response) -> Result<Risk, Error> {
        let (n, _) = self.shape;
        let noise_terms = gains.iter().zip(&self.lengths).map(|(f, length)| f * f * length);
        let missed = residuals.iter().zip(&self.sigma).zip(self.off.rows());
        let missed = missed.flat_map(|((g, s), off)| off.into_iter().map(move |d| g * s * d));
        let train = missed.map(|v| v * v).sum::<f64>() / (n as f64 * self.outputs as f64);
        let left: f64 = residuals.iter().map(|g| g * g).sum();
        let risk = Risk {
            bias_squared: self.bias(residuals),
            variance: self.noise_times(noise_terms.sum()),
            noise: self.noise,
            train_bias_squared: train,
            train_noise: self.noise * (left + (n - self.sigma.len()) as f64) / n as f64,
        };
        if risk.test_mse().is_finite() && risk.train_mse().is_finite() {
            return Ok(risk);
        }
        Err(Error::Overflow { what: "the expected error of a fit" })
    }

    /// Multiplies the noise by a factor; without noise the result is 0, however large the factor.
    fn noise_times(&self, factor: f64) -> f64 {
        if self.noise == 0.0 { 0.0 } else { self.noise * factor }
    }

    /// `‖S V diag(g) VᵀΔ + S (I − V Vᵀ) Δ‖²`, the mean over outputs.
    fn bias(&self, g: &[f64]) -> f64 {
        match &self.leaning {
            Leaning::Isotropic { deviation } => {
                let kept = self.weighted(g) * *deviation;
                mean_squares(kept.iter(), self.outputs) + mean_squares(self.beyond.iter(), self.outputs)
            }
            Leaning::Any(leaning) => mean_squares(self.error(leaning, g).iter(), self.outputs),
        }
    }

    /// Half the slope of the bias if `g` moves by `step`: `⟨S (V diag(g) Vᵀ + …) Δ, S V diag(step) VᵀΔ⟩`.
    pub(super) fn half_slope(&self, g: &[f64], step: &[f64]) -> f64 {
        let inner = match &self.leaning {
            Leaning::Isotropic { deviation } => {
                let (at, step) = (self.weighted(g) * *deviation, self.weighted(step) * *deviation);
                (at * step).sum()
            }
            Leaning::Any(leaning) => (self.error(leaning, g) * leaning.dot(&self.weighted(step))).sum(),
        };
        inner / self.outputs as f64
    }

    fn error(&self, leaning: &Array2<f64>, g: &[f64]) -> Array2<f64> {
        let error = leaning.dot(&self.weighted(g));
        if self.beyond.nrows() == 0 { error } else { error + &self.beyond }
    }

    /// `diag(g) VᵀΔ`.
    fn weighted(&self, g: &[f64]) -> Array2<f64> {
        let mut weighted = self.off.clone();
        for (mut row, g) in weighted.rows_mut().into_iter().zip(g) {
            row.mapv_inplace(|d| g * d);
        }
        weighted
    }
}
