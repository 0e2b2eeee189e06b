//! The shape of a curve, as far as its repeats certify it: monotone, U, double descent, several peaks.

mod band;
mod critical;

pub use critical::CriticalInterval;

use super::order::quantile;
use super::summary::{Bootstrap, resampling_weights};
use super::{Curve, Metric};
use crate::{Error, machine::memory};
use band::{Band, Ordered, Run, miss_rates};
use critical::Window;
use ndarray::Array2;
use std::collections::BTreeMap;

/// Values of a size below this fraction of the largest median's are zero up to rounding.
const FLOOR: f64 = 1e-12;

/// The confidence at which a shape is decided by default.
pub(super) const CONFIDENCE: f64 = 0.95;

/// The shape of a curve: how many certified peaks lie inside it, or its trend if there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Shape {
    /// No change is certified: a constant is not ruled out.
    Flat,
    /// It falls.
    Falling,
    /// It rises.
    Rising,
    /// It falls, then rises: the classical U.
    UShaped,
    /// It has one peak inside: a rise and a fall, with or without a fall before them.
    DoubleDescent,
    /// It has more than one peak.
    SeveralPeaks,
}

/// In words: `falls`, `double descent`.
impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Flat => "flat",
            Self::Falling => "falls",
            Self::Rising => "rises",
            Self::UShaped => "a U",
            Self::DoubleDescent => "double descent",
            Self::SeveralPeaks => "several peaks",
        })
    }
}

impl Shape {
    fn of(runs: &[Run]) -> Self {
        match (runs.windows(2).filter(|pair| pair[0].rises).count(), runs) {
            (0, []) => Self::Flat,
            (0, [run]) if run.rises => Self::Rising,
            (0, [_]) => Self::Falling,
            (0, _) => Self::UShaped,
            (1, _) => Self::DoubleDescent,
            _ => Self::SeveralPeaks,
        }
    }
}

/// How the shape of a curve is decided.
///
/// # The rule
/// There is a band around the curve of medians over `R` repeats. At each of the `T` axis values it runs from the `k`-th
/// smallest to the `k`-th largest value, with the largest `k` for which `2 T · P(Bin(R, ½) < k) ≤ α`. All true medians
/// lie inside with probability `1 − α`, the [confidence](ShapeTest::confidence), or more: for any distribution of the
/// errors, even with infinite means, any dependence along the axis, and any finite number of independent repeats. The
/// shape is that of **the curve with the fewest rises and falls among all curves inside the band**: none of them can
/// avoid it. So
///
/// - a peak counts if the lower end of the band there is above the upper end somewhere before and somewhere after: if
///   its prominence is more than the noise of the repeats explains;
/// - a curve whose true medians have no peak is said to have one with probability at most `α`, whatever it looks like
///   otherwise; the same holds for every rise and fall;
/// - no number of repeats proves that there is *no* peak: [`Shape::Falling`] says that the repeats show none.
///
/// The rule uses medians because at the interpolation threshold a mean over training sets is infinite in theory (`|n −
/// p| ≤ 1` on Gaussian features) and dominated by one repeat in practice: no confidence statement about it exists.
///
/// # References
/// Davies and Kovac, *Local extremes, runs, strings and multiresolution*, Annals of Statistics 2001 (fewest extremes
/// inside a tube); Donoho, *One-sided inference about functionals of a density*, Annals of Statistics 1988 (why such
/// counts have lower confidence limits only); David and Nagaraja, *Order Statistics*, section 7.1 (the band).
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ShapeTest {
    /// `1 − α`, above 0 and below 1.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub confidence: f64,
    /// Resamples for [`ShapeReport::agreement`].
    pub bootstrap: Bootstrap,
}

impl ShapeTest {
    /// Creates a test at 95 % confidence, with 1000 resamples.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { confidence: CONFIDENCE, bootstrap: Bootstrap { draws: 1000, seed } }
    }
}

/// A certified rise or fall of a curve. An inner minimum lies between a fall and a rise, and is as significant as the
/// less significant of the two.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Change {
    /// The axis value where it starts.
    pub from: f64,
    /// The axis value where it ends: the next change starts there.
    pub to: f64,
    /// Whether it is a rise.
    pub rises: bool,
    /// The level at which it is significant, over all points of the axis at once: an upper bound on the chance that a
    /// curve that does not rise (fall) here is said to.
    pub p_value: f64,
}

/// The shape of one arm's curve, and the evidence for it.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ShapeReport {
    /// The shape.
    pub shape: Shape,
    /// The number of repeats used: those that have the metric at every axis value.
    pub repeats: usize,
    /// The share of bootstrap resamples of whole repeats that give the same shape by the same rule.
    pub agreement: f64,
    /// The rises and falls, in order.
    pub changes: Vec<Change>,
    /// The peaks with their critical intervals, by axis value.
    pub peaks: Vec<CriticalInterval>,
}

impl Curve {
    /// Determines the shape of one arm's curve of medians of a metric, by the rule of [`ShapeTest`]. Axis values at
    /// which no repeat has the metric are left out, then repeats that lack it somewhere.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for an arm that the curve does not have; [`Error::Domain`] unless the confidence is between 0
    /// and 1 and there are resamples; [`Error::Empty`] if no repeat has the metric along the axis, [`Error::NonFinite`]
    /// if a value is NaN or infinite (row: the index of the repeat, column: that of the axis value);
    /// [`Error::Unsupported`] if there are too few repeats for any band: `1 + log₂(T / α)` or more are needed.
    ///
    /// # Examples
    /// ```
    /// use double_descent::curve::{Metric, Shape, ShapeTest};
    /// use double_descent::{dataset::Dataset, sweep::{Arm, Sweep}};
    ///
    /// let mut sweep = Sweep::new(Dataset::diabetes(), 1..=39, 50, 0);
    /// sweep.arms = vec![Arm::unablated()];
    /// let found = sweep.run()?.shape(0, Metric::TestMse, &ShapeTest::new(1))?;
    /// assert_eq!(found.shape, Shape::DoubleDescent);
    /// let critical = found.peaks[0];
    /// assert_eq!(critical.peak, 10.0); // n = p
    /// assert!(critical.from < 9.0 && critical.to > 11.0);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn shape(&self, arm: usize, metric: Metric, test: &ShapeTest) -> Result<ShapeReport, Error> {
        test.check()?;
        let found = self.certified(arm, metric, test.confidence)?;
        let Certified { ordered, rank, runs, .. } = &found;
        memory::reserve("a bootstrap", memory::table(test.bootstrap.draws, ordered.repeats()))?;
        let shape = Shape::of(runs);
        let mut same = 0;
        for weights in resampling_weights(ordered.repeats(), test.bootstrap).rows() {
            let counts: Vec<usize> = weights.iter().map(|&w| count(w, ordered.repeats())).collect();
            let resample = ordered.resampled(&counts);
            same += usize::from(Shape::of(&resample.band(*rank).runs()) == shape);
        }
        Ok(ShapeReport {
            shape,
            repeats: ordered.repeats(),
            agreement: same as f64 / test.bootstrap.draws as f64,
            changes: found.changes(),
            peaks: found.peaks(),
        })
    }

    /// Returns what the repeats certify about one arm's curve of medians, without resampling.
    pub(super) fn certified(&self, arm: usize, metric: Metric, confidence: f64) -> Result<Certified, Error> {
        let (axis, table) = self.whole_repeats(arm, metric)?;
        let ordered = Ordered::new(floored(table).view());
        let (rank, rates) = rank(confidence, ordered.repeats(), axis.len())?;
        let band = ordered.band(rank);
        let runs = band.runs();
        Ok(Certified { axis, ordered, rank, rates, band, runs })
    }

    /// Returns the axis values at which any repeat has the metric, and the repeats (rows) that have it at all of them.
    fn whole_repeats(&self, arm: usize, metric: Metric) -> Result<(Vec<f64>, Array2<f64>), Error> {
        if arm >= self.arms.len() {
            return Err(Error::no_arm(self.arms.len(), arm));
        }
        let axis = self.values();
        let mut repeats: BTreeMap<usize, Vec<Option<f64>>> = BTreeMap::new();
        for cell in self.cells.iter().filter(|cell| cell.arm == arm) {
            let place = |at: f64| axis.binary_search_by(|known| known.total_cmp(&at)).ok();
            if let (Some(value), Some(place)) = (cell.metric(metric), self.axis.value(cell).and_then(place)) {
                repeats.entry(cell.repeat).or_insert_with(|| vec![None; axis.len()])[place] = Some(value);
            }
        }
        let used: Vec<usize> =
            (0..axis.len()).filter(|&t| repeats.values().any(|row| row[t].is_some())).collect();
        let whole = |row: &Vec<Option<f64>>| used.iter().map(|&t| row[t]).collect::<Option<Vec<f64>>>();
        let rows: Vec<Vec<f64>> = repeats.values().filter_map(whole).collect();
        if used.is_empty() || rows.is_empty() {
            return Err(Error::Empty { what: "the metric of this arm, in one repeat along the whole axis" });
        }
        let table = Array2::from_shape_fn((rows.len(), used.len()), |(i, t)| rows[i][t]);
        Error::check_finite("the metric", table.view())?;
        Ok((used.into_iter().map(|t| axis[t]).collect(), table))
    }
}

/// The band around a curve of medians, and the rises and falls that every curve inside it has.
pub(super) struct Certified {
    axis: Vec<f64>,
    ordered: Ordered,
    rank: usize,
    rates: Vec<f64>,
    band: Band,
    runs: Vec<Run>,
}

impl Certified {
    fn changes(&self) -> Vec<Change> {
        let change = |run: &Run| {
            let p_value = self.level(|band| band.has_change(*run));
            Change { from: self.axis[run.from], to: self.axis[run.to], rises: run.rises, p_value }
        };
        self.runs.iter().map(change).collect()
    }

    /// Returns the peaks in the order of the axis.
    pub(super) fn peaks(&self) -> Vec<CriticalInterval> {
        let medians = self.ordered.medians();
        let peak = |window: Window| {
            let (from, to) = window.peak;
            let p_value = self.level(|band| band.has_peak(from, to));
            window.interval(&self.axis, &medians, &self.band, p_value)
        };
        Window::all(&self.runs, self.axis.len()).into_iter().map(peak).collect()
    }

    /// Returns the level at which something that this band certifies is significant.
    fn level(&self, certifies: impl Fn(&Band) -> bool) -> f64 {
        let widest = self.ordered.widest(self.rank, certifies);
        (self.axis.len() as f64 * self.rates[widest]).min(1.0)
    }
}

impl ShapeTest {
    fn check(&self) -> Result<(), Error> {
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            let must_be = "over 0 and under 1";
            return Err(Error::Domain { what: "the confidence", value: self.confidence, must_be });
        }
        if self.bootstrap.draws == 0 {
            return Err(Error::Domain { what: "bootstrap draws", value: 0.0, must_be: "at least 1" });
        }
        Ok(())
    }
}

/// Returns the rank of the band for this number of points, and the rates at which a band of each rank misses a median.
fn rank(confidence: f64, repeats: usize, points: usize) -> Result<(usize, Vec<f64>), Error> {
    let rates = miss_rates(repeats);
    let allowed = (1.0 - confidence) / points as f64;
    match rates.iter().rposition(|&rate| rate <= allowed) {
        Some(rank) if rank > 0 => Ok((rank, rates)),
        _ => Err(Error::Unsupported {
            reason: format!(
                "{repeats} complete repeats certify nothing about {points} medians at confidence {confidence}; run {} \
                 or more, or take fewer axis values",
                (1.0 - allowed.log2()).ceil()
            ),
        }),
    }
}

/// Sets table entries that are zero up to rounding to the same small value. (A log evidence, say, may be negative.)
fn floored(mut table: Array2<f64>) -> Array2<f64> {
    let medians = Ordered::new(table.view()).medians();
    let floor = FLOOR * medians.into_iter().map(f64::abs).fold(0.0, f64::max);
    table.mapv_inplace(|value| if value.abs() < floor { floor } else { value });
    table
}

/// Returns how often a repeat was drawn, from its weight in a resample.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a whole number from 0 to `repeats`
fn count(weight: f64, repeats: usize) -> usize {
    (weight * repeats as f64).round() as usize
}
