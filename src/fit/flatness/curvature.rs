//! The Hessian of a squared loss, and the Fisher matrix, as a spectrum.

use crate::Error;
use crate::filter::Loss;
use crate::machine::memory::{reserve, table};
use crate::svd::Svd;
use ndarray::{Array1, Array2, ArrayRef2, Axis};
use std::f64::consts::PI;

/// A Hessian or Fisher matrix `c XᵀX` (`p × p`), stored as its `r = min(n, p)` possibly non-zero eigenvalues
/// `μᵣ = c σᵣ²` and the SVD's directions. With `k` outputs there is one such block per output.
///
/// # Examples
/// ```
/// use double_descent::filter::Loss;
/// use double_descent::{flatness::Curvature, svd::Svd};
/// use ndarray::array;
///
/// let svd = Svd::new(&array![[3.0, 0.0, 0.0], [0.0, 1.0, 0.0]])?;
/// let hessian = Curvature::hessian(&svd, Loss::HalfSum)?;
/// assert_eq!(hessian.eigenvalues().to_vec(), [9.0, 1.0]);
/// assert_eq!((hessian.trace(), hessian.flat_directions()), (10.0, 1));
/// assert!((hessian.log_pseudo_determinant() - 9.0_f64.ln()).abs() < 1e-15);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Curvature<'a> {
    svd: &'a Svd,
    scale: f64,
    eigenvalues: Array1<f64>,
}

impl<'a> Curvature<'a> {
    /// Computes the Hessian of `loss`, which is the same at every `β`; `c` is [`Loss::curvature`].
    ///
    /// # Errors
    /// [`Error::Overflow`] for an eigenvalue that does not fit into `f64`, [`Error::Memory`].
    pub fn hessian(svd: &'a Svd, loss: Loss) -> Result<Self, Error> {
        Self::scaled(svd, loss.curvature(svd.shape().0))
    }

    /// Computes the Fisher information of all `n` rows about `β`, for targets with normal noise of variance `v`:
    /// `XᵀX/v`. Divide by `n` for that of one row.
    ///
    /// # Errors
    /// [`Error::Domain`] unless the noise variance is finite and > 0; [`Error::Overflow`] for an eigenvalue that does
    /// not fit into `f64`, [`Error::Memory`].
    pub fn fisher(svd: &'a Svd, noise_variance: f64) -> Result<Self, Error> {
        if !(noise_variance > 0.0 && noise_variance.is_finite()) {
            let must_be = "finite and > 0";
            return Err(Error::Domain { what: "the noise variance", value: noise_variance, must_be });
        }
        Self::scaled(svd, noise_variance.recip())
    }

    fn scaled(svd: &'a Svd, scale: f64) -> Result<Self, Error> {
        reserve("a curvature", table(svd.singular_values().len(), 1))?;
        let eigenvalues = svd.singular_values().mapv(|s| scale.sqrt() * s).mapv(|root| root * root);
        if eigenvalues.iter().all(|value| value.is_finite()) {
            return Ok(Self { svd, scale, eigenvalues });
        }
        Err(Error::Overflow { what: "an eigenvalue of a curvature" })
    }

    /// The `r` eigenvalues, descending; the other `p − r` are 0.
    #[must_use]
    pub fn eigenvalues(&self) -> &Array1<f64> {
        &self.eigenvalues
    }

    /// The number of eigenvalues above the SVD's cutoff.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.svd.rank()
    }

    /// The number of directions in which the loss does not change, `p − rank`.
    #[must_use]
    pub fn flat_directions(&self) -> usize {
        self.svd.shape().1 - self.svd.rank()
    }

    /// The trace, `Σ μ`.
    #[must_use]
    pub fn trace(&self) -> f64 {
        self.eigenvalues.iter().sum()
    }

    /// `μ₁`, the sharpness: gradient descent needs steps below `2/μ₁`.
    #[must_use]
    pub fn largest(&self) -> f64 {
        self.eigenvalues.first().copied().unwrap_or(0.0)
    }

    /// The smallest non-zero eigenvalue, which falls towards the threshold. `None` at rank 0.
    #[must_use]
    pub fn smallest_nonzero(&self) -> Option<f64> {
        self.rank().checked_sub(1).map(|last| self.eigenvalues[last])
    }

    /// The Frobenius norm, `√Σ μ²`.
    #[must_use]
    pub fn frobenius_norm(&self) -> f64 {
        self.eigenvalues.iter().fold(0.0, |sum, mu| sum.hypot(*mu))
    }

    /// `Σ ln μ` over the non-zero eigenvalues: the log determinant on the directions that the data
    /// determine; 0 at rank 0. Small if the minimum is wide.
    #[must_use]
    pub fn log_pseudo_determinant(&self) -> f64 {
        let kept = self.svd.singular_values().iter().take(self.rank());
        kept.map(|s| 2.0 * s.ln() + self.scale.ln()).sum()
    }

    /// Returns the log volume of the minimum: of all `β` in the row space whose loss is at most `height` above the
    /// least, an ellipsoid of `rank` dimensions with half axes `√(2 height/μᵣ)`. (In the flat directions it is
    /// infinite.)
    ///
    /// ```text
    /// ln V = r/2 ln(2π height) − ln Γ(r/2 + 1) − ½ Σ ln μᵣ
    /// ```
    ///
    /// Volumes of different rank have different units: compare them only at the same `p` and `n`.
    ///
    /// # Errors
    /// [`Error::Domain`] unless the height is finite and > 0.
    pub fn log_volume(&self, height: f64) -> Result<f64, Error> {
        if !(height > 0.0 && height.is_finite()) {
            return Err(Error::Domain {
                what: "the height over a minimum",
                value: height,
                must_be: "finite and > 0",
            });
        }
        let rank = self.rank();
        // Γ(r/2 + 1) = ∏ j/2 over j = r, r − 2, …, times Γ(½) = √π if r is odd.
        let mut log_gamma = if rank % 2 == 1 { 0.5 * PI.ln() } else { 0.0 };
        let mut j = rank;
        while j > 0 {
            log_gamma += (0.5 * j as f64).ln();
            j = j.saturating_sub(2);
        }
        let half = 0.5 * rank as f64;
        Ok(half * ((2.0 * PI).ln() + height.ln()) - log_gamma - 0.5 * self.log_pseudo_determinant())
    }

    /// Computes `H D` (`p × k`) for directions `D` (`p × k`).
    ///
    /// # Errors
    /// [`Error::Shape`] unless `D` has `p` rows, [`Error::NonFinite`], [`Error::Overflow`] if an entry does not fit
    /// into `f64`, [`Error::Memory`].
    pub fn times(&self, directions: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        let (_, p) = self.svd.shape();
        Error::check_len("rows of the directions", p, directions.nrows())?;
        Error::check_finite("the directions", directions.view())?;
        let k = directions.ncols();
        reserve("a product with a curvature", table(p.saturating_add(self.eigenvalues.len()), k))?;
        let along = self.svd.vt().dot(directions) * self.eigenvalues.view().insert_axis(Axis(1));
        let product = self.svd.vt().t().dot(&along);
        let overflow = |_| Error::Overflow { what: "a product with a curvature" };
        Error::check_finite("a product with a curvature", product.view()).map_err(overflow)?;
        Ok(product)
    }

    /// Computes `Σⱼ dⱼᵀ H dⱼ` over the columns of `D` (`p × k`): twice the rise of the loss for a step `D` from a
    /// minimum.
    ///
    /// # Errors
    /// As [`Curvature::times`].
    pub fn along(&self, directions: &ArrayRef2<f64>) -> Result<f64, Error> {
        Error::check_len("rows of the directions", self.svd.shape().1, directions.nrows())?;
        Error::check_finite("the directions", directions.view())?;
        reserve("a curvature along directions", table(self.eigenvalues.len(), directions.ncols()))?;
        let projections = self.svd.vt().dot(directions);
        let squares = projections.rows().into_iter().map(|row| row.iter().map(|t| t * t).sum::<f64>());
        let value: f64 = squares.zip(&self.eigenvalues).map(|(square, mu)| square * mu).sum();
        if value.is_finite() {
            Ok(value)
        } else {
            Err(Error::Overflow { what: "a curvature along directions" })
        }
    }

    /// Returns `‖β‖² μ₁` and `‖β‖² tr H`: sharpness and flatness relative to the size of the parameters (`p × k`). A
    /// change of units, `X/s` and `s β`, does not change them.
    ///
    /// # Errors
    /// [`Error::Shape`] unless `β` has `p` rows, [`Error::NonFinite`], [`Error::Overflow`] if a product does not fit
    /// into `f64`.
    ///
    /// # References
    /// Petzka et al., *Relative flatness and generalization*, NIPS 2021.
    pub fn relative(&self, beta: &ArrayRef2<f64>) -> Result<[f64; 2], Error> {
        Error::check_len("rows of beta", self.svd.shape().1, beta.nrows())?;
        let norm = crate::fit::complexity::coefficient_norm(beta)?;
        let relative = [self.largest(), self.trace()].map(|value| norm * value * norm);
        if relative.iter().all(|value| value.is_finite()) {
            return Ok(relative);
        }
        Err(Error::Overflow { what: "a relative sharpness" })
    }
}
