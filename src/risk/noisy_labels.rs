//! Errors on noisy labels and on clean ones, and how one follows from the other.

use super::classification::first_largest;
use crate::Error;
use crate::machine::memory::{list, reserve};
use ndarray::{ArrayRef2, ArrayView1};

/// Symmetric label noise: with probability `ρ` a label is replaced by one of the other `K − 1` classes, all equally
/// likely ([`Labelled::with_label_noise`](crate::dataset::Labelled::with_label_noise)).
///
/// For predictions that do not depend on the noise (those on test rows, not on the rows that were fitted), with
/// `a = 1 − ρ K/(K − 1)`, in expectation over the noise:
///
/// ```text
/// error rate on noisy labels = ρ + a · (error rate on clean labels)
/// MSE on noisy one-hot       = a · (MSE on clean one-hot) + (1 − a) [ mean (f − 1/K)² + (1 − 1/K)/K ]
/// ```
///
/// with means over rows and classes. So for `a > 0` two models have the same order on both, and a clean error can be
/// computed from a noisy one. In regression with noise of variance `v`, the MSE on noisy targets is that on clean ones
/// plus `v`.
///
/// # Examples
/// ```
/// use double_descent::risk::SymmetricNoise;
///
/// let noise = SymmetricNoise::new(0.2, 10)?;
/// let noisy = noise.noisy_error_rate(0.1);
/// assert!((noisy - (0.2 + 0.1 * (1.0 - 2.0 / 9.0))).abs() < 1e-15);
/// assert!((noise.clean_error_rate(noisy)? - 0.1).abs() < 1e-15);
/// assert!(SymmetricNoise::new(0.9, 10)?.clean_error_rate(0.9).is_err()); // there labels carry no information
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Natarajan, Dhillon, Ravikumar and Tewari, *Learning with noisy labels*, NIPS 2013; Ghosh, Kumar and Sastry, *Robust
/// loss functions under label noise for deep neural networks*, AAAI 2017 (symmetric noise).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SymmetricNoise {
    probability: f64,
    classes: usize,
}

impl SymmetricNoise {
    /// Makes noise of probability `ρ` on labels of `K` classes.
    ///
    /// # Errors
    /// [`Error::Domain`] unless `0 ≤ ρ ≤ 1` and there are at least two classes.
    pub fn new(probability: f64, classes: usize) -> Result<Self, Error> {
        if !(0.0..=1.0).contains(&probability) {
            let what = "the probability of label noise";
            return Err(Error::Domain { what, value: probability, must_be: "at least 0 and at most 1" });
        }
        if classes < 2 {
            let what = "the number of classes";
            return Err(Error::Domain { what, value: classes as f64, must_be: "at least 2" });
        }
        Ok(Self { probability, classes })
    }

    /// `a = 1 − ρ K/(K − 1)`: how much information a label keeps; negative if it points away from the clean label.
    #[must_use]
    pub fn kept(&self) -> f64 {
        let classes = self.classes as f64;
        1.0 - self.probability * classes / (classes - 1.0)
    }

    /// Returns the expected error rate on noisy labels, given the one on clean labels.
    #[must_use]
    pub fn noisy_error_rate(&self, clean: f64) -> f64 {
        self.probability + self.kept() * clean
    }

    /// Returns the error rate on clean labels, given the expected one on noisy labels. A measured rate is off by its
    /// own error over `|a|`, and the result may be under 0.
    ///
    /// # Errors
    /// [`Error::Domain`] if noisy labels carry no information about clean ones: `ρ = 1 − 1/K`.
    pub fn clean_error_rate(&self, noisy: f64) -> Result<f64, Error> {
        Ok((noisy - self.probability) / self.telling()?)
    }

    /// Returns the expected MSE of predictions (`N × K`) on noisy one-hot labels, given their MSE on clean ones.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Shape`] unless there is one column per class, [`Error::NonFinite`],
    /// [`Error::Overflow`] if the result does not fit into `f64`.
    pub fn noisy_mse(&self, predictions: &ArrayRef2<f64>, clean: f64) -> Result<f64, Error> {
        let mse = self.kept() * clean + (1.0 - self.kept()) * self.unguided(predictions)?;
        if mse.is_finite() { Ok(mse) } else { Err(Error::Overflow { what: "the mean squared error" }) }
    }

    /// Returns the MSE of predictions (`N × K`) on clean one-hot labels, given the expected one on noisy ones.
    ///
    /// # Errors
    /// As [`SymmetricNoise::noisy_mse`] and [`SymmetricNoise::clean_error_rate`].
    pub fn clean_mse(&self, predictions: &ArrayRef2<f64>, noisy: f64) -> Result<f64, Error> {
        let mse = (noisy - (1.0 - self.kept()) * self.unguided(predictions)?) / self.telling()?;
        if mse.is_finite() { Ok(mse) } else { Err(Error::Overflow { what: "the mean squared error" }) }
    }

    /// The expected MSE on labels that are uniform over the classes.
    fn unguided(&self, predictions: &ArrayRef2<f64>) -> Result<f64, Error> {
        if predictions.is_empty() {
            return Err(Error::Empty { what: "the table of predictions" });
        }
        Error::check_len("columns of the predictions, one a class", self.classes, predictions.ncols())?;
        Error::check_finite("the predictions", predictions.view())?;
        let share = (self.classes as f64).recip();
        let squares: f64 = predictions.iter().map(|f| (f - share) * (f - share)).sum();
        Ok(squares / predictions.len() as f64 + (1.0 - share) * share)
    }

    fn telling(&self) -> Result<f64, Error> {
        let kept = self.kept();
        if kept.abs() > f64::EPSILON {
            return Ok(kept);
        }
        let must_be = "other than 1 − 1/K, where noisy labels say nothing about clean ones";
        Err(Error::Domain { what: "the probability of label noise", value: self.probability, must_be })
    }
}

/// Errors on the rows of one kind, clean or corrupted, from [`SplitErrors`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct RowErrors {
    /// The number of rows.
    pub rows: usize,
    /// The share of rows whose predicted class is not their (noisy) label.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub error_rate: f64,
    /// The share of rows whose predicted class is not their clean label.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub error_rate_on_clean: f64,
    /// The mean squared error on the (noisy) one-hot labels, over rows and classes.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub mse: f64,
}

/// Errors on the clean rows and on the corrupted rows of a training set: what was learned and what was memorised.
///
/// `None` if there are no rows of a kind.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SplitErrors {
    /// Rows whose label is the clean one.
    pub clean: Option<RowErrors>,
    /// Rows whose label is not the clean one. An error rate of 0 means that all labels are memorised; an error rate on
    /// clean labels of 0 means that all labels are corrected.
    pub corrupted: Option<RowErrors>,
}

impl SplitErrors {
    /// Computes the errors from predictions (`N × K`), labels and clean labels.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Shape`] unless there is one label of each kind per row, [`Error::NonFinite`],
    /// [`Error::Domain`] for a label that has no column, [`Error::Overflow`] if a mean squared error does not fit into
    /// `f64`, [`Error::Memory`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::risk::SplitErrors;
    /// use ndarray::array;
    ///
    /// let fit = array![[1.0, 0.0], [0.0, 1.0], [0.9, 0.1]];
    /// let (labels, clean) = ([0, 1, 1], [0, 0, 0]); // the last two are corrupted
    /// let errors = SplitErrors::new(&fit, &labels, &clean)?;
    /// assert_eq!(errors.clean.unwrap().error_rate, 0.0);
    /// let corrupted = errors.corrupted.unwrap();
    /// assert_eq!((corrupted.error_rate, corrupted.error_rate_on_clean), (0.5, 0.5)); // one memorised, one corrected
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    ///
    /// # References
    /// Stephenson and Lee, *When and how epochwise double descent happens*, 2021, and Arpit et al., *A closer look at
    /// memorization in deep networks*, ICML 2017: accuracies on clean and on noisy rows.
    pub fn new(predictions: &ArrayRef2<f64>, labels: &[usize], clean: &[usize]) -> Result<Self, Error> {
        if predictions.is_empty() {
            return Err(Error::Empty { what: "the table of predictions" });
        }
        let (rows, classes) = predictions.dim();
        Error::check_len("labels, one a row of the predictions", rows, labels.len())?;
        Error::check_len("clean labels, one a row of the predictions", rows, clean.len())?;
        Error::check_finite("the predictions", predictions.view())?;
        if let Some(&label) = labels.iter().chain(clean).find(|label| **label >= classes) {
            let must_be = "below the number of columns of the predictions";
            return Err(Error::Domain { what: "a label", value: label as f64, must_be });
        }
        reserve("errors by kind of row", list::<usize>(rows).saturating_mul(2))?;
        let (corrupted, kept): (Vec<usize>, Vec<usize>) =
            (0..rows).partition(|&row| labels[row] != clean[row]);
        let errors = |rows: &[usize]| {
            if rows.is_empty() {
                return Ok(None);
            }
            let count = rows.len() as f64;
            let wrong = |truth: &[usize]| {
                rows.iter().filter(|&&row| first_largest(predictions.row(row)) != truth[row]).count() as f64
                    / count
            };
            let squares = rows.iter().map(|&row| squared_error(predictions.row(row), labels[row]));
            let mse = squares.sum::<f64>() / (count * classes as f64);
            if !mse.is_finite() {
                return Err(Error::Overflow { what: "the mean squared error" });
            }
            let (error_rate, error_rate_on_clean) = (wrong(labels), wrong(clean));
            Ok(Some(RowErrors { rows: rows.len(), error_rate, error_rate_on_clean, mse }))
        };
        Ok(Self { clean: errors(&kept)?, corrupted: errors(&corrupted)? })
    }
}

/// `‖f − one-hot‖²`.
fn squared_error(outputs: ArrayView1<'_, f64>, label: usize) -> f64 {
    let off = outputs.iter().enumerate().map(|(class, f)| if class == label { f - 1.0 } else { *f });
    off.map(|v| v * v).sum()
}
