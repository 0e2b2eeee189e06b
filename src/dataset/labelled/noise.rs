//! Noise on labels and on inputs.

use super::inputs::Inputs;
use super::{INPUT_NOISE, LABEL_NOISE, Labelled, STREAMS};
use crate::rng::stream;
use crate::{Error, machine::memory};
use ndarray::Array2;
use rand::RngExt;
use rand_distr::StandardNormal;
use std::sync::Arc;

impl Labelled {
    /// Replaces each clean label, with this probability, by one of the other classes, all equally
    /// likely. The noise is drawn once and becomes part of the data set. At probability 1 every label is wrong.
    ///
    /// Each row draws a uniform number `u` and another class; its label is noisy if `u < probability`.
    /// So, for a given seed, rows that are noisy at one probability are noisy at every higher one, with the same
    /// labels, and the first rows of a data set get the same noise as a data set of these rows alone. New noise
    /// replaces earlier noise: it starts from [`Labelled::clean_labels`] again.
    ///
    /// # Errors
    /// [`Error::Domain`] unless `0 ≤ probability ≤ 1`, or if there is only one class and the probability is not 0.
    ///
    /// # Examples
    /// The test error on clean and on noisy labels:
    /// ```
    /// use double_descent::{dataset::Labelled, risk::error_rate};
    /// # use ndarray::Array2;
    /// # let inputs = Array2::from_shape_fn((1000, 1), |(i, _)| i as f64);
    /// # let test = Labelled::new("counts", inputs, (0..1000).map(|i| i % 10).collect(), 10)?;
    /// # let predictions = test.one_hot()?;
    ///
    /// let test = test.with_label_noise(0.2, 0)?;
    /// let (clean, noisy) =
    ///     (error_rate(&predictions, test.clean_labels())?, error_rate(&predictions, test.labels())?);
    /// # assert_eq!(clean, 0.0);
    /// # assert!((noisy - 0.2_f64).abs() < 5.0 * (0.2_f64 * 0.8 / 1000.0).sqrt());
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    ///
    /// # References
    /// Nakkiran, Kaplun, Bansal, Yang, Barak and Sutskever, *Deep Double Descent*,
    /// [arXiv:1912.02292](https://arxiv.org/abs/1912.02292) (2019), section 4.
    pub fn with_label_noise(&self, probability: f64, seed: u64) -> Result<Self, Error> {
        let domain = |what, value, must_be| Err(Error::Domain { what, value, must_be });
        if !(0.0..=1.0).contains(&probability) {
            return domain("the probability of label noise", probability, "at least 0 and at most 1");
        }
        if self.classes < 2 && probability > 0.0 {
            return domain("the number of classes", 1.0, "at least 2 where labels are to change");
        }
        let mut noisy = self.without_label_noise();
        if self.classes < 2 {
            return Ok(noisy);
        }
        let mut rng = stream(seed, STREAMS, LABEL_NOISE);
        for label in &mut noisy.labels {
            let (u, other) = (rng.random::<f64>(), rng.random_range(1..self.classes));
            if u < probability {
                *label = (*label + other) % self.classes;
            }
        }
        Ok(noisy)
    }

    /// Returns the same inputs with their clean labels.
    #[must_use]
    pub fn without_label_noise(&self) -> Self {
        Self { labels: self.clean_labels.clone(), ..self.clone() }
    }

    /// Adds Gaussian noise of this standard deviation to every input. For a given seed, the deviation
    /// only scales the noise, and the first rows of a data set get the same noise as a data set of these rows
    /// alone.
    ///
    /// # Errors
    /// [`Error::Domain`] if the deviation is negative or not finite; [`Error::Overflow`] if a noisy input overflows
    /// `f64`; [`Error::Memory`].
    ///
    /// # Examples
    /// ```
    /// # use double_descent::dataset::Labelled;
    /// # use ndarray::array;
    /// # let data = Labelled::new("corners", array![[0.0, 0.0], [1.0, 1.0]], vec![0, 1], 2)?;
    /// let noisy = data.with_input_noise(0.1, 0)?;
    /// assert_ne!(noisy.inputs()?, data.inputs()?);
    /// assert_eq!(noisy.labels(), data.labels());
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn with_input_noise(&self, deviation: f64, seed: u64) -> Result<Self, Error> {
        if !(deviation >= 0.0 && deviation.is_finite()) {
            return Err(Error::Domain {
                what: "the deviation of input noise",
                value: deviation,
                must_be: "finite and ≥ 0",
            });
        }
        let (rows, columns) = self.inputs.dim();
        memory::reserve("noisy inputs", memory::table(rows, columns).saturating_mul(2))?;
        let (values, mut rng) = (self.inputs()?, stream(seed, STREAMS, INPUT_NOISE));
        let noisy = Array2::from_shape_fn(values.dim(), |at| {
            values[at] + deviation * rng.sample::<f64, _>(StandardNormal)
        });
        let overflow = |_| Error::Overflow { what: "a noisy input" };
        Error::check_finite("the noisy inputs", noisy.view()).map_err(overflow)?;
        Ok(Self { inputs: Arc::new(Inputs::Values(noisy)), ..self.clone() })
    }
}
