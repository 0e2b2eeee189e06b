//! Effective model complexity: the largest sample of a table that a training procedure can still fit.

use crate::machine::order;
use crate::machine::spread::norm_of_deviations;
use crate::sweep::{Grid, Splits};
use crate::{Error, error::user_code};
use ndarray::{Array2, ArrayRef2, Axis, s};

/// A training procedure, represented by its training error on a sample.
///
/// Implemented for closures, with any fit and any error, such as the share of misclassified labels.
///
/// # Examples
/// ```
/// use double_descent::complexity::Search;
/// use ndarray::{Array2, ArrayRef2};
///
/// // The best constant and the mean squared deviation from it.
/// let constant = |_: &ArrayRef2<f64>, y: &ArrayRef2<f64>| Ok(y.var(0.0));
/// let targets = Array2::from_shape_fn((30, 1), |(i, _)| i as f64);
/// let found = Search::new(1e-9, 4, 0).run(&constant, &targets, &targets)?;
/// assert_eq!(found.value, 1);
/// # Ok::<(), double_descent::Error>(())
/// ```
pub trait Procedure: Send + Sync {
    /// Returns the mean training error after training on `inputs` (`n × d`) and `targets` (`n × k`): finite, at least
    /// 0.
    ///
    /// # Errors
    /// Those of the procedure.
    fn training_error(&self, inputs: &ArrayRef2<f64>, targets: &ArrayRef2<f64>) -> Result<f64, Error>;

    /// Returns the training errors on the first `1, 2, …, N` rows.
    ///
    /// # Errors
    /// Those of [`Procedure::training_error`].
    fn training_errors(&self, inputs: &ArrayRef2<f64>, targets: &ArrayRef2<f64>) -> Result<Vec<f64>, Error> {
        one_by_one(inputs, targets, |inputs, targets| self.training_error(inputs, targets))
    }

    /// Whether [`Procedure::training_errors`] costs about as much as one error; a search then evaluates every `n`.
    fn is_nested(&self) -> bool {
        false
    }
}

impl<F> Procedure for F
where
    F: Fn(&ArrayRef2<f64>, &ArrayRef2<f64>) -> Result<f64, Error> + Send + Sync,
{
    fn training_error(&self, inputs: &ArrayRef2<f64>, targets: &ArrayRef2<f64>) -> Result<f64, Error> {
        self(inputs, targets)
    }
}

/// The mean training error over repeats at one number of samples, in [`Complexity::points`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TrainingError {
    /// Training samples.
    pub n: usize,
    /// The mean over the repeats: the estimate of `E[Error_S]`.
    pub mean: f64,
    /// Its standard error; `None` for a single repeat.
    pub standard_error: Option<f64>,
}

/// An effective model complexity and the errors behind it, from [`Search::run`].
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Complexity {
    /// The largest `n` found to be fitted; 0 if not even one sample is.
    pub value: usize,
    /// The tolerance `ε`.
    pub epsilon: f64,
    /// The smallest `n` beyond [`Complexity::value`] found not to be fitted: `value + 1`. `None` if the largest
    /// `n` tried is still fitted: [`Complexity::value`] is then a lower bound.
    pub first_over: Option<usize>,
    /// The evaluated errors, by ascending `n`.
    pub points: Vec<TrainingError>,
}

impl Complexity {
    /// Whether the largest `n` tried is still fitted, so that the complexity is at least [`Complexity::value`].
    #[must_use]
    pub fn is_bound(&self) -> bool {
        self.first_over.is_none()
    }

    /// Whether the evaluated means never fall as `n` grows. Bisection assumes this for all `n`, but this checks only
    /// the `n` that it evaluated; a search that evaluates every `n` does not need the assumption.
    #[must_use]
    pub fn is_monotone(&self) -> bool {
        self.points.windows(2).all(|pair| pair[0].mean <= pair[1].mean)
    }

    /// Whether the evaluated means cross `ε` once: all up to [`Complexity::value`] are fitted, none beyond. Otherwise
    /// the fitted `n` are not an interval, and the definition's maximum says less.
    #[must_use]
    pub fn is_single_crossing(&self) -> bool {
        self.points.iter().all(|point| (point.n <= self.value) == (point.mean <= self.epsilon))
    }
}

/// Settings to measure an effective model complexity: the tolerance, and samples drawn from a table.
///
/// In each repeat the sample of size `n` is the first `n` rows of a random order (as in a
/// [`Sweep`](crate::sweep::Sweep)): samples are nested, so neighbouring `n` share rows within a repeat. A
/// [`Procedure`] that [is nested](Procedure::is_nested) (minimum norm, ridge) is measured at every `n` up to
/// [`Search::largest`], and the result is exactly the maximum of the definition. For any other, the training
/// error is assumed to grow with `n`: doubling from 1, then bisection, about `2 log₂ EMC` sizes in all.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// The tolerance `ε ≥ 0`, in the units of the training error.
    pub epsilon: f64,
    /// The order in which rows join the sample.
    pub splits: Splits,
    /// The largest `n` to try; `None` means all rows.
    pub largest: Option<usize>,
    /// Number of threads; `None` means as many as the machine has. Results do not depend on it.
    pub threads: Option<usize>,
}

impl Search {
    /// Creates a search over all rows with tolerance `epsilon` (`ε`), in `repeats` orders drawn from a seed.
    #[must_use]
    pub fn new(epsilon: f64, repeats: usize, seed: u64) -> Self {
        Self { epsilon, splits: Splits::Drawn { repeats, seed }, largest: None, threads: None }
    }

    /// Measures the effective complexity of a procedure on samples of `inputs` (`N × d`) and `targets` (`N × k`).
    ///
    /// # Errors
    /// [`Error::Domain`] unless `ε` is finite and ≥ 0, for a largest `n` of 0, for no repeats or threads, and for a
    /// training error that is negative, NaN or infinite; [`Error::TooLarge`] for a largest `n` above the number of
    /// rows; [`Error::Empty`], [`Error::Shape`], [`Error::NonFinite`] for the table; those of [`Splits::orders`]; those
    /// of the procedure, [`Error::UserCode`] if it panics; [`Error::Memory`], [`Error::Resource`] if the system cannot
    /// start the threads.
    pub fn run(
        &self,
        procedure: &dyn Procedure,
        inputs: &ArrayRef2<f64>,
        targets: &ArrayRef2<f64>,
    ) -> Result<Complexity, Error> {
        let largest = self.check(inputs, targets)?;
        let orders = self.splits.orders(inputs.nrows(), largest)?;
        let samples = Samples { search: self, inputs, targets, orders };
        if call(|| Ok(procedure.is_nested()))? {
            samples.every_size(procedure, largest)
        } else {
            samples.bisect(procedure, largest)
        }
    }

    /// Finds the smallest `p` from 1 to `largest` whose procedure `of(p)` has a complexity of at least `n` on samples
    /// of `inputs` (`N × d`) and `targets` (`N × k`), by bisection, since more features fit more samples. `None` if
    /// even `largest` is too few.
    ///
    /// # Errors
    /// Those of [`Search::run`]; [`Error::UserCode`] if `of` panics.
    ///
    /// # Examples
    /// ```
    /// use double_descent::complexity::{LinearModel, Search};
    /// use double_descent::dataset::Dataset;
    /// use double_descent::features::Coordinates;
    /// use double_descent::filter::MinNorm;
    /// use std::sync::Arc;
    ///
    /// let data = Dataset::diabetes();
    /// let of = |p| LinearModel::new(Arc::new(Coordinates::new(10)), p, Arc::new(MinNorm::default()));
    /// let search = Search { largest: Some(15), ..Search::new(1e-6, 3, 0) };
    /// assert_eq!(search.first_to_reach(7, 10, of, data.features(), data.targets())?, Some(7));
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn first_to_reach<P: Procedure>(
        &self,
        n: usize,
        largest: usize,
        of: impl Fn(usize) -> P,
        inputs: &ArrayRef2<f64>,
        targets: &ArrayRef2<f64>,
    ) -> Result<Option<usize>, Error> {
        let reaches = |p: usize| Ok::<_, Error>(self.run(&call(|| Ok(of(p)))?, inputs, targets)?.value >= n);
        let (mut low, mut high) = (0, largest);
        if largest == 0 || !reaches(high)? {
            return Ok(None);
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if reaches(middle)? { high = middle } else { low = middle }
        }
        Ok(Some(high))
    }

    /// Checks the settings and returns the largest `n` to try.
    pub(super) fn check(&self, inputs: &ArrayRef2<f64>, targets: &ArrayRef2<f64>) -> Result<usize, Error> {
        if !(self.epsilon >= 0.0 && self.epsilon.is_finite()) {
            let must_be = "finite and ≥ 0";
            return Err(Error::Domain { what: "the tolerance ε", value: self.epsilon, must_be });
        }
        for (what, table) in [("the inputs", inputs), ("the targets", targets)] {
            if table.is_empty() {
                return Err(Error::Empty { what });
            }
            Error::check_finite(what, table.view())?;
        }
        let rows = inputs.nrows();
        Error::check_len("rows of the targets", rows, targets.nrows())?;
        let largest = self.largest.unwrap_or(rows);
        if (1..=rows).contains(&largest) {
            return Ok(largest);
        }
        let what = "the largest number of samples";
        Err(if largest == 0 {
            Error::Domain { what, value: 0.0, must_be: "at least 1" }
        } else {
            Error::TooLarge { what, found: largest, most: rows, limit: "the number of rows" }
        })
    }
}

/// A search in progress.
pub(super) struct Samples<'a> {
    pub(super) search: &'a Search,
    pub(super) inputs: &'a ArrayRef2<f64>,
    pub(super) targets: &'a ArrayRef2<f64>,
    pub(super) orders: Vec<Vec<usize>>,
}

impl Samples<'_> {
    /// Applies the procedure to the first `n` rows of each repeat.
    pub(super) fn each<T: Send>(
        &self,
        n: usize,
        train: impl Fn(&Array2<f64>, &Array2<f64>) -> Result<T, Error> + Sync,
    ) -> Result<Vec<T>, Error> {
        let repeats = self.orders.len();
        let grid = Grid { axis: vec![n], repeats, threads: self.search.threads, batch: 1 };
        let visited = grid.run(&(), |places| {
            let sample = |repeat: usize| {
                let rows = &self.orders[repeat][..n];
                train(&self.inputs.select(Axis(0), rows), &self.targets.select(Axis(0), rows))
            };
            places.iter().map(|place| sample(place.repeat)).collect()
        })?;
        visited.into_iter().filter_map(|(_, result)| result).collect()
    }

    fn every_size(&self, procedure: &dyn Procedure, largest: usize) -> Result<Complexity, Error> {
        let curves =
            self.each(largest, |inputs, targets| call(|| procedure.training_errors(inputs, targets)))?;
        for curve in &curves {
            Error::check_len("training errors, one for each number of samples", largest, curve.len())?;
        }
        let point = |n: usize| mean(n, &curves.iter().map(|curve| curve[n - 1]).collect::<Vec<_>>());
        Ok(self.largest_fitted((1..=largest).map(point).collect::<Result<Vec<_>, Error>>()?))
    }

    /// Returns the maximum of the definition, from the errors at every size.
    pub(super) fn largest_fitted(&self, points: Vec<TrainingError>) -> Complexity {
        let value = points.iter().rev().find(|point| self.fits(point)).map_or(0, |point| point.n);
        self.found(value, (value < points.len()).then_some(value + 1), points)
    }

    /// Doubles `n` until a sample is not fitted, then bisects the interval.
    fn bisect(&self, procedure: &dyn Procedure, largest: usize) -> Result<Complexity, Error> {
        let (mut value, mut first_over, mut next) = (0, None, 1);
        let mut points = Vec::new();
        while value < next {
            let errors =
                self.each(next, |inputs, targets| call(|| procedure.training_error(inputs, targets)))?;
            let point = mean(next, &errors)?;
            if self.fits(&point) {
                value = next;
            } else {
                first_over = Some(next);
            }
            points.push(point);
            next = match first_over {
                Some(over) => value + (over - value) / 2,
                None => next.saturating_mul(2).min(largest),
            };
        }
        order::sort(&mut points, |a, b| a.n.cmp(&b.n));
        Ok(self.found(value, first_over, points))
    }

    fn fits(&self, point: &TrainingError) -> bool {
        point.mean <= self.search.epsilon
    }

    fn found(&self, value: usize, first_over: Option<usize>, points: Vec<TrainingError>) -> Complexity {
        Complexity { value, epsilon: self.search.epsilon, first_over, points }
    }
}

/// Calls a procedure, which may be the caller's code.
fn call<T>(train: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    user_code::call(|| "the training procedure".into(), train)?
}

/// Returns the training errors on the first `1, 2, …, N` rows, with a separate fit for each.
pub(super) fn one_by_one(
    inputs: &ArrayRef2<f64>,
    targets: &ArrayRef2<f64>,
    train: impl Fn(&ArrayRef2<f64>, &ArrayRef2<f64>) -> Result<f64, Error>,
) -> Result<Vec<f64>, Error> {
    Error::check_len("rows of the targets", inputs.nrows(), targets.nrows())?;
    (1..=inputs.nrows()).map(|n| train(&inputs.slice(s![..n, ..]), &targets.slice(s![..n, ..]))).collect()
}

/// Returns the mean over repeats, with its standard error.
pub(super) fn mean(n: usize, errors: &[f64]) -> Result<TrainingError, Error> {
    if let Some(&value) = errors.iter().find(|error| !(**error >= 0.0 && error.is_finite())) {
        return Err(Error::Domain { what: "a training error", value, must_be: "finite and ≥ 0" });
    }
    let repeats = errors.len() as f64;
    let mean = errors.iter().map(|error| error / repeats).sum::<f64>();
    let standard_error =
        (errors.len() > 1).then(|| norm_of_deviations(errors, mean) / (repeats * (repeats - 1.0)).sqrt());
    Ok(TrainingError { n, mean, standard_error })
}
