//! A path of fits over penalties, times, steps or cutoffs, from one factorisation, and how to choose among them.

mod downdate;
mod evaluate;
mod held_out;
mod intervals;
mod modes;
mod nodes;
mod reduced;
mod ridge_left_out;
mod shifted;
mod training;
mod without_row;

pub(crate) use evaluate::ridge_points;
pub(crate) use held_out::Projected;
pub use intervals::Interval;
pub(crate) use modes::Modes;
pub use training::Training;

use crate::Error;

/// One fit of a [`Path`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PathPoint {
    /// The penalty, time, number of steps or cutoff, or the value given for the filter.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub value: f64,
    /// The mean over rows and outputs of the squared training error.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub train_mse: f64,
    /// The mean over rows and outputs of the squared test error; `None` without test rows.
    #[cfg_attr(feature = "serde", serde(default, with = "crate::machine::stored::optional_number"))]
    pub test_mse: Option<f64>,
    /// `‖β̂‖_F`, without the intercept.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub norm: f64,
    /// `tr H`, `H` the matrix that maps targets to fitted values; an intercept counts 1.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub degrees_of_freedom: f64,
    /// The mean over rows and outputs of the squared leave-one-out error. The fit without the only row is 0. `None` if
    /// the error was not requested, or if a fit without some row does not exist (an intercept without rows, or a
    /// negative penalty beyond what the other rows allow).
    #[cfg_attr(feature = "serde", serde(default, with = "crate::machine::stored::optional_number"))]
    pub loo_mse: Option<f64>,
    /// Generalised cross-validation, `‖Xβ̂ − Y‖²/(nk) / (1 − df/n)²`; for a fit that interpolates, the limit of small
    /// penalties. `None` if this limit is 0/0, or if the degrees of freedom reach the number of rows in another way, as
    /// under a negative penalty.
    #[cfg_attr(feature = "serde", serde(default, with = "crate::machine::stored::optional_number"))]
    pub gcv: Option<f64>,
}

/// A criterion by which to choose a value of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Criterion {
    /// The leave-one-out error.
    LeaveOneOut,
    /// Generalised cross-validation.
    GeneralisedCrossValidation,
    /// The test error: the choice in hindsight.
    Test,
}

/// A chosen point of a path, from [`Path::best`] or [`Path::best_by_risk`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Best {
    /// Its index along the path.
    pub index: usize,
    /// Its value: the penalty, time, steps or cutoff.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub value: f64,
    /// The value of the criterion there.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub score: f64,
    /// Whether it is the first or the last value that has a score. If so, the best may lie beyond.
    pub is_at_end: bool,
}

/// Fits along one axis, from one factorisation ([`Training`]): for each value the training error, the norm, the degrees
/// of freedom, the test error if there are test rows, and two estimates of the test error that need no test rows.
///
/// # Leave-one-out
/// The mean squared error at each row of the same estimator trained on all other rows. For ridge, with `hᵢᵢ` the
/// leverage,
///
/// ```text
/// eᵢ = (yᵢ − ŷᵢ)/(1 − hᵢᵢ) = Σᵣ U_ir c_r ρ_r / Σᵣ U_ir² ρ_r        ρ = λ/(σ² + λ),  c = Uᵀy  (all of ℝⁿ spanned by U)
/// ```
///
/// The second form has the limit of interpolation, `[K⁻¹y]ᵢ/[K⁻¹]ᵢᵢ` with `K = XXᵀ`, where the first is 0/0 (Hastie,
/// Montanari, Rosset and Tibshirani, Annals of Statistics 2022, section 6). No digits are lost at small `λ`: all terms
/// of the denominator are positive. For many penalties, the sums are combinations of those at a few dozen penalties
/// (rational interpolation, whose error is known exactly and kept under rounding). They then have about a hundred
/// rounding errors, each relative to a sum of absolute values, instead of a few.
///
/// For any other filter, dividing by `1 − hᵢᵢ` does not give the error of a fit without the row. Here the error is that
/// of such a fit: the singular values and vectors of the training set without each row follow from those of the whole
/// set by one secular equation per row (Golub, *Some modified matrix eigenvalue problems*, SIAM Review 1973), O(r²) per
/// row in all, and the filter is applied to each of these spectra, as one of `n − 1` rows.
///
/// # Generalised cross-validation
/// `‖Xβ̂ − Y‖²/(nk) / (1 − df/n)²`, with its limit `n yᵀK⁻²y/(tr K⁻¹)²`. It is consistent for ridge. **For descent that
/// is stopped early it is not**: it misjudges the risk even as `n → ∞`, and may prefer a time other than the best.
/// Leave-one-out stays consistent (Patil, Wu and Tibshirani, *Failures and successes of cross-validation for
/// early-stopped gradient descent*, AISTATS 2024). Both are reported, so that the gap is visible.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Path {
    points: Vec<PathPoint>,
}

impl Path {
    pub(crate) fn new(points: Vec<PathPoint>) -> Self {
        Self { points }
    }

    /// The fits, in the order in which their values were given.
    #[must_use]
    pub fn points(&self) -> &[PathPoint] {
        &self.points
    }

    /// Returns the value with the lowest score by a criterion, the first of equal ones; `None` if no point has a score.
    #[must_use]
    pub fn best(&self, criterion: Criterion) -> Option<Best> {
        let score = |point: &PathPoint| match criterion {
            Criterion::LeaveOneOut => point.loo_mse,
            Criterion::GeneralisedCrossValidation => point.gcv,
            Criterion::Test => point.test_mse,
        };
        self.least(self.points.iter().map(score))
    }

    /// Returns the value with the lowest risk, from your own risks, one for each point: for example the exact risk for
    /// a known population.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there is one risk for each point, [`Error::NonFinite`] for one that is NaN; `∞` is
    /// allowed.
    pub fn best_by_risk(&self, risks: &[f64]) -> Result<Option<Best>, Error> {
        Error::check_len("risks, one for each point of the path", self.points.len(), risks.len())?;
        if let Some((row, &value)) = risks.iter().enumerate().find(|(_, risk)| risk.is_nan()) {
            return Err(Error::NonFinite { what: "the risks", row, column: 0, value });
        }
        Ok(self.least(risks.iter().map(|&risk| Some(risk))))
    }

    fn least(&self, scores: impl Iterator<Item = Option<f64>>) -> Option<Best> {
        let scored: Vec<(usize, f64)> =
            scores.enumerate().filter_map(|(i, score)| score.map(|score| (i, score))).collect();
        let mut least = *scored.first()?;
        for &(i, score) in &scored[1..] {
            if score < least.1 {
                least = (i, score);
            }
        }
        let (index, score) = least;
        let is_at_end = index == scored[0].0 || scored.last().is_some_and(|last| last.0 == index);
        Some(Best { index, value: self.points[index].value, score, is_at_end })
    }
}
