//! Ensembles: the test error of averaged predictions, for any number of members, from one set of fits.

use crate::Error;
use crate::machine::memory::{reserve, sum, table};
use crate::machine::spread::norm_of_deviations;
use ndarray::{Array2, ArrayRef2};

/// The errors of `M` members, drawn independently from one distribution given the data: fits on independent random
/// features of one training set, fits to independent subsamples of it (bagging), or both.
///
/// The mean prediction of `K` members has the error `e = Σᵢ eᵢ / K`, `eᵢ = fᵢ − Y` on the test rows. With
/// `⟨·⟩` the mean over test rows and outputs,
///
/// ```text
/// R_K = E⟨e²⟩ = R_∞ + (R₁ − R_∞) / K        R₁ = E⟨eᵢ²⟩,    R_∞ = E⟨eᵢ eⱼ⟩, i ≠ j
/// ```
///
/// so two numbers give the error for every `K`. Both have unbiased estimates: the mean over members and the mean over
/// pairs of different members. For `K ≤ M` the result is exactly the mean over all subsets of `K` of the `M` members (a
/// U-statistic); beyond, it is an unbiased extrapolation. The difference `R₁ − R_∞` is the variance of a member: the
/// part of the peak that is due to the draw of the features falls as `1 / K`.
///
/// An ensemble of linear fits is linear: for `K` fits on `K` feature maps, its coefficients are all of theirs divided
/// by `K`, on all features side by side.
///
/// # Examples
/// ```
/// use double_descent::ensemble::Ensemble;
/// use ndarray::array;
///
/// let truth = array![[0.0], [0.0]];
/// let members = [array![[3.0], [1.0]], array![[-1.0], [1.0]]];
/// let ensemble = Ensemble::new(&members, &truth)?;
/// assert_eq!(ensemble.error(1)?, 3.0); // the mean of 5 and 1
/// assert_eq!(ensemble.error(2)?, 1.0); // their mean predicts (1, 1)
/// assert_eq!(ensemble.limit(), -1.0); // an unbiased estimate may be negative
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// d'Ascoli, Refinetti, Biroli and Krzakala, *Double trouble in double descent*, ICML 2020; Adlam and Pennington,
/// *Understanding double descent requires a fine-grained bias–variance decomposition*, NIPS 2020; Hoeffding, *A
/// class of statistics with asymptotically normal distribution*, 1948 (U-statistics).
#[derive(Clone, Debug, PartialEq)]
pub struct Ensemble {
    /// `⟨eᵢ eⱼ⟩`, `M × M`.
    products: Array2<f64>,
}

impl Ensemble {
    /// Computes the errors from the predictions of each member (`m × k`) and the targets (`m × k`). Noisy targets give
    /// the test error, the noise-free truth gives the excess risk. O(M² m k).
    ///
    /// # Errors
    /// [`Error::Domain`] for fewer than two members (pairs are needed); [`Error::Empty`] without targets,
    /// [`Error::Shape`] unless all predictions have the shape of the targets, [`Error::NonFinite`] (row and column
    /// within the predictions of one member), [`Error::Overflow`] if the sum of all products of errors does not fit
    /// into `f64`, [`Error::Memory`].
    pub fn new(predictions: &[Array2<f64>], targets: &ArrayRef2<f64>) -> Result<Self, Error> {
        let members = predictions.len();
        if members < 2 {
            let must_be = "at least 2: the error of an ensemble is read off pairs of members";
            return Err(Error::Domain { what: "the number of members", value: members as f64, must_be });
        }
        if targets.is_empty() {
            return Err(Error::Empty { what: "the targets" });
        }
        Error::check_finite("the targets", targets.view())?;
        let needed = [table(members, targets.len()), table(members, members).saturating_mul(2)];
        reserve("the errors of an ensemble", sum(needed))?;
        let mut errors = Array2::zeros((members, targets.len()));
        for (prediction, mut row) in predictions.iter().zip(errors.rows_mut()) {
            Error::check_len("rows of a member's predictions", targets.nrows(), prediction.nrows())?;
            Error::check_len("columns of a member's predictions", targets.ncols(), prediction.ncols())?;
            Error::check_finite("a member's predictions", prediction.view())?;
            for ((error, f), y) in row.iter_mut().zip(prediction).zip(targets) {
                *error = f - y;
            }
        }
        let products = errors.dot(&errors.t()) / targets.len() as f64;
        // Then the sum of any of them is finite, too.
        if !products.iter().map(|product: &f64| product.abs()).sum::<f64>().is_finite() {
            return Err(Error::Overflow { what: "the error of an ensemble" });
        }
        Ok(Self { products })
    }

    /// The number of members measured, `M`.
    #[must_use]
    pub fn members(&self) -> usize {
        self.products.nrows()
    }

    /// The expected error `R_K` of an ensemble of any number of members, `size` (`K`).
    ///
    /// # Errors
    /// [`Error::Domain`] for `size` 0.
    pub fn error(&self, size: usize) -> Result<f64, Error> {
        check_size(size)?;
        let members = self.members() as f64;
        Ok(combine(self.own() / members, self.pairs() / (members * (members - 1.0)), size))
    }

    /// The error `R_∞` of infinitely many members, which averaging cannot remove. The estimate may be negative.
    #[must_use]
    pub fn limit(&self) -> f64 {
        let members = self.members() as f64;
        self.pairs() / (members * (members - 1.0))
    }

    /// The standard error of [`Ensemble::error`] over the draw of the members, given the data: the jackknife, leaving
    /// out one member at a time. `None` for two members. [`usize::MAX`] stands for the limit.
    ///
    /// # Errors
    /// [`Error::Domain`] for `size` 0, [`Error::Overflow`] if the result does not fit into `f64`.
    ///
    /// # References
    /// Efron and Stein, *The jackknife estimate of variance*, Annals of Statistics 1981.
    pub fn standard_error(&self, size: usize) -> Result<Option<f64>, Error> {
        check_size(size)?;
        let members = self.members() as f64;
        if self.members() < 3 {
            return Ok(None);
        }
        let (own, pairs) = (self.own(), self.pairs());
        let without = |(row, &square): (ndarray::ArrayView1<'_, f64>, &f64)| {
            let with_others = 2.0 * (row.sum() - square);
            let rest = (members - 1.0) * (members - 2.0);
            combine((own - square) / (members - 1.0), (pairs - with_others) / rest, size)
        };
        let diagonal = self.products.diag();
        let left: Vec<f64> = self.products.rows().into_iter().zip(&diagonal).map(without).collect();
        let mean = left.iter().sum::<f64>() / members;
        let error = norm_of_deviations(&left, mean) * ((members - 1.0) / members).sqrt();
        if error.is_finite() {
            return Ok(Some(error));
        }
        Err(Error::Overflow { what: "the standard error of an ensemble's error" })
    }

    /// `Σᵢ ⟨eᵢ²⟩`.
    fn own(&self) -> f64 {
        self.products.diag().sum()
    }

    /// `Σ_{i≠j} ⟨eᵢ eⱼ⟩`, summed over the pairs: in `⟨(Σᵢ eᵢ)²⟩` one large error would cancel.
    fn pairs(&self) -> f64 {
        let entries = self.products.indexed_iter();
        entries.filter(|((i, j), _)| i != j).map(|(_, product)| product).sum()
    }
}

/// Computes `R_∞ + (R₁ − R_∞) / K` without taking the difference.
fn combine(single: f64, limit: f64, size: usize) -> f64 {
    let share = (size as f64).recip();
    share * single + (1.0 - share) * limit
}

fn check_size(size: usize) -> Result<(), Error> {
    if size > 0 {
        return Ok(());
    }
    Err(Error::Domain { what: "the number of members of an ensemble", value: 0.0, must_be: "at least 1" })
}
