//! The evidence of a model on a table, from one SVD.

use super::Model;
use crate::Error;
use crate::machine::memory::{reserve, sum, table};
use crate::svd::Svd;
use ndarray::{ArrayRef2, ArrayView1};
use std::f64::consts::PI;

/// The evidence of targets `Y` (`n × k`) under a [`Model`], `p(Y) = Πⱼ N(yⱼ; 0, v I + τ² X Xᵀ)`. From one SVD of `X`,
/// any `τ²` and `v` cost O(r).
///
/// ```text
/// ln p(y) = −n/2 ln 2π − ½ [ Σᵣ ln(v + τ²σᵣ²) + (n − r) ln v ] − ½ [ Σᵣ (uᵣ·y)²/(v + τ²σᵣ²) + ‖y − UUᵀy‖²/v ]
/// ```
///
/// All terms of the sums are positive, and each is computed from the larger of its two parts, so nothing cancels for
/// variances from 1e-300 to 1e300. If the targets' part outside the span of the features is small, it is computed in
/// doubled precision.
///
/// If the rows are independent (`rank = n ≤ p`), `v` may be 0: this is the evidence of an exact fit.
///
/// # Examples
/// ```
/// use double_descent::{bayes::{Evidence, Model}, svd::Svd};
/// use ndarray::array;
///
/// let (x, y) = (array![[2.0]], array![[3.0]]);
/// let evidence = Evidence::new(&Svd::new(&x)?, &x, &y)?;
/// let log = evidence.log(&Model::new(1.0, 5.0)?)?; // y ~ N(0, 5 + 4)
/// let density = -0.5 * (2.0 * std::f64::consts::PI * 9.0).ln() - 0.5;
/// assert!((log.total - density).abs() < 1e-14);
/// // Without noise, halving the only eigenvalue of XXᵀ adds ½ ln 2 to the volume term.
/// let exact = |x: f64| -> Result<f64, double_descent::Error> {
///     let x = array![[x]];
///     Ok(Evidence::new(&Svd::new(&x)?, &x, &y)?.log(&Model::new(1.0, 0.0)?)?.volume)
/// };
/// assert!((exact(2.0_f64.sqrt())? - exact(2.0)? - 0.5 * 2.0_f64.ln()).abs() < 1e-15);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    pub(super) sigma: Vec<f64>,
    /// `‖uᵣᵀ Y‖`, over all outputs.
    pub(super) along: Vec<f64>,
    /// `‖(I − U Uᵀ) Y‖_F`.
    pub(super) outside: f64,
    pub(super) rows: usize,
    pub(super) features: usize,
    pub(super) outputs: usize,
    pub(super) rank: usize,
}

/// A log evidence over all outputs, and its terms, from [`Evidence::log`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct LogEvidence {
    /// `ln p(Y)`: the sum of the other three.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub total: f64,
    /// `−nk/2 ln 2π`.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub constant: f64,
    /// `−k/2 ln det(v I + τ² X Xᵀ)`: the price for the volume of targets that the model could have explained.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub volume: f64,
    /// `−½ Σⱼ yⱼᵀ (v I + τ² X Xᵀ)⁻¹ yⱼ`: how well the model explains the actual targets.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub misfit: f64,
}

/// Laplace's split of a log evidence at the posterior mean `β̂`, exact for a linear model: its three terms sum to the
/// log evidence. From [`Evidence::laplace`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Laplace {
    /// `ln p(Y | β̂)`: the log likelihood of the best fit.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub fit: f64,
    /// `ln p(β̂)`: the log prior density at `β̂`.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub prior: f64,
    /// `k [p/2 ln 2π − ½ ln det(XᵀX/v + I/τ²)]`, the log volume of the posterior. Together with the prior's density it
    /// is the Occam factor. Halving an eigenvalue of `XᵀX` that is large compared with `v/τ²` adds `½ ln 2` per output.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub occam: f64,
}

impl Evidence {
    /// Projects the targets `y` (`n × k`) on the modes; `x` (`n × p`) is the matrix that `svd` factorises.
    ///
    /// # Errors
    /// [`Error::Shape`] unless `x` has the shape of the matrix in `svd` and `y` has `n` rows, [`Error::Empty`],
    /// [`Error::NonFinite`], [`Error::Overflow`] if the norm of the targets does not fit into `f64`, [`Error::Memory`].
    pub fn new(svd: &Svd, x: &ArrayRef2<f64>, y: &ArrayRef2<f64>) -> Result<Self, Error> {
        let (n, p) = svd.shape();
        Error::check_len("rows of the features", n, x.nrows())?;
        Error::check_len("columns of the features", p, x.ncols())?;
        Error::check_len("rows of y", n, y.nrows())?;
        if y.is_empty() {
            return Err(Error::Empty { what: "y" });
        }
        Error::check_finite("y", y.view())?;
        Error::check_finite("the features", x.view())?;
        reserve("an evidence", sum([table(n, y.ncols()).saturating_mul(4), table(p, y.ncols())]))?;
        let along = svd.u().t().dot(y);
        let length = |row: ArrayView1<'_, f64>| row.iter().fold(0.0, |sum: f64, v| sum.hypot(*v));
        let evidence = Self {
            sigma: svd.spectrum().counted().collect(),
            along: along.rows().into_iter().map(length).collect(),
            outside: svd.outside(x, y).iter().fold(0.0, |sum: f64, v| sum.hypot(*v)),
            rows: n,
            features: p,
            outputs: y.ncols(),
            rank: svd.rank().min(svd.spectrum().rank()),
        };
        if evidence.norm().is_finite() {
            return Ok(evidence);
        }
        Err(Error::Overflow { what: "the norm of the targets" })
    }

    /// `‖Y‖_F`.
    pub(super) fn norm(&self) -> f64 {
        self.along.iter().fold(self.outside, |sum, c| sum.hypot(*c))
    }

    /// Number of target directions without a mode in the SVD, `n − min(n, p)`.
    pub(super) fn beyond(&self) -> f64 {
        (self.rows - self.sigma.len()) as f64
    }

    /// Computes the log evidence.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a model without noise unless rows are independent; [`Error::Overflow`] if it does
    /// not fit into `f64`: the targets are impossible under the model, or nearly so.
    pub fn log(&self, model: &Model) -> Result<LogEvidence, Error> {
        self.check(model)?;
        let (outputs, rows) = (self.outputs as f64, self.rows as f64);
        let (mut logs, mut squares) = (0.0, 0.0);
        for (&sigma, &c) in self.sigma.iter().zip(&self.along) {
            let mode = model.mode(sigma);
            logs += mode.log_root;
            squares += mode.whitened(c).powi(2);
        }
        if self.beyond() > 0.0 {
            logs += self.beyond() * model.noise_deviation().ln();
            squares += (self.outside / model.noise_deviation()).powi(2);
        }
        let (constant, volume) = (-0.5 * rows * outputs * (2.0 * PI).ln(), -outputs * logs);
        let misfit = -0.5 * squares;
        let total = constant + volume + misfit;
        if total.is_finite() {
            return Ok(LogEvidence { total, constant, volume, misfit });
        }
        Err(Error::Overflow { what: "a log evidence" })
    }

    /// Splits the log evidence at the posterior mean. `None` if a variance is 0: fit and volume are then infinite, with
    /// opposite signs.
    ///
    /// # Errors
    /// [`Error::Overflow`] if a term does not fit into `f64`.
    pub fn laplace(&self, model: &Model) -> Result<Option<Laplace>, Error> {
        if model.prior_variance() == 0.0 || model.noise_variance() == 0.0 {
            return Ok(None);
        }
        let (outputs, rows, features) = (self.outputs as f64, self.rows as f64, self.features as f64);
        let (log_tau, log_noise) = (model.prior_deviation().ln(), model.noise_deviation().ln());
        let outside = self.outside / model.noise_deviation();
        let (mut left, mut size, mut logs) = (outside * outside, 0.0, 0.0);
        for (&sigma, &c) in self.sigma.iter().zip(&self.along) {
            let mode = model.mode(sigma);
            let whitened = mode.whitened(c);
            left += (whitened * mode.noise).powi(2);
            size += (whitened * mode.signal).powi(2);
            // ½ ln(σ²/v + 1/τ²) = ½ ln w − ½ ln v − ½ ln τ²
            logs += mode.log_root - log_noise - log_tau;
        }
        logs -= (features - self.sigma.len() as f64) * log_tau;
        let half_log = 0.5 * (2.0 * PI).ln();
        let terms = Laplace {
            fit: -rows * outputs * (half_log + log_noise) - 0.5 * left,
            prior: -features * outputs * (half_log + log_tau) - 0.5 * size,
            occam: outputs * (features * half_log - logs),
        };
        if [terms.fit, terms.prior, terms.occam].iter().all(|term| term.is_finite()) {
            return Ok(Some(terms));
        }
        Err(Error::Overflow { what: "a term of a log evidence" })
    }

    /// `γ = Σ τ²σ²/(v + τ²σ²)`, the number of parameters that the data determine: the degrees of freedom of the
    /// posterior mean.
    #[must_use]
    pub fn effective_parameters(&self, model: &Model) -> f64 {
        self.sigma.iter().map(|&sigma| model.mode(sigma).signal.powi(2)).sum()
    }

    pub(super) fn check(&self, model: &Model) -> Result<(), Error> {
        if model.noise_variance() > 0.0 || self.rank == self.rows {
            return Ok(());
        }
        let (n, rank) = (self.rows, self.rank);
        let reason = format!(
            "without noise a model of rank {rank} gives {n} targets a density only where they lie in its span; state a \
             noise variance > 0"
        );
        Err(Error::Unsupported { reason })
    }
}
