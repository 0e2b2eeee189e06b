//! Noise on the targets of a table, drawn once.

use super::{Dataset, pseudorandom};
use crate::machine::memory::{reserve, table};
use crate::rng::stream;
use crate::{Error, error::words};
use ndarray::Array2;
use rand::RngExt;
use rand_distr::StandardNormal;

/// Separate streams: [`Labelled`](super::Labelled) uses 0 to 2 and 4 to 5, shuffling uses 3.
const STREAMS: usize = u32::MAX as usize;
const TARGET_NOISE: usize = 6;
const PSEUDORANDOM: usize = 7;

impl Dataset {
    /// Adds normal noise of this standard deviation to every target, drawn once. It becomes part of the table: a
    /// model that sees a row twice sees the same noise twice. For a given seed, the deviation only scales the noise,
    /// and the first rows of a table get the same noise as a table of these rows alone.
    ///
    /// For a prediction `f` that is independent of the noise, `E (f − y)²` on noisy targets is its value on clean
    /// targets plus the variance of the noise.
    ///
    /// # Errors
    /// [`Error::Domain`] if the deviation is negative or not finite; [`Error::Overflow`] if a noisy target overflows
    /// `f64`; [`Error::Memory`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::dataset::Dataset;
    ///
    /// let noisy = Dataset::diabetes().with_target_noise(10.0, 3)?;
    /// assert_ne!(noisy.targets(), Dataset::diabetes().targets());
    /// assert_eq!(noisy.features(), Dataset::diabetes().features());
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn with_target_noise(self, deviation: f64, seed: u64) -> Result<Self, Error> {
        let step = format!("target noise of standard deviation {}, seed {seed}", words::number(deviation));
        let mut rng = stream(seed, STREAMS, TARGET_NOISE);
        self.with_noise(deviation, step, |data| {
            Array2::from_shape_simple_fn(data.targets.dim(), || rng.sample(StandardNormal))
        })
    }

    /// Adds to every target a value that looks like normal noise of this standard deviation but is a function of the
    /// row's features and the seed: a deterministic teacher that no model of this crate can learn. The targets contain
    /// no randomness, and equal rows have equal targets. The peak at `n = p` appears anyway: it needs
    /// misspecification, not randomness.
    ///
    /// # Errors
    /// As [`Dataset::with_target_noise`].
    ///
    /// # References
    /// Nakkiran, Kaplun, Bansal, Yang, Barak and Sutskever, *Deep Double Descent*, arXiv:1912.02292 (2019): label noise
    /// as a proxy for misspecification.
    pub fn with_pseudorandom_target_noise(self, deviation: f64, seed: u64) -> Result<Self, Error> {
        let step = format!(
            "pseudorandom target noise of standard deviation {}, seed {seed}",
            words::number(deviation)
        );
        self.with_noise(deviation, step, |data| {
            let mut noise = Array2::zeros(data.targets.dim());
            for (row, mut noise) in data.features.rows().into_iter().zip(noise.rows_mut()) {
                let mut rng = pseudorandom::of_row(row, seed, (STREAMS, PSEUDORANDOM));
                noise.iter_mut().for_each(|noise| *noise = rng.sample(StandardNormal));
            }
            noise
        })
    }

    fn with_noise(
        mut self,
        deviation: f64,
        step: String,
        draw: impl FnOnce(&Self) -> Array2<f64>,
    ) -> Result<Self, Error> {
        if !(deviation >= 0.0 && deviation.is_finite()) {
            let what = "the deviation of target noise";
            return Err(Error::Domain { what, value: deviation, must_be: "finite and ≥ 0" });
        }
        let (rows, outputs) = self.targets.dim();
        reserve("noise on targets", table(rows, outputs))?;
        let noise = draw(&self);
        self.targets.scaled_add(deviation, &noise);
        let overflow = |_| Error::Overflow { what: "a noisy target" };
        Error::check_finite("the noisy targets", self.targets.view()).map_err(overflow)?;
        self.preparation.push(step);
        Ok(self)
    }
}
