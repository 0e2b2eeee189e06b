//! The recursion of both moments over the steps.

use super::Sgd;
use crate::Error;
use crate::filter::{GradientDescent, Response, Schedule};
use crate::machine::memory::{reserve, sum, table};
use crate::risk::Population;
use crate::risk::population::mean_squares;
use crate::svd::Svd;
use ndarray::{Array1, Array2, ArrayRef2, Axis};

/// The largest number of steps in one call: each costs two products of `n × r` by `r × r`.
const MOST: usize = 1 << 24;

/// Mean and covariance of the iterates of [`Sgd`] after some steps, over the draws of the batches, and over label noise
/// if there is any.
///
/// With `X = U diag(σ) Vᵀ`, `μ = c σ²`, rows `zᵢ` of `U diag(σ)` and `κ` the [noise factor](Sgd::noise_factor), the
/// mean is that of full-batch descent, and the covariance `P` (in the basis `V`) follows
///
/// ```text
/// P ← D P D + κ h² [ n c² Σᵢ (zᵢᵀP zᵢ + E ρᵢ²) zᵢ zᵢᵀ − A P A − E γγᵀ ]        D = 1 − h μ,  A = diag(μ)
/// ```
///
/// with `ρ` the residuals of the mean iterate and `γ = diag(cσ) Uᵀρ` its gradient. This is exact: the fourth moments
/// are those of the rows themselves. Directions orthogonal to all rows never move. All squares are means over the
/// outputs.
#[derive(Clone, Debug)]
pub struct SgdMoments {
    sgd: Sgd,
    curvature: f64,
    factor: f64,
    steps: usize,
    svd: Svd,
    start: Array2<f64>,
    /// `U diag(σ)`, `n × r`.
    rows: Array2<f64>,
    /// `Uᵀ (E Y − X β₀)`, `r × k`.
    along: Array2<f64>,
    /// `(I − U Uᵀ)(E Y − X β₀)`, `n × k`; exactly 0 for `n ≤ p`.
    beyond: Array2<f64>,
    noise: f64,
    /// `1 − h μ` of each mode, and its power after the steps so far.
    decay: Array1<f64>,
    left: Array1<f64>,
    covariance: Array2<f64>,
}

/// The expected excess risk of an iterate, a mean over the outputs, from [`SgdMoments::risk`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SgdRisk {
    /// The excess risk of full-batch descent after as many steps, on the same expected targets: its bias and, with
    /// label noise, its variance.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub full_batch: f64,
    /// What the draw of the batches adds, `tr(Σ P)`.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub sampling: f64,
}

impl SgdRisk {
    /// The sum of both parts.
    #[must_use]
    pub fn excess(&self) -> f64 {
        self.full_batch + self.sampling
    }
}

impl Sgd {
    /// Returns the moments at the start `β₀` (`p × k`), on a training set with given targets (`n × k`).
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Shape`], [`Error::NonFinite`], [`Error::StepTooLarge`] if the mean iterate would not
    /// converge (`h μ₁ ≥ 2`), [`Error::Domain`] for a batch of more rows than there are, without replacement;
    /// [`Error::Overflow`] if a training error at the start does not fit into `f64`; [`Error::Memory`].
    pub fn start(&self, svd: &Svd, y: &ArrayRef2<f64>, start: &ArrayRef2<f64>) -> Result<SgdMoments, Error> {
        self.start_with_noise(svd, y, 0.0, start)
    }

    /// Like [`Sgd::start`], on targets `Y + E` with label noise `E` of variance `noise`, drawn once. The moments are
    /// over batches and noise.
    ///
    /// # Errors
    /// As [`Sgd::start`]; [`Error::Domain`] unless the variance is finite and ≥ 0.
    pub fn start_with_noise(
        &self,
        svd: &Svd,
        y: &ArrayRef2<f64>,
        noise: f64,
        start: &ArrayRef2<f64>,
    ) -> Result<SgdMoments, Error> {
        let (curvature, factor) = self.on(svd)?;
        let (n, p) = svd.shape();
        let r = svd.singular_values().len();
        if y.is_empty() {
            return Err(Error::Empty { what: "y" });
        }
        Error::check_len("rows of the start", p, start.nrows())?;
        Error::check_len("columns of the start", y.ncols(), start.ncols())?;
        Error::check_finite("the start", start.view())?;
        check_noise(noise)?;
        let k = y.ncols();
        // The SVD, its rows, two products per step; the covariance and its parts.
        let parts = [table(n, r).saturating_mul(4), table(r, p), table(r, r).saturating_mul(4)];
        let targets = [table(n, k).saturating_mul(3), table(p, k).saturating_mul(2)];
        reserve("the moments of stochastic gradient descent", sum(parts.into_iter().chain(targets)))?;
        let off = training_error(svd, y, start)?;
        let along = svd.u().t().dot(&off);
        let beyond = beyond(svd, off, &along);
        let decay = svd.singular_values().mapv(|s| 1.0 - self.step * curvature * s * s);
        Ok(SgdMoments {
            sgd: *self,
            curvature,
            factor,
            steps: 0,
            rows: svd.u() * svd.singular_values(),
            svd: svd.clone(),
            start: start.to_owned(),
            along,
            beyond,
            noise,
            left: Array1::ones(r),
            decay,
            covariance: Array2::zeros((r, r)),
        })
    }
}

/// Computes `Y − X β₀`.
fn training_error(svd: &Svd, y: &ArrayRef2<f64>, start: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
    Error::check_len("rows of y", svd.shape().0, y.nrows())?;
    Error::check_finite("y", y.view())?;
    let weighted = svd.vt().dot(start) * svd.singular_values().view().insert_axis(Axis(1));
    let off = y.to_owned() - svd.u().dot(&weighted);
    let overflow = |_| Error::Overflow { what: "a training error at the start" };
    Error::check_finite("the training errors", off.view()).map_err(overflow)?;
    Ok(off)
}

/// The part of targets that no fit reaches, exactly 0 if the modes span all rows.
pub(super) fn beyond(svd: &Svd, targets: Array2<f64>, along: &Array2<f64>) -> Array2<f64> {
    let (n, p) = svd.shape();
    if n <= p {
        return Array2::zeros(targets.dim());
    }
    let once = targets - svd.u().dot(along);
    &once - &svd.u().dot(&svd.u().t().dot(&once))
}

/// `1 − Σᵣ Uᵢᵣ²`: the share of each row's noise that no fit reaches, exactly 0 if the modes span all rows.
pub(super) fn free_shares(svd: &Svd) -> Array1<f64> {
    let (n, p) = svd.shape();
    if n <= p {
        return Array1::zeros(n);
    }
    svd.u().rows().into_iter().map(|row| (1.0 - row.dot(&row)).max(0.0)).collect()
}

pub(super) fn check_noise(noise: f64) -> Result<(), Error> {
    if noise >= 0.0 && noise.is_finite() {
        return Ok(());
    }
    Err(Error::Domain { what: "the variance of the label noise", value: noise, must_be: "finite and ≥ 0" })
}

/// Computes `zᵢᵀ P zᵢ` for each row.
pub(super) fn quadratic_forms(rows: &Array2<f64>, p: &Array2<f64>) -> Array1<f64> {
    let leaning = rows.dot(p);
    leaning.rows().into_iter().zip(rows.rows()).map(|(a, z)| a.dot(&z)).collect()
}

/// Computes `Σᵢ wᵢ zᵢ zᵢᵀ`.
pub(super) fn weighted_gram(rows: &Array2<f64>, weights: &Array1<f64>) -> Array2<f64> {
    rows.t().dot(&(rows * &weights.view().insert_axis(Axis(1))))
}

impl SgdMoments {
    /// Takes `steps` more steps. O(n r²) each.
    ///
    /// # Errors
    /// [`Error::Resource`] for more than 2²⁴ steps at once ([`Sgd::stationary`] gives their limit); [`Error::Overflow`]
    /// if the covariance overflows: the steps are not stable in the mean square.
    pub fn advance(&mut self, steps: usize) -> Result<(), Error> {
        if steps > MOST {
            let reason = format!(
                "{steps} steps of stochastic gradient descent are more than 2^24; take fewer, or its stationary state"
            );
            return Err(Error::Resource { reason });
        }
        let free = free_shares(&self.svd);
        for step in 1..=steps {
            self.advance_once(&free);
            if (step % 64 == 0 || step == steps) && !self.covariance.iter().all(|v| v.is_finite()) {
                return Err(Error::Overflow { what: "the covariance of the iterates" });
            }
        }
        Ok(())
    }

    fn advance_once(&mut self, free: &Array1<f64>) {
        let (h, c, n) = (self.sgd.step, self.curvature, self.rows.nrows() as f64);
        let weights = quadratic_forms(&self.rows, &self.covariance) + self.squared_residuals(free);
        let mut noise = weighted_gram(&self.rows, &weights) * (n * c * c);
        let sigma = self.svd.singular_values();
        let gradient = &self.along * &(&self.left * sigma * c).insert_axis(Axis(1));
        let outputs = gradient.ncols() as f64;
        noise -= &(gradient.dot(&gradient.t()) / outputs);
        for (i, s) in sigma.iter().enumerate() {
            noise[[i, i]] -= self.noise * (c * s * self.left[i]).powi(2);
        }
        let scale = self.factor * h * h;
        for ((i, j), value) in self.covariance.indexed_iter_mut() {
            let curvatures = c * c * (sigma[i] * sigma[j]).powi(2);
            let kept = self.decay[i] * self.decay[j] - scale * curvatures;
            *value = kept * *value + scale * noise[[i, j]];
        }
        self.left *= &self.decay;
        self.steps += 1;
    }

    /// `E ρᵢ²`, the mean over outputs.
    fn squared_residuals(&self, free: &Array1<f64>) -> Array1<f64> {
        let along = &self.along * &self.left.view().insert_axis(Axis(1));
        let residuals = self.svd.u().dot(&along) + &self.beyond;
        let outputs = residuals.ncols();
        let mut squares: Array1<f64> =
            residuals.rows().into_iter().map(|row| mean_squares(row.iter(), outputs)).collect();
        if self.noise > 0.0 {
            let kept = self.svd.u().mapv(|u| u * u).dot(&self.left.mapv(|g| g * g));
            squares.scaled_add(self.noise, &(kept + free));
        }
        squares
    }

    /// The number of steps taken.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The covariance of the iterates along the right singular vectors, `r × r`. In the coordinates of the features it
    /// is `V` times this times `Vᵀ`. With label noise it is the covariance over the batches, averaged over the noise.
    #[must_use]
    pub fn mode_covariance(&self) -> &Array2<f64> {
        &self.covariance
    }

    /// The mean iterate, `p × k`: that of full-batch descent.
    ///
    /// # Errors
    /// [`Error::Overflow`] if a coefficient does not fit into `f64`.
    pub fn mean(&self) -> Result<Array2<f64>, Error> {
        Ok(&self.start + &self.mean_step()?.0)
    }

    /// The difference between the mean iterate and the start, and the gains.
    fn mean_step(&self) -> Result<(Array2<f64>, Array1<f64>), Error> {
        let descent = GradientDescent::new(Schedule::Constant(self.sgd.step), self.steps, self.sgd.loss)?;
        let gains = Array1::from(Response::new(&descent, self.svd.spectrum())?.gains);
        let step = self.svd.vt().t().dot(&(&self.along * &gains.view().insert_axis(Axis(1))));
        let overflow = |_| Error::Overflow { what: "a coefficient of the mean iterate" };
        Error::check_finite("coefficients", step.view()).map_err(overflow)?;
        Ok((step, gains))
    }

    /// Computes the expected excess risk on a population. Its noise plays no part: the label noise is that given at the
    /// start.
    ///
    /// # Errors
    /// [`Error::Shape`] if the population has other features or outputs, [`Error::Overflow`] if the risk does not fit
    /// into `f64`, [`Error::Memory`].
    pub fn risk(&self, population: &Population) -> Result<SgdRisk, Error> {
        let (mean_step, gains) = self.mean_step()?;
        let mut full_batch = population.excess(&(&self.start + &mean_step))?;
        let leaning = population.covariance.root_times(&self.svd.vt().t());
        if self.noise > 0.0 {
            let fitted = &leaning * &gains.insert_axis(Axis(0));
            full_batch += self.noise * fitted.iter().map(|v| v * v).sum::<f64>();
        }
        let sampling = (leaning.dot(&self.covariance) * &leaning).sum();
        if (full_batch + sampling).is_finite() {
            return Ok(SgdRisk { full_batch, sampling });
        }
        Err(Error::Overflow { what: "the expected risk of an iterate" })
    }

    /// The expected `‖X β − Y‖²/n`, the mean over the outputs, on the (noisy) targets that are trained on.
    #[must_use]
    pub fn train_mse(&self) -> f64 {
        let squares = self.squared_residuals(&free_shares(&self.svd)).sum();
        let moved = self.svd.singular_values().iter().zip(self.covariance.diag());
        (squares + moved.map(|(s, v)| s * s * v).sum::<f64>()) / self.rows.nrows() as f64
    }

    /// The expected squared distance from the start, `E ‖β − β₀‖²`, the mean over the outputs.
    ///
    /// # Errors
    /// [`Error::Overflow`] if a coefficient does not fit into `f64`.
    pub fn squared_distance(&self) -> Result<f64, Error> {
        let (step, gains) = self.mean_step()?;
        let of_noise = self.noise * gains.iter().map(|f| f * f).sum::<f64>();
        Ok(mean_squares(step.iter(), step.ncols()) + of_noise + self.covariance.diag().sum())
    }
}
