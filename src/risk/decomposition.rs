//! Bias and variance over training sets, label noise and feature seeds, from predictions on a grid of draws.

use crate::Error;
use crate::error::user_code;
use crate::machine::memory::{reserve, table};
use crate::machine::spread::{norm, norm_of_deviations};
use ndarray::{Array1, Array4, ArrayRef1, ArrayRef4, ArrayView1, ArrayView4, Axis};
use std::borrow::Cow;

/// A source of randomness of a fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum VarianceSource {
    /// The inputs of the training set: the first axis of a grid.
    Sampling,
    /// The noise of the training targets: the second axis.
    LabelNoise,
    /// The draw of the features, or of a start: the third axis.
    Initialisation,
}

/// An estimate of a [`Decomposition`] and its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Component {
    /// The estimate. It is unbiased, so it may be negative if the quantity is small.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub value: f64,
    /// Its standard error: the jackknife, leaving out one level of one source at a time, with squares summed over the
    /// sources. On average it is not too small (Efron and Stein 1981), because every interaction is counted for each of
    /// its sources. `None` if a source has two levels.
    #[cfg_attr(feature = "serde", serde(default, with = "crate::machine::stored::optional_number"))]
    pub standard_error: Option<f64>,
}

/// The symmetric decomposition of the expected excess risk over three sources of randomness,
///
/// ```text
/// E⟨(f − f*)²⟩ = bias² + V_S + V_N + V_I + V_SN + V_SI + V_NI + V_SNI
/// bias² = ⟨(E f − f*)²⟩        V_u = ⟨Var of the part of f that depends on all sources of u together, and no others⟩
/// ```
///
/// (the analysis of variance of Hoeffding and Sobol; `⟨·⟩` is the mean over test points), from predictions on a crossed
/// grid: every training set with every draw of noise and every seed of features. A source with one level is not varied:
/// its components are absent, and the rest is the decomposition given that level.
///
/// Where all sequential decompositions, whatever the order of the sources, agree on a term, this one agrees too. Where
/// they differ, they differ about the interactions. [`Decomposition::sequential`] gives one order, that of d'Ascoli et
/// al.
///
/// # Estimates
/// With the mean squares `MS_u` of the grid and the levels `L_a` of a source, over the sources that vary,
///
/// ```text
/// V_u = Σ_{w ⊇ u} (−1)^{|w|−|u|} MS_w / ∏_{a ∉ u} L_a        bias² = ⟨(f̄ − f*)²⟩ − Σ_u V_u / ∏_{a ∈ u} L_a
/// ```
///
/// All are unbiased, whatever the distributions. A variance is accurate to a few `ε` times the largest of them.
///
/// # Examples
/// ```
/// use double_descent::risk::{Decomposition, VarianceSource};
/// use ndarray::{Array4, array};
///
/// // Three training sets, one draw of noise, three seeds; the prediction at the one test point is a sum.
/// let grid = Array4::from_shape_fn((3, 1, 3, 1), |(i, _, j, _)| [0.0, 3.0, 6.0][i] + [-1.0, 0.0, 1.0][j]);
/// let parts = Decomposition::new(&grid, &array![0.0])?;
/// let variance = |sources: &[VarianceSource]| parts.variance(sources).map(|part| part.value);
/// assert!((variance(&[VarianceSource::Sampling]).unwrap() - 9.0).abs() < 1e-12);
/// assert!((variance(&[VarianceSource::Initialisation]).unwrap() - 1.0).abs() < 1e-12);
/// assert!(variance(&[VarianceSource::Sampling, VarianceSource::Initialisation]).unwrap().abs() < 1e-12);
/// assert_eq!(variance(&[VarianceSource::LabelNoise]), None);
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Adlam and Pennington, *Understanding double descent requires a fine-grained bias–variance decomposition*, NIPS 2020
/// (symmetric); d'Ascoli, Refinetti, Biroli and Krzakala, *Double trouble in double descent*, ICML 2020 (sequential);
/// Lin and Dobriban, *What causes the test error?*, JMLR 2021 (all orders); Efron and Stein, *The jackknife estimate of
/// variance*, Annals of Statistics 1981; Searle, Casella and `McCulloch`, *Variance Components*, 1992, chapter 4.
#[derive(Clone, Debug, PartialEq)]
pub struct Decomposition {
    levels: [usize; 3],
    all: Estimates,
    /// Estimates without one level of each source.
    left: [Vec<Estimates>; 3],
}

/// `bias²` at index 0, and each variance at the index whose bits are its sources; 0 if a source does not vary.
type Estimates = [f64; 8];

/// The terms of d'Ascoli et al., which sum to the excess risk, from [`Decomposition::sequential`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Sequential {
    /// What vanishes without label noise: every term in which the noise takes part.
    pub noise: Component,
    /// What vanishes in the mean over initialisations of noise-free fits: `V_I + V_SI`.
    pub initialisation: Component,
    /// What then vanishes in the mean over training sets: `V_S`.
    pub sampling: Component,
    /// What is left.
    pub bias_squared: Component,
}

impl Decomposition {
    /// Computes the decomposition from predictions (training sets × noise draws × seeds × test points) and the
    /// noise-free truth at the test points. Several outputs are points side by side. O(cells · points) for each level.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Shape`] unless there is a truth for each point, [`Error::NonFinite`] (the row of a
    /// prediction counts the cells of the grid, seeds fastest), [`Error::Domain`] if no source varies,
    /// [`Error::Overflow`] if an error or a variance does not fit into `f64`, [`Error::Memory`].
    pub fn new(predictions: &ArrayRef4<f64>, truth: &ArrayRef1<f64>) -> Result<Self, Error> {
        let (sets, draws, seeds, points) = predictions.dim();
        let (levels, cells) = ([sets, draws, seeds], sets.saturating_mul(draws).saturating_mul(seeds));
        if predictions.is_empty() {
            return Err(Error::Empty { what: "the grid of predictions" });
        }
        Error::check_len("values of the truth, one a test point", points, truth.len())?;
        if cells == 1 {
            let must_be = "at least 2: a variance is read off several";
            return Err(Error::Domain { what: "the number of cells of a grid", value: 1.0, must_be });
        }
        // The errors, a grid without one level, and its means, three of them as large if one source alone varies.
        reserve("a decomposition", table(cells, points).saturating_mul(5))?;
        Error::check_finite("the truth", truth.view().insert_axis(Axis(0)))?;
        let errors = predictions.to_owned() - truth;
        if !errors.iter().all(|e| e.is_finite()) {
            for (row, values) in predictions.rows().into_iter().enumerate() {
                if let Some(column) = values.iter().position(|v| !v.is_finite()) {
                    let value = values[column];
                    return Err(Error::NonFinite { what: "the grid of predictions", row, column, value });
                }
            }
            return Err(Error::Overflow { what: "the error of a prediction" });
        }
        let all = estimates(errors.view());
        let left = [0, 1, 2].map(|axis| {
            let without = |level: usize| {
                let kept: Vec<usize> = (0..levels[axis]).filter(|&other| other != level).collect();
                estimates(errors.select(Axis(axis), &kept).view())
            };
            // At least two of three must remain: one alone has no variance.
            if levels[axis] < 3 { Vec::new() } else { (0..levels[axis]).map(without).collect() }
        });
        let finite = |estimates: &Estimates| estimates.iter().all(|v| v.is_finite());
        if finite(&all) && left.iter().flatten().all(finite) {
            return Ok(Self { levels, all, left });
        }
        Err(Error::Overflow { what: "a variance of the decomposition" })
    }

    /// Like [`Decomposition::new`], with a fit for every cell of a grid with the given numbers of training sets, noise
    /// draws and seeds. `predict` gives the predictions at the test points for the indices of a training set, a draw
    /// and a seed, one per entry of `truth`. The same index must always mean the same draw, and different indices
    /// independent draws.
    ///
    /// # Errors
    /// Those of `predict` and of [`Decomposition::new`]; [`Error::UserCode`] if `predict` panics; [`Error::Shape`] if
    /// it returns another number of predictions; [`Error::Empty`] for a source without levels.
    ///
    /// # Examples
    /// How much of the minimum-norm fit's variance is due to its inputs and its noise, at 4 samples of 6 features:
    /// ```
    /// use double_descent::filter::MinNorm;
    /// use double_descent::risk::{Decomposition, VarianceSource};
    /// use double_descent::rng::stream;
    /// use double_descent::svd::Svd;
    /// use ndarray::{Array2, Axis};
    /// use rand::RngExt;
    /// use rand_distr::StandardNormal;
    ///
    /// let normal = |shape, axis, repeat| {
    ///     let mut rng = stream(1, axis, repeat);
    ///     Array2::from_shape_simple_fn(shape, || rng.sample::<f64, _>(StandardNormal))
    /// };
    /// let (beta, tests) = (normal((6, 1), 0, 0), normal((50, 6), 1, 0));
    /// let truth = tests.dot(&beta).remove_axis(Axis(1));
    /// let parts = Decomposition::of_fits([20, 20, 1], &truth, |set, draw, _| {
    ///     let x = normal((4, 6), 2, set);
    ///     let y = x.dot(&beta) + 0.5 * normal((4, 1), 3, draw);
    ///     Ok(tests.dot(&Svd::new(&x)?.solve(&y, &MinNorm::default())?).remove_axis(Axis(1)))
    /// })?;
    /// let sampling = parts.variance(&[VarianceSource::Sampling]).unwrap();
    /// assert!(sampling.value > 5.0 * sampling.standard_error.unwrap());
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn of_fits(
        [sets, draws, seeds]: [usize; 3],
        truth: &ArrayRef1<f64>,
        mut predict: impl FnMut(usize, usize, usize) -> Result<Array1<f64>, Error>,
    ) -> Result<Self, Error> {
        let cells = sets.saturating_mul(draws).saturating_mul(seeds);
        if cells == 0 || truth.is_empty() {
            return Err(Error::Empty { what: "the grid of predictions" });
        }
        reserve("a grid of predictions", table(cells, truth.len()).saturating_mul(6))?;
        let mut grid = Array4::zeros((sets, draws, seeds, truth.len()));
        for (cell, mut row) in grid.rows_mut().into_iter().enumerate() {
            let (set, draw, seed) = (cell / (draws * seeds), cell / seeds % draws, cell % seeds);
            let part = || format!("the fit of training set {set}, noise draw {draw}, seed {seed}");
            let predictions = user_code::call(part, || predict(set, draw, seed))??;
            Error::check_len("predictions of a fit, one a test point", truth.len(), predictions.len())?;
            row.assign(&predictions);
        }
        Self::new(&grid, truth)
    }

    /// The squared bias.
    #[must_use]
    pub fn bias_squared(&self) -> Component {
        self.sum_of(|set| set == 0)
    }

    /// The variance that is due to these sources together, in any order: the main effect of one, the interaction of
    /// several. `None` for no sources, and if one of them has one level.
    #[must_use]
    pub fn variance(&self, sources: &[VarianceSource]) -> Option<Component> {
        let wanted = set_of(sources);
        (wanted != 0 && wanted & !self.varied() == 0).then(|| self.sum_of(|set| set == wanted))
    }

    /// What vanishes with a source: every variance in which it takes part, alone or with others (Sobol's total effect).
    /// For label noise it is the average of the variance given the training inputs.
    #[must_use]
    pub fn total_effect(&self, source: VarianceSource) -> Component {
        self.sum_of(|set| set & bit(source) != 0)
    }

    /// What remains without a source: `bias²` and every variance in which it takes no part. Without label noise it is
    /// the average of the squared bias given the training inputs.
    #[must_use]
    pub fn without(&self, source: VarianceSource) -> Component {
        self.sum_of(|set| set & bit(source) == 0)
    }

    /// `bias²` and all variances: the expected excess risk.
    #[must_use]
    pub fn excess(&self) -> Component {
        self.sum_of(|_| true)
    }

    /// The terms of d'Ascoli et al.: noise first, then initialisation, then sampling.
    #[must_use]
    pub fn sequential(&self) -> Sequential {
        let (noise, seed) = (bit(VarianceSource::LabelNoise), bit(VarianceSource::Initialisation));
        Sequential {
            noise: self.sum_of(|set| set & noise != 0),
            initialisation: self.sum_of(|set| set & noise == 0 && set & seed != 0),
            sampling: self.sum_of(|set| set == bit(VarianceSource::Sampling)),
            bias_squared: self.bias_squared(),
        }
    }

    /// All fields as numbers, for [`from_numbers`](Self::from_numbers): levels, estimates, estimates without each
    /// level.
    pub(crate) fn to_numbers(&self) -> Vec<f64> {
        let levels = self.levels.iter().map(|&level| level as f64);
        let left = self.left.iter().flatten().flatten();
        levels.chain(self.all.iter().chain(left).copied()).collect()
    }

    /// Restores what [`to_numbers`](Self::to_numbers) gave; `None` for other numbers.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked by comparison
    pub(crate) fn from_numbers(numbers: &[f64]) -> Option<Self> {
        let (levels, rest) = numbers.split_first_chunk::<3>()?;
        let (all, mut rest) = rest.split_first_chunk::<8>()?;
        if levels.iter().any(|&level| level as usize as f64 != level) {
            return None;
        }
        let levels = levels.map(|level| level as usize);
        let mut left = [const { Vec::new() }; 3];
        for (left, &level) in left.iter_mut().zip(&levels) {
            let (own, after) = rest.split_at_checked(if level < 3 { 0 } else { level.checked_mul(8)? })?;
            left.extend_from_slice(own.as_chunks::<8>().0);
            rest = after;
        }
        rest.is_empty().then_some(Self { levels, all: *all, left })
    }

    fn varied(&self) -> usize {
        (0..3).filter(|&axis| self.levels[axis] > 1).map(|axis| 1 << axis).sum()
    }

    fn sum_of(&self, terms: impl Fn(usize) -> bool) -> Component {
        let total = |estimates: &Estimates| (0..8).filter(|&set| terms(set)).map(|set| estimates[set]).sum();
        let is_known = (0..3).all(|axis| self.levels[axis] != 2);
        let errors = self.left.iter().map(|left| {
            let values: Vec<f64> = left.iter().map(total).collect();
            let count = values.len().max(1) as f64;
            let mean = values.iter().sum::<f64>() / count;
            norm_of_deviations(&values, mean) * ((count - 1.0) / count).sqrt()
        });
        let errors: Vec<f64> = errors.collect();
        Component { value: total(&self.all), standard_error: is_known.then(|| norm(&errors)) }
    }
}

fn bit(source: VarianceSource) -> usize {
    match source {
        VarianceSource::Sampling => 1,
        VarianceSource::LabelNoise => 2,
        VarianceSource::Initialisation => 4,
    }
}

fn set_of(sources: &[VarianceSource]) -> usize {
    sources.iter().fold(0, |set, &source| set | bit(source))
}

/// Computes all estimates from a grid of errors.
fn estimates(errors: ArrayView4<'_, f64>) -> Estimates {
    let (sets, draws, seeds, _) = errors.dim();
    let levels = [sets, draws, seeds].map(|level| level as f64);
    let varied = |set: usize| (0..3).all(|axis| set & (1 << axis) == 0 || levels[axis] > 1.0);
    let product = |set: usize, of: &dyn Fn(f64) -> f64| -> f64 {
        (0..3).filter(|axis| set & (1 << axis) != 0).map(|axis| of(levels[axis])).product()
    };
    // Averages over one source; its axis keeps one level.
    let mean = |of: ArrayView4<'_, f64>, axis: usize| {
        (of.sum_axis(Axis(axis)) / levels[axis]).insert_axis(Axis(axis))
    };
    let [of_0, of_1, of_2] = [0, 1, 2].map(|axis| mean(errors, axis));
    let (of_01, of_02, of_12) = (mean(of_0.view(), 1), mean(of_0.view(), 2), mean(of_1.view(), 2));
    let grand = mean(of_01.view(), 2).into_raw_vec_and_offset().0;
    // The means over the sources that are not in a set. Their mean squares are taken around the grand mean, so that a
    // large bias costs no digits.
    let others = [&of_12, &of_02, &of_2, &of_01, &of_1, &of_0].map(|means| means.view());
    let off = |(set, means): (usize, ArrayView4<'_, f64>)| {
        let rows = means.rows().into_iter();
        let from_grand = |row: ArrayView1<'_, f64>| {
            let row = row.to_slice().map_or_else(|| Cow::from(row.to_vec()), Cow::from);
            square_distance(&row, &grand)
        };
        if varied(set) { rows.map(from_grand).sum::<f64>() / means.len() as f64 } else { 0.0 }
    };
    let mut marginal: Estimates = [0.0; 8];
    for (set, means) in others.into_iter().chain([errors]).enumerate() {
        marginal[set + 1] = off((set + 1, means));
    }
    let below = |set: usize| (0..8).filter(move |&other| other & !set == 0);
    let sign =
        |a: usize, b: usize| if (a.count_ones() + b.count_ones()).is_multiple_of(2) { 1.0 } else { -1.0 };
    let mean_square = |set: usize| {
        let effect: f64 = below(set).map(|other| sign(set, other) * marginal[other]).sum();
        product(7, &|level| level) * effect / product(set, &|level| level - 1.0)
    };
    let mean_squares: Estimates =
        std::array::from_fn(|set| if set == 0 || !varied(set) { 0.0 } else { mean_square(set) });
    let mut parts: Estimates = std::array::from_fn(|set| {
        if set == 0 || !varied(set) {
            return 0.0;
        }
        let above = (0..8).filter(|&other| set & !other == 0 && varied(other));
        let total: f64 = above.map(|other| sign(set, other) * mean_squares[other]).sum();
        total / product(7 & !set, &|level| level)
    });
    let of_mean: f64 = (1..8).map(|set| parts[set] / product(set, &|level| level)).sum();
    parts[0] = grand.iter().map(|v| v * v).sum::<f64>() / grand.len() as f64 - of_mean;
    parts
}

/// `‖a − b‖²`, in eight sums, so that the compiler may use registers of up to eight lanes.
fn square_distance(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let square = |a: f64, b: f64| (a - b) * (a - b);
    for (a, b) in a.iter().zip(b) {
        (0..8).for_each(|lane| sums[lane] += square(a[lane], b[lane]));
    }
    sums.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| square(*a, *b)).sum::<f64>()
}
