//! Stochastic gradient descent on new normal rows at every step.

use super::{check_batch, check_step};
use crate::Error;
use ndarray::{Array1, ArrayRef1};

/// The second moments of descent on rows that are never seen twice, `x ~ N(0, Σ)`, `y = x·β* + e`. Without a training
/// set there is no double descent: this is the baseline to compare a training set with.
///
/// In the eigenbasis of `Σ`, with eigenvalues `ℓ`, errors `dᵢ = E (β − β*)ᵢ²`, step `h` and batches of `b` rows
/// (`β ← β − (h/b) Σ_batch x (x·β − y)`), exactly, by the fourth moments of the normal distribution:
///
/// ```text
/// dᵢ ← (1 − hℓᵢ)² dᵢ + (h²/b) [ ℓᵢ² dᵢ + (Σⱼ ℓⱼ dⱼ + v) ℓᵢ ]        excess = Σⱼ ℓⱼ dⱼ
/// ```
///
/// Off-diagonal moments do not enter.
///
/// # Examples
/// ```
/// use double_descent::risk::Streaming;
/// use ndarray::array;
///
/// let mut descent = Streaming::new(&array![1.0], &array![4.0], 0.0, 0.5, 1)?;
/// descent.advance(1)?;
/// assert_eq!(descent.excess(), 0.25 * 4.0 + 0.25 * 8.0);
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Défossez and Bach, *Averaged least-mean-squares: bias-variance trade-offs and optimal sampling distributions*,
/// AISTATS 2015; Zou, Wu, Braverman, Gu and Kakade, *Benign overfitting of constant-stepsize SGD for linear
/// regression*, COLT 2021.
#[derive(Clone, Debug, PartialEq)]
pub struct Streaming {
    eigenvalues: Array1<f64>,
    errors: Array1<f64>,
    noise: f64,
    step: f64,
    batch: f64,
    steps: usize,
}

impl Streaming {
    /// Starts from the eigenvalues of `Σ`, the squared errors `(β₀ − β*)ᵢ²` of the start along its eigenvectors, the
    /// variance of the noise, the step and the batch size.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Shape`] unless there are as many errors as eigenvalues, [`Error::Domain`] unless all
    /// are finite and ≥ 0 and the batch at least 1.
    pub fn new(
        eigenvalues: &ArrayRef1<f64>,
        errors: &ArrayRef1<f64>,
        noise: f64,
        step: f64,
        batch: usize,
    ) -> Result<Self, Error> {
        if eigenvalues.is_empty() {
            return Err(Error::Empty { what: "the eigenvalues" });
        }
        Error::check_len("squared errors of the start", eigenvalues.len(), errors.len())?;
        check_step(step)?;
        check_batch(batch)?;
        let check = |what, value: f64| {
            let is_good = value >= 0.0 && value.is_finite();
            if is_good { Ok(()) } else { Err(Error::Domain { what, value, must_be: "finite and ≥ 0" }) }
        };
        check("the variance of the noise", noise)?;
        eigenvalues.iter().try_for_each(|&value| check("an eigenvalue", value))?;
        errors.iter().try_for_each(|&value| check("a squared error of the start", value))?;
        let (eigenvalues, errors) = (eigenvalues.to_owned(), errors.to_owned());
        Ok(Self { eigenvalues, errors, noise, step, batch: batch as f64, steps: 0 })
    }

    /// Takes `steps` more steps. O(p) each.
    ///
    /// # Errors
    /// [`Error::Resource`] for more than 2³⁰ steps at once; [`Error::Overflow`] if the errors overflow.
    pub fn advance(&mut self, steps: usize) -> Result<(), Error> {
        if steps > 1 << 30 {
            let reason = format!("{steps} steps of descent are more than 2^30; take the stationary state");
            return Err(Error::Resource { reason });
        }
        let (h, share) = (self.step, self.step * self.step / self.batch);
        for _ in 0..steps {
            let noise = self.excess() + self.noise;
            for (error, l) in self.errors.iter_mut().zip(&self.eigenvalues) {
                let kept = 1.0 - h * l;
                *error = kept * kept * *error + share * l * (l * *error + noise);
            }
            if !noise.is_finite() {
                break;
            }
        }
        self.steps += steps;
        if self.excess().is_finite() { Ok(()) } else { Err(Error::Overflow { what: "the error of descent" }) }
    }

    /// The number of steps taken.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The expected excess risk, `E (β − β*)ᵀ Σ (β − β*)`.
    #[must_use]
    pub fn excess(&self) -> f64 {
        self.eigenvalues.iter().zip(&self.errors).map(|(l, d)| l * d).sum()
    }

    /// The trace of the covariance of one row's gradient here, `(excess + v) tr Σ + Σ ℓᵢ² dᵢ`.
    #[must_use]
    pub fn gradient_noise(&self) -> f64 {
        let own: f64 = self.eigenvalues.iter().zip(&self.errors).map(|(l, d)| l * l * d).sum();
        (self.excess() + self.noise) * self.eigenvalues.sum() + own
    }

    /// The stationary excess, `v B/(1 − B)` with `B = (h/b) Σ ℓᵢ/(2 − hℓᵢ(1 + 1/b))`; `None` if errors grow without
    /// bound: `hℓ₁(1 + 1/b) ≥ 2` or `B ≥ 1`. Directions of eigenvalue 0 play no part.
    #[must_use]
    pub fn stationary_excess(&self) -> Option<f64> {
        let room = |l: f64| 2.0 - self.step * l * (1.0 + self.batch.recip());
        if self.eigenvalues.iter().any(|&l| room(l) <= 0.0) {
            return None;
        }
        let fed: f64 = self.eigenvalues.iter().map(|&l| l / room(l)).sum::<f64>() * self.step / self.batch;
        (fed < 1.0).then(|| self.noise * fed / (1.0 - fed))
    }
}
