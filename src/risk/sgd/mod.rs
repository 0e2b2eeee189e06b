//! Stochastic gradient descent on least squares: the exact first two moments of its iterates.
//!
//! A step moves by the mean gradient of a mini-batch of `b` rows, `β ← β − h ĝ`, with `E ĝ = ∇L = c Xᵀ(Xβ − Y)`: for
//! the [`Loss`] of the mean square, `ĝ = (2/b) Σ_batch xᵢ (xᵢ·β − yᵢ)`. The rows are the `n` of a training set
//! ([`Sgd::start`]: with their own fourth moments, so nothing is assumed about their distribution), or new normal ones
//! at every step ([`Streaming`](crate::risk::Streaming): Gaussian fourth moments).

mod moments;
mod stability;
mod streaming;

pub use moments::{SgdMoments, SgdRisk};
pub use stability::{SgdStability, Stationary, stationary_covariance};
pub use streaming::Streaming;

use crate::Error;
use crate::filter::{Loss, Spectrum};
use crate::svd::Svd;

/// How the rows of a mini-batch are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Batches {
    /// Each row is drawn from all `n`, whatever else is in the batch.
    #[default]
    WithReplacement,
    /// `b` different rows out of `n`, drawn afresh for each batch. (Not the shuffled passes of epochs, whose batches
    /// depend on each other.)
    WithoutReplacement,
}

/// The settings of stochastic gradient descent on least squares: a constant step and a constant batch size.
///
/// A step moves by the mean gradient of a mini-batch of `b` rows, `β ← β − h ĝ`. Its expectation is the gradient of the
/// [`Loss`] on all `n` rows, `E ĝ = c Xᵀ(Xβ − Y)`: for the mean square, `ĝ = (2/b) Σ_batch xᵢ (xᵢ·β − yᵢ)`.
/// [`Sgd::start`] gives the exact first two moments of the iterates.
///
/// # Examples
/// Label noise keeps the iterates moving around the least squares solution, more so for larger steps:
/// ```
/// use double_descent::filter::Loss;
/// use double_descent::risk::{Covariance, Population, Sgd};
/// use double_descent::svd::Svd;
/// use ndarray::{Array2, array};
///
/// let x = array![[1.0, 0.2], [-0.3, 1.1], [0.8, -0.9], [0.1, 0.4]];
/// let (svd, teacher, start) = (Svd::new(&x)?, array![[1.0], [2.0]], Array2::zeros((2, 1)));
/// let population = Population::new(Covariance::isotropic(2, 1.0)?, teacher.clone(), 0.1)?;
/// let after = |step: f64| {
///     let sgd = Sgd::new(step, 2, Loss::HalfMean)?;
///     let mut moments = sgd.start_with_noise(&svd, &x.dot(&teacher), 0.1, &start)?;
///     moments.advance(500)?;
///     moments.risk(&population)
/// };
/// let (small, large) = (after(0.1)?, after(0.5)?);
/// assert!((small.full_batch - large.full_batch).abs() < 0.01); // descent has converged
/// assert!(large.sampling > 4.0 * small.sampling);
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Défossez and Bach, *Averaged least-mean-squares*, AISTATS 2015; Ziyin, Liu, Mori and Ueda, *Strength of minibatch
/// noise in SGD*, ICLR 2022 (the stationary state); Wu, Ma and E, *How SGD selects the global minima in
/// over-parameterized learning: a dynamical stability perspective*, NIPS 2018.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    step: f64,
    batch: usize,
    loss: Loss,
    batches: Batches,
}

impl Sgd {
    /// Sets steps of size `step` (`h`) by batches of `batch` rows (`b`), each drawn from all rows.
    ///
    /// # Errors
    /// [`Error::Domain`] unless the step is finite and ≥ 0 and the batch at least 1.
    pub fn new(step: f64, batch: usize, loss: Loss) -> Result<Self, Error> {
        check_step(step)?;
        check_batch(batch)?;
        Ok(Self { step, batch, loss, batches: Batches::default() })
    }

    /// Sets how batches are drawn.
    #[must_use]
    pub fn with_batches(mut self, batches: Batches) -> Self {
        self.batches = batches;
        self
    }

    /// The step size `h`.
    #[must_use]
    pub fn step(&self) -> f64 {
        self.step
    }

    /// The number of rows of a batch, `b`.
    #[must_use]
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// The covariance of `ĝ` in units of the covariance of the gradient of one random row, `C` (divisor `n`): `1/b`
    /// with replacement, `(n − b)/((n − 1) b)` without.
    ///
    /// # Errors
    /// [`Error::Domain`] for a batch of more than `n` rows without replacement, [`Error::Empty`] for no rows.
    ///
    /// # Examples
    /// ```
    /// use double_descent::filter::Loss;
    /// use double_descent::risk::{Batches, Sgd};
    ///
    /// let sgd = Sgd::new(0.1, 4, Loss::Mean)?;
    /// assert_eq!(sgd.noise_factor(10)?, 0.25);
    /// assert_eq!(sgd.with_batches(Batches::WithoutReplacement).noise_factor(10)?, 6.0 / 36.0);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn noise_factor(&self, n: usize) -> Result<f64, Error> {
        if n == 0 {
            return Err(Error::Empty { what: "the training set" });
        }
        let (rows, b) = (n as f64, self.batch as f64);
        match self.batches {
            Batches::WithReplacement => Ok(b.recip()),
            Batches::WithoutReplacement if self.batch > n => {
                let must_be = "at most the number of training rows, without replacement";
                Err(Error::Domain { what: "the number of rows of a batch", value: b, must_be })
            }
            Batches::WithoutReplacement if self.batch == n => Ok(0.0),
            Batches::WithoutReplacement => Ok((rows - b) / ((rows - 1.0) * b)),
        }
    }

    /// Returns the curvature `c` of the loss and the noise factor, on a design on which the mean iterate converges.
    ///
    /// # Errors
    /// [`Error::StepTooLarge`] from `h μ₁ = 2` on; those of [`Sgd::noise_factor`].
    fn on(&self, svd: &Svd) -> Result<(f64, f64), Error> {
        let spectrum: Spectrum<'_> = svd.spectrum();
        let (n, _) = spectrum.shape();
        let curvature = self.loss.curvature(n);
        let largest = svd.singular_values().iter().fold(0.0, |most: f64, &s| most.max(curvature * s * s));
        if self.step * largest >= 2.0 {
            return Err(Error::StepTooLarge { step: self.step, limit: 2.0 / largest });
        }
        Ok((curvature, self.noise_factor(n)?))
    }
}

fn check_step(step: f64) -> Result<(), Error> {
    if step >= 0.0 && step.is_finite() {
        return Ok(());
    }
    Err(Error::Domain { what: "a step size", value: step, must_be: "finite and ≥ 0" })
}

fn check_batch(batch: usize) -> Result<(), Error> {
    if batch > 0 {
        return Ok(());
    }
    Err(Error::Domain { what: "the number of rows of a batch", value: 0.0, must_be: "at least 1" })
}
