//! Labels for noise studies: random, pseudorandom, smoothed, shared by augmented copies.

use super::inputs::Inputs;
use super::{Labelled, STREAMS};
use crate::dataset::pseudorandom;
use crate::machine::memory::{list, reserve, sum, table};
use crate::rng::stream;
use crate::{Error, error::user_code};
use ndarray::{Array1, Array2, ArrayView1};
use rand::RngExt;
use std::sync::Arc;

/// Streams other than those of the parent module and of tables.
const RANDOM_LABELS: usize = 4;
const PSEUDORANDOM_LABELS: usize = 5;

impl Labelled {
    /// Replaces each clean label, with this probability, by one of *all* classes, including the clean one; drawn
    /// once. At probability 1 the labels are independent of the inputs: a model that fits them has memorised. (With `K`
    /// classes this is [label noise](Labelled::with_label_noise) of probability `p (K − 1)/K`, but other draws.)
    ///
    /// For a given seed, rows replaced at one probability are replaced at every higher one, by the same labels. New
    /// noise replaces earlier noise: it starts from [`Labelled::clean_labels`] again.
    ///
    /// # Errors
    /// [`Error::Domain`] unless `0 ≤ probability ≤ 1`.
    ///
    /// # Examples
    /// ```
    /// # use double_descent::dataset::Labelled;
    /// # use ndarray::Array2;
    /// # let inputs = Array2::from_shape_fn((1000, 1), |(i, _)| i as f64);
    /// # let data = Labelled::new("counts", inputs, (0..1000).map(|i| i % 10).collect(), 10)?;
    /// let random = data.with_random_labels(1.0, 0)?;
    /// let corrupted = random.corrupted_rows().iter().filter(|corrupted| **corrupted).count();
    /// assert!((850..950).contains(&corrupted)); // one label in ten is right by chance
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    ///
    /// # References
    /// Zhang, Bengio, Hardt, Recht and Vinyals, *Understanding deep learning requires rethinking generalization*, ICLR
    /// 2017 (partially corrupted and random labels).
    pub fn with_random_labels(&self, probability: f64, seed: u64) -> Result<Self, Error> {
        check_probability("the probability of a random label", probability)?;
        let mut random = self.without_label_noise();
        let mut rng = stream(seed, STREAMS, RANDOM_LABELS);
        for label in &mut random.labels {
            let (u, other) = (rng.random::<f64>(), rng.random_range(0..self.classes));
            if u < probability {
                *label = other;
            }
        }
        Ok(random)
    }

    /// Adds [label noise](Labelled::with_label_noise) that is a function of the inputs and the seed: a deterministic
    /// teacher outside the class of any smooth model. Equal inputs have equal labels, in the training set and in the
    /// test set, so a test error of 0 is possible. It is hard to distinguish from label noise that is drawn once.
    ///
    /// New noise replaces earlier noise: it starts from [`Labelled::clean_labels`] again. Inputs count as equal if all
    /// their bits are equal, so call this before adding noise to the inputs.
    ///
    /// # Errors
    /// [`Error::Domain`] unless `0 ≤ probability ≤ 1`, or if there is only one class and the probability is not 0;
    /// [`Error::Memory`] if the inputs are pixels whose values do not fit in memory.
    ///
    /// # Examples
    /// ```
    /// use double_descent::dataset::Labelled;
    /// use ndarray::array;
    ///
    /// let inputs = array![[0.1, 0.2], [0.3, 0.4], [0.1, 0.2]];
    /// let data = Labelled::new("twice", inputs, vec![0, 1, 0], 5)?.with_pseudorandom_labels(1.0, 7)?;
    /// assert_ne!(data.labels()[0], 0);
    /// assert_eq!(data.labels()[0], data.labels()[2]);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    ///
    /// # References
    /// Nakkiran, Kaplun, Bansal, Yang, Barak and Sutskever, *Deep Double Descent*, arXiv:1912.02292 (2019): label noise
    /// as a proxy for misspecification.
    pub fn with_pseudorandom_labels(&self, probability: f64, seed: u64) -> Result<Self, Error> {
        check_probability("the probability of a pseudorandom label", probability)?;
        if self.classes < 2 && probability > 0.0 {
            let must_be = "at least 2 where labels are to change";
            return Err(Error::Domain { what: "the number of classes", value: 1.0, must_be });
        }
        let mut noisy = self.without_label_noise();
        if self.classes < 2 {
            return Ok(noisy);
        }
        for (row, label) in self.inputs()?.rows().into_iter().zip(&mut noisy.labels) {
            let mut rng = pseudorandom::of_row(row, seed, (STREAMS, PSEUDORANDOM_LABELS));
            let (u, other) = (rng.random::<f64>(), rng.random_range(1..self.classes));
            if u < probability {
                *label = (*label + other) % self.classes;
            }
        }
        Ok(noisy)
    }

    /// For each of the `N` rows, whether its label differs from the clean one.
    #[must_use]
    pub fn corrupted_rows(&self) -> Vec<bool> {
        self.labels.iter().zip(&self.clean_labels).map(|(label, clean)| label != clean).collect()
    }

    /// Returns smoothed one-hot targets, `N × K`: `1 − α + α/K` in the column of the row's label, `α/K` elsewhere.
    ///
    /// # Errors
    /// [`Error::Domain`] unless `0 ≤ α ≤ 1`, [`Error::Memory`].
    ///
    /// # Examples
    /// ```
    /// # use double_descent::dataset::Labelled;
    /// # use ndarray::array;
    /// # let data = Labelled::new("corners", array![[0.0, 0.0], [1.0, 1.0]], vec![0, 1], 2)?;
    /// assert_eq!(data.smoothed_one_hot(0.5)?, array![[0.75, 0.25], [0.25, 0.75]]);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    ///
    /// # References
    /// Szegedy, Vanhoucke, Ioffe, Shlens and Wojna, *Rethinking the Inception architecture for computer vision*, CVPR
    /// 2016, section 7.
    pub fn smoothed_one_hot(&self, alpha: f64) -> Result<Array2<f64>, Error> {
        check_probability("the smoothing α of labels", alpha)?;
        let mut targets = self.one_hot()?;
        let share = alpha / self.classes as f64;
        targets.mapv_inplace(|hot| if hot > 0.0 { 1.0 - alpha + share } else { share });
        Ok(targets)
    }

    /// Makes `copies` versions of every row, each with the row's label and clean label. All versions share label noise
    /// that was drawn before, as in training with augmentation on a noisy set. (Noise drawn afterwards differs between
    /// copies.)
    ///
    /// `augment` computes the `d` inputs of a version from those of a row and the index of the copy, from 0. Version 0
    /// of all rows comes first, then version 1 of all rows, and so on.
    ///
    /// # Errors
    /// [`Error::Domain`] for 0 copies; [`Error::UserCode`] if `augment` panics, or returns another number of inputs,
    /// NaN or an infinity; [`Error::Memory`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::dataset::Labelled;
    /// use ndarray::{array, s};
    ///
    /// let data = Labelled::new("pairs", array![[1.0, 2.0], [3.0, 4.0]], vec![0, 1], 2)?.with_label_noise(0.5, 1)?;
    /// let mirrored = data.augmented(2, |row, copy| {
    ///     if copy == 0 { row.to_owned() } else { row.slice(s![..;-1]).to_owned() }
    /// })?;
    /// assert_eq!(mirrored.inputs()?, &array![[1.0, 2.0], [3.0, 4.0], [2.0, 1.0], [4.0, 3.0]]);
    /// assert_eq!(mirrored.labels()[..2], mirrored.labels()[2..]);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn augmented(
        &self,
        copies: usize,
        mut augment: impl FnMut(ArrayView1<'_, f64>, usize) -> Array1<f64>,
    ) -> Result<Self, Error> {
        if copies == 0 {
            let what = "the number of copies of a row";
            return Err(Error::Domain { what, value: 0.0, must_be: "at least 1" });
        }
        let (rows, columns) = self.inputs.dim();
        let all = rows.saturating_mul(copies);
        let needed = [table(all, columns), list::<usize>(all).saturating_mul(2), table(rows, columns)];
        reserve("augmented copies", sum(needed))?;
        let inputs = self.inputs()?;
        let mut augmented = Array2::zeros((all, columns));
        for (at, mut version) in augmented.rows_mut().into_iter().enumerate() {
            let (copy, row) = (at / rows, at % rows);
            let part = || user_code::name("augmentation", || format!("copy {copy} of row {row}"));
            let made = user_code::call(part, || augment(inputs.row(row), copy))?;
            if made.len() != columns {
                let reason = format!("it gave {} inputs, but rows have {columns}", made.len());
                return Err(Error::UserCode { part: part(), reason });
            }
            if let Some(column) = made.iter().position(|v| !v.is_finite()) {
                let reason = format!(
                    "it gave {} at column {column} (counted from 0); it must be finite",
                    made[column]
                );
                return Err(Error::UserCode { part: part(), reason });
            }
            version.assign(&made);
        }
        let repeated = |labels: &[usize]| labels.iter().copied().cycle().take(all).collect();
        Ok(Self {
            inputs: Arc::new(Inputs::Values(augmented)),
            labels: repeated(&self.labels),
            clean_labels: repeated(&self.clean_labels),
            name: self.name.clone(),
            classes: self.classes,
        })
    }
}

fn check_probability(what: &'static str, value: f64) -> Result<(), Error> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(Error::Domain { what, value, must_be: "at least 0 and at most 1" })
}
