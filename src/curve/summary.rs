//! Summaries over repeats: mainly quantiles, since near the threshold a single repeat can dominate the mean.

use super::order::{Five, five_numbers, quantile, tail_quantiles};
use super::{Cell, Curve, MedianPoint, Metric};
use crate::Error;
use crate::machine::memory::{reserve, sum, table};
use crate::rng::stream;
use crate::svd::times_transposed;
use ndarray::Array2;
use rand::RngExt;
use std::borrow::Cow;
use std::sync::OnceLock;

/// How to draw the bootstrap band of the mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Bootstrap {
    /// Number of resamples; 1000 determine the 95 % band to about a tenth of its width.
    pub draws: usize,
    /// The seed.
    pub seed: u64,
}

/// The distribution of one metric over the repeats of one axis value and arm: [`Curve::summaries`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Summary {
    /// Training samples. (Those of the first repeat, if the repeats differ.)
    pub n: usize,
    /// Features, likewise.
    pub p: usize,
    /// The value of the axis: `n` or `p`, or a penalty, a time, a setting.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub value: f64,
    /// Index into [`Curve::arms`].
    pub arm: usize,
    /// How many repeats have the metric.
    pub count: usize,
    /// The mean.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub mean: f64,
    /// 95 % band of the mean: percentiles 2.5 and 97.5 over bootstrap resamples of whole repeats. With few repeats it is
    /// too narrow: for normal values it covers the mean in about 83 % of all cases at 5 repeats, 89 % at 10, 92 % at 20
    /// and 95 % at 50. `None` without a bootstrap, or if a value is infinite.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::optional_pair"))]
    pub mean_band: Option<(f64, f64)>,
    /// The smallest.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub min: f64,
    /// The lower quartile (linear interpolation between order statistics, type 7).
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub q25: f64,
    /// The median.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub median: f64,
    /// The upper quartile.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub q75: f64,
    /// The largest.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub max: f64,
    /// The standard deviation, with `count − 1` in the denominator; `None` for a single repeat, or if it is not finite.
    #[cfg_attr(feature = "serde", serde(default))]
    pub standard_deviation: Option<f64>,
}

impl Curve {
    /// Summarises a metric over the repeats, ordered by arm and axis value; pairs without the metric are left out. A
    /// curve without cells has no summaries.
    ///
    /// The bootstrap resamples whole repeats: every axis value and arm uses the same resample, because the training
    /// sets of a repeat are nested.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a metric that no cell has, as the sweep did not compute it; [`Error::Domain`] for a
    /// bootstrap of 0 draws; [`Error::Memory`] for one that does not fit in memory.
    ///
    /// # Examples
    /// ```
    /// use double_descent::curve::{Bootstrap, Metric};
    /// use double_descent::{dataset::Dataset, sweep::{Arm, Sweep}};
    ///
    /// let mut sweep = Sweep::new(Dataset::diabetes(), 1..=30, 20, 0);
    /// sweep.arms = vec![Arm::unablated()];
    /// let curve = sweep.run()?;
    /// let summaries = curve.summaries(Metric::TestMse, Some(Bootstrap { draws: 200, seed: 1 }))?;
    /// assert_eq!(summaries.len(), 30);
    /// assert!(summaries[9].q25 < summaries[9].median); // n = p = 10
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn summaries(&self, metric: Metric, bootstrap: Option<Bootstrap>) -> Result<Vec<Summary>, Error> {
        let found = self.summaries_of(&[metric], bootstrap)?.pop().unwrap_or_default();
        if found.is_empty() && !self.cells.is_empty() {
            let name = metric.name();
            let reason = if self.cells.iter().any(|cell| cell.metric(metric).is_some()) {
                let axis = self.axis;
                format!(
                    "no cell with `{name}` has both a value on the axis {axis:?} and one of the curve's arms"
                )
            } else {
                format!("no cell has `{name}`; ask the sweep for that metric")
            };
            return Err(Error::Unsupported { reason });
        }
        Ok(found)
    }

    /// Summarises several metrics in one pass over the cells.
    pub(super) fn summaries_of(
        &self,
        metrics: &[Metric],
        bootstrap: Option<Bootstrap>,
    ) -> Result<Vec<Vec<Summary>>, Error> {
        check_draws(bootstrap)?;
        let sorted = self.groups(metrics, |_| true);
        let weights = bootstrap.map(Weights::new);
        sorted.iter().map(|sorted| summarised(&self.grouped(sorted), weights.as_ref())).collect()
    }

    /// Returns the medians of a metric along the axis, for one arm.
    pub(super) fn medians(&self, arm: usize, metric: Metric) -> Vec<MedianPoint> {
        let sorted = self.groups(&[metric], |cell| cell.arm == arm);
        let point = |group: Group<'_>| {
            let Group { n, p, value, .. } = group;
            MedianPoint { n, p, value, median: median(&mut group.values.to_vec()) }
        };
        sorted.iter().flat_map(|sorted| self.grouped(sorted)).map(point).collect()
    }

    /// Groups the values of each metric by arm and axis value, each group in the order of its repeats.
    fn groups(&self, metrics: &[Metric], wanted: impl Fn(&Cell) -> bool) -> Vec<Sorted<usize>> {
        let axis = self.values();
        let order =
            |known: &f64, value: &f64| known.partial_cmp(value).unwrap_or_else(|| known.total_cmp(value));
        let place_of = |value: f64| axis.binary_search_by(|known| order(known, &value)).ok();
        let slot_of = |cell: &Cell, place: usize| cell.arm.saturating_mul(axis.len()).saturating_add(place);
        let all = axis.len().saturating_mul(self.arms.len());
        // If each row of a table has its own arm, all possible groups do not fit in memory: then only those with a cell
        // are kept.
        let used = (all > 4 * self.cells.len() + 1024).then(|| {
            let known = self.cells.iter().filter(|cell| cell.arm < self.arms.len());
            let slot = |cell: &Cell| Some(slot_of(cell, place_of(self.axis.value(cell)?)?));
            let mut used: Vec<usize> = known.filter_map(slot).collect();
            used.sort_unstable();
            used.dedup();
            used
        });
        let count = used.as_ref().map_or(all, Vec::len);
        let (mut slots, mut sizes) = (Vec::with_capacity(self.cells.len()), vec![0; count]);
        let mut place = 0;
        for cell in &self.cells {
            // The slot of a cell outside all groups.
            let mut slot = usize::MAX;
            if let Some(value) = self.axis.value(cell).filter(|_| wanted(cell)) {
                // Cells of one factorisation are adjacent, so the place is usually that of the last cell.
                if axis.get(place) != Some(&value) {
                    place = place_of(value).unwrap_or(0);
                }
                slot = slot_of(cell, place);
                if let Some(used) = &used {
                    slot = used.binary_search(&slot).unwrap_or(usize::MAX);
                }
            }
            slots.push(slot);
            if let Some(size) = sizes.get_mut(slot) {
                *size += 1;
            }
        }
        let mut sorted: Vec<Sorted<usize>> = metrics.iter().map(|_| Sorted::new(&sizes)).collect();
        for (index, (cell, slot)) in self.cells.iter().zip(slots).enumerate().filter(|(_, at)| at.1 < count) {
            for (sorted, &metric) in sorted.iter_mut().zip(metrics) {
                if let Some(number) = cell.metric(metric) {
                    sorted.push(slot, index, number);
                }
            }
        }
        sorted
    }

    /// Returns the groups of a metric, ordered by arm and axis value.
    fn grouped<'a>(&self, sorted: &'a Sorted<usize>) -> Vec<Group<'a>> {
        let group = |(first, values): (usize, &'a [f64])| {
            let cell = &self.cells[first];
            let value = self.axis.value(cell).unwrap_or(f64::NAN);
            Group { n: cell.n, p: cell.p, value, arm: cell.arm, values }
        };
        sorted.slots().map(group).collect()
    }
}

/// Checks that a bootstrap has at least one draw.
pub(super) fn check_draws(bootstrap: Option<Bootstrap>) -> Result<(), Error> {
    match bootstrap {
        Some(Bootstrap { draws: 0, .. }) => {
            Err(Error::Domain { what: "bootstrap draws", value: 0.0, must_be: "at least 1" })
        }
        _ => Ok(()),
    }
}

/// Checks that there is memory for `at_once` bootstraps, each over `groups` groups of `repeats` repeats.
pub(super) fn reserve_draws(
    bootstrap: Option<Bootstrap>,
    (repeats, groups): (usize, usize),
    at_once: usize,
) -> Result<(), Error> {
    let Some(Bootstrap { draws, .. }) = bootstrap else { return Ok(()) };
    // The weights; values and means of some of a metric's groups; and the tails that are sorted.
    let groups = groups.min(AT_ONCE);
    let each = sum([table(draws, repeats), table(draws.saturating_add(repeats), groups), table(draws, 1)]);
    reserve("a bootstrap", each.saturating_mul(at_once))
}

/// Summarises the groups of a metric.
pub(super) fn summarised(groups: &[Group<'_>], weights: Option<&Weights>) -> Result<Vec<Summary>, Error> {
    let repeats = groups.iter().map(|group| group.values.len()).max().unwrap_or(0);
    reserve_draws(weights.map(Weights::bootstrap), (repeats, groups.len()), 1)?;
    let distinct = Distinct::new(groups);
    let values: Vec<&[f64]> = distinct.groups.iter().map(|group| group.values).collect();
    let fives = distinct.groups.iter().zip(five_numbers(&values));
    let mut summaries: Vec<Summary> = fives.map(|(group, five)| group.summary(five)).collect();
    if let Some(weights) = weights {
        add_bands(&distinct.groups, &mut summaries, weights);
    }
    let of_group = |(group, &index): (&Group<'_>, &usize)| {
        let Group { n, p, value, arm, .. } = *group;
        Summary { n, p, value, arm, ..summaries[index] }
    };
    Ok(groups.iter().zip(&distinct.index).map(of_group).collect())
}

/// The numbers of one metric, contiguous for each slot (an arm at an axis value).
pub(super) struct Sorted<C> {
    values: Vec<f64>,
    slots: Vec<Slot<C>>,
}

/// The range of a slot's numbers, and the cell of the first one.
#[derive(Clone, Copy)]
struct Slot<C> {
    start: usize,
    end: usize,
    cell: C,
}

impl<C: Copy + Default> Sorted<C> {
    /// Makes room for up to `sizes` numbers in each slot.
    pub(super) fn new(sizes: &[usize]) -> Self {
        let mut total = 0;
        let slot = |size: &usize| {
            let start = total;
            total += size;
            Slot { start, end: start, cell: C::default() }
        };
        let slots = sizes.iter().map(slot).collect();
        Self { values: vec![0.0; total], slots }
    }

    /// Adds the number of a cell to a slot.
    pub(super) fn push(&mut self, slot: usize, cell: C, number: f64) {
        let slot = &mut self.slots[slot];
        if slot.start == slot.end {
            slot.cell = cell;
        }
        self.values[slot.end] = number;
        slot.end += 1;
    }

    /// Returns the first cell and the numbers of each non-empty slot.
    pub(super) fn slots(&self) -> impl Iterator<Item = (C, &[f64])> {
        let used = self.slots.iter().filter(|slot| slot.start < slot.end);
        used.map(|slot| (slot.cell, &self.values[slot.start..slot.end]))
    }
}

/// The values of one metric at one axis value and arm, ordered by repeat.
pub(super) struct Group<'a> {
    pub(super) n: usize,
    pub(super) p: usize,
    /// The axis value.
    pub(super) value: f64,
    pub(super) arm: usize,
    pub(super) values: &'a [f64],
}

impl Group<'_> {
    fn summary(&self, [min, q25, median, q75, max]: Five) -> Summary {
        let Self { n, p, value, arm, values } = *self;
        let count = values.len();
        let mean = match values.iter().sum::<f64>() {
            sum if sum.is_finite() => sum / count as f64,
            // The sum may be out of range where the mean is not.
            _ => values.iter().map(|value| value / count as f64).sum(),
        };
        let standard_deviation = standard_deviation(values, mean);
        Summary {
            n,
            p,
            value,
            arm,
            count,
            mean,
            mean_band: None,
            min,
            q25,
            median,
            q75,
            max,
            standard_deviation,
        }
    }
}

/// Computes the standard deviation, with `count − 1` in the denominator. Deviations are scaled by the largest one
/// first, so that their squares neither overflow nor vanish.
fn standard_deviation(values: &[f64], mean: f64) -> Option<f64> {
    let largest = values.iter().map(|value| (value - mean).abs()).fold(0.0, f64::max);
    let scale = if largest > 0.0 { largest } else { 1.0 };
    let squares: f64 = values.iter().map(|value| ((value - mean) / scale).powi(2)).sum();
    let deviation = scale * (squares / (values.len() as f64 - 1.0)).sqrt();
    Some(deviation).filter(|deviation| values.len() > 1 && deviation.is_finite())
}

/// Groups without duplicates, so that equal ones are summarised once. Arms often agree over stretches of the axis: a
/// cutoff below every singular value, for example, changes nothing.
struct Distinct<'a> {
    groups: Vec<&'a Group<'a>>,
    /// For each group, its index among the distinct ones.
    index: Vec<usize>,
}

impl<'a> Distinct<'a> {
    /// Compares each group with the last distinct one of its axis value.
    fn new(all: &'a [Group<'a>]) -> Self {
        let mut distinct = Self { groups: Vec::new(), index: Vec::with_capacity(all.len()) };
        let mut last = std::collections::HashMap::new();
        for group in all {
            let key = group.value.to_bits();
            let known = last.get(&key).copied();
            let same = |&index: &usize| distinct.groups[index].values == group.values;
            let index = known.filter(same).unwrap_or(distinct.groups.len());
            if index == distinct.groups.len() {
                distinct.groups.push(group);
            }
            last.insert(key, index);
            distinct.index.push(index);
        }
        distinct
    }
}

/// Returns the median of unsorted values; NaN if there are none.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    if values.is_empty() { f64::NAN } else { quantile(values, 0.5) }
}

/// Groups whose means are held at once: few enough to stay in the cache until their tails are known.
const AT_ONCE: usize = 64;

/// The weights of a bootstrap. The first ones requested are kept, as most metrics have the same count.
pub(super) struct Weights {
    bootstrap: Bootstrap,
    first: OnceLock<Array2<f64>>,
}

impl Weights {
    pub(super) fn new(bootstrap: Bootstrap) -> Self {
        Self { bootstrap, first: OnceLock::new() }
    }

    pub(super) fn bootstrap(&self) -> Bootstrap {
        self.bootstrap
    }

    fn of(&self, count: usize) -> Cow<'_, Array2<f64>> {
        let first = self.first.get_or_init(|| resampling_weights(count, self.bootstrap));
        if first.ncols() == count {
            Cow::Borrowed(first)
        } else {
            Cow::Owned(resampling_weights(count, self.bootstrap))
        }
    }
}

/// Adds the bands, with one matrix product for many groups of the same count.
fn add_bands(groups: &[&Group<'_>], summaries: &mut [Summary], weights: &Weights) {
    let draws = weights.bootstrap.draws;
    let mut counts: Vec<usize> = groups.iter().map(|group| group.values.len()).collect();
    counts.sort_unstable();
    counts.dedup();
    for count in counts {
        let members: Vec<usize> = (0..groups.len()).filter(|&g| groups[g].values.len() == count).collect();
        let weights = weights.of(count);
        let (mut values, mut means) = (Vec::new(), Vec::new());
        for members in members.chunks(AT_ONCE) {
            values.clear();
            for &member in members {
                values.extend_from_slice(groups[member].values);
            }
            means.clear();
            means.resize(members.len() * draws, 0.0);
            let sizes = (members.len(), draws, count);
            times_transposed(&values, weights.as_slice().unwrap_or(&[]), &mut means, sizes);
            for (band, &member) in tail_quantiles(&means, draws, 0.025).into_iter().zip(members) {
                // Infinite values have no band: those of resamples without them say nothing.
                summaries[member].mean_band =
                    Some(band).filter(|_| groups[member].values.iter().all(|v| v.is_finite()));
            }
        }
    }
}

/// Returns, as `draws × count`, how often each repeat was drawn, divided by `count`.
pub(super) fn resampling_weights(count: usize, bootstrap: Bootstrap) -> Array2<f64> {
    let mut weights = Array2::zeros((bootstrap.draws, count));
    let mut rng = stream(bootstrap.seed, count, 0);
    for mut row in weights.rows_mut() {
        for _ in 0..count {
            row[rng.random_range(0..count)] += 1.0 / count as f64;
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::{ArmLabel, Axis, Provenance};

    #[test]
    fn the_weights_of_a_resample_add_to_one() {
        let weights = resampling_weights(7, Bootstrap { draws: 40, seed: 3 });
        assert!(weights.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-15));
    }

    #[test]
    fn means_of_values_near_the_ends_of_the_range() {
        let of = |values: &[f64]| {
            let arms = vec![ArmLabel::new("min_norm", None)];
            let mut curve = Curve::new(Axis::Samples, arms, Provenance::new("values", "none"));
            let cells = values.iter().enumerate();
            curve.cells = cells.map(|(i, v)| Cell::new(i, 3, 2, 0).with(Metric::TestMse, *v)).collect();
            let bootstrap = Bootstrap { draws: 50, seed: 1 };
            curve.summaries(Metric::TestMse, Some(bootstrap)).unwrap()[0]
        };
        let large = of(&[1e308; 8]);
        assert_eq!((large.mean, large.mean_band), (1e308, Some((1e308, 1e308))));
        let infinite = of(&[1.0, 2.0, f64::INFINITY]);
        assert_eq!((infinite.mean, infinite.mean_band, infinite.median), (f64::INFINITY, None, 2.0));
    }
}
