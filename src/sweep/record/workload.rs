//! The cost of the parts of a run, and how they are distributed among shards.

use super::Shard;
use crate::machine::order::sort_indices;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// The costs of an experiment's indices, in floating-point operations, and their distribution among shards.
///
/// Indices of equal cost (the repeats of a sweep) are divided into consecutive ranges, [`Shard::range`]. Indices of
/// different costs are dealt out from the most expensive down, each to the shard with the lowest total so far. In both
/// cases any two of `of` shards differ by at most the cost of one index, the [largest](Self::largest): when the shard
/// with the highest total got its last index, its total was no more than that of any shard now.
///
/// # Examples
/// ```
/// use double_descent::sweep::{Shard, Workload};
///
/// let repeats = Workload::equal(20, 1e9);
/// assert_eq!(repeats.indices(Shard::new(2, 8)?), [5, 6]);
///
/// let sizes = Workload::of(vec![1.0, 2.0, 4.0, 8.0, 16.0]);
/// assert_eq!(sizes.indices(Shard::new(0, 2)?), [4]);
/// assert_eq!(sizes.indices(Shard::new(1, 2)?), [0, 1, 2, 3]);
/// assert_eq!(sizes.flops_of(Shard::new(1, 2)?), 15.0);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    count: usize,
    costs: Costs,
}

#[derive(Clone, Debug, PartialEq)]
enum Costs {
    Equal(f64),
    Each(Vec<f64>),
    Neighbours(Vec<f64>),
}

impl Workload {
    /// A workload of `count` indices with the same cost, `flops` each. A negative or non-finite cost counts as 0.
    #[must_use]
    pub fn equal(count: usize, flops: f64) -> Self {
        Self { count, costs: Costs::Equal(countable(flops)) }
    }

    /// A workload with one index per cost. Negative and non-finite costs count as 0.
    #[must_use]
    pub fn of(costs: Vec<f64>) -> Self {
        Self { count: costs.len(), costs: Costs::Each(costs.into_iter().map(countable).collect()) }
    }

    /// A workload with one index per cost, where each shard gets consecutive indices.
    ///
    /// A shard gets the indices whose midpoints lie in its share of the total cost. Two shards differ by at most twice
    /// the largest cost. If the total is 0 or does not fit into `f64`, all costs count as equal.
    #[must_use]
    pub fn neighbours(costs: Vec<f64>) -> Self {
        Self { count: costs.len(), costs: Costs::Neighbours(costs.into_iter().map(countable).collect()) }
    }

    /// The number of indices.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The total cost of all indices.
    #[must_use]
    pub fn flops(&self) -> f64 {
        match &self.costs {
            Costs::Equal(each) => self.count as f64 * each,
            Costs::Each(costs) | Costs::Neighbours(costs) => costs.iter().sum(),
        }
    }

    /// The cost of the most expensive index; 0 if there are none.
    #[must_use]
    pub fn largest(&self) -> f64 {
        match &self.costs {
            Costs::Equal(each) if self.count > 0 => *each,
            Costs::Equal(_) => 0.0,
            Costs::Each(costs) | Costs::Neighbours(costs) => costs.iter().copied().fold(0.0, f64::max),
        }
    }

    /// The indices of a shard, ascending, eight bytes for each: do not ask for more than fit in memory.
    #[must_use]
    pub fn indices(&self, shard: Shard) -> Vec<usize> {
        match &self.costs {
            Costs::Equal(_) => shard.range(self.count).collect(),
            Costs::Each(_) | Costs::Neighbours(_) => {
                let dealt = self.dealt(shard.of());
                (0..self.count).filter(|&index| dealt[index] == shard.k()).collect()
            }
        }
    }

    /// The total cost of a shard.
    #[must_use]
    pub fn flops_of(&self, shard: Shard) -> f64 {
        match &self.costs {
            Costs::Equal(each) => shard.range(self.count).len() as f64 * each,
            Costs::Each(costs) | Costs::Neighbours(costs) => {
                self.indices(shard).into_iter().map(|index| costs[index]).sum()
            }
        }
    }

    /// The shard of every index; empty for equal costs.
    fn dealt(&self, of: usize) -> Vec<usize> {
        match &self.costs {
            Costs::Equal(_) => Vec::new(),
            Costs::Each(costs) => dealt(costs, of),
            Costs::Neighbours(costs) => side_by_side(costs, of),
        }
    }

    /// The shards, among `of`, that have any of these indices; `indices` must be ascending.
    pub(super) fn with_any(&self, indices: &[usize], of: usize) -> Vec<Shard> {
        if let Costs::Equal(_) = self.costs {
            return Shard::with_any(indices, of, self.count);
        }
        let dealt = self.dealt(of);
        let have_any: BTreeSet<usize> =
            indices.iter().filter_map(|&index| dealt.get(index).copied()).collect();
        have_any.into_iter().filter_map(|k| Shard::new(k, of).ok()).collect()
    }
}

/// The shard of every index: the one whose share of the total cost contains the index's midpoint. If the total is 0 or
/// overflows, all costs count as equal.
fn side_by_side(costs: &[f64], of: usize) -> Vec<usize> {
    let whole: f64 = costs.iter().sum();
    if !whole.is_finite() || (whole == 0.0 && !costs.is_empty()) {
        return side_by_side(&vec![1.0; costs.len()], of);
    }
    let mut before = 0.0;
    let shard = |cost: &f64| {
        let middle = before + cost / 2.0;
        before += cost;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // from 0, and capped
        let shard = (middle / whole * of as f64) as usize;
        shard.min(of.saturating_sub(1))
    };
    costs.iter().map(shard).collect()
}

fn countable(cost: f64) -> f64 {
    if cost.is_finite() && cost > 0.0 { cost } else { 0.0 }
}

/// The shard of every index: from the most expensive down, each index goes to the shard with the lowest total so far.
fn dealt(costs: &[f64], of: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..costs.len()).collect();
    sort_indices(&mut order, &|a, b| costs[b].total_cmp(&costs[a]));
    // Non-negative floats are ordered like their bits. Of shards with equal totals, the one with fewer indices comes
    // first. If there are more shards than indices, the last shards get none.
    let mut least: BinaryHeap<Reverse<(u64, usize, usize)>> =
        (0..of.min(costs.len())).map(|k| Reverse((0, 0, k))).collect();
    let mut shards = vec![0; costs.len()];
    for index in order {
        let Some(Reverse((sum, count, k))) = least.pop() else { break };
        shards[index] = k;
        least.push(Reverse(((f64::from_bits(sum) + costs[index]).to_bits(), count + 1, k)));
    }
    shards
}

/// Limits on the duration of a shard, and the speed of a core; with a study's costs they determine the number of
/// shards.
///
/// # Examples
/// ```
/// use double_descent::dataset::Dataset;
/// use double_descent::sweep::{ShardTime, Sweep};
///
/// let sweep = Sweep::new(Dataset::diabetes(), 1..=400, 100_000, 0);
/// let work = sweep.workload()?;
/// let of = ShardTime::default().shards(&[work], 64);
/// println!("--shard 1/{of}, …, --shard {of}/{of}");
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShardTime {
    /// The fewest seconds a shard should take, so that starting a process and reading its data hardly count.
    pub least: f64,
    /// The most seconds a shard should take, since queues favour short jobs, and losing a node then costs little.
    pub most: f64,
    /// Floating-point operations per second on one core, as estimates count them. The default is 5·10⁹. Measured values
    /// were 1.4·10⁹ when decomposing many small matrices (the ablation study) and 2.3·10¹⁰ when multiplying large ones
    /// (universality, with AVX-512); both are within the factor that [`shards`](Self::shards) allows for.
    pub flops_per_second: f64,
}

/// At least a minute, at most an hour.
impl Default for ShardTime {
    fn default() -> Self {
        Self { least: 60.0, most: 3600.0, flops_per_second: 5e9 }
    }
}

/// Shards per worker, so that no worker waits long for the last shard.
const EACH_WORKER: usize = 4;

impl ShardTime {
    /// Estimated seconds of one shard of a study with several experiments.
    #[must_use]
    pub fn seconds(&self, work: &[Workload], shard: Shard) -> f64 {
        work.iter().map(|work| work.flops_of(shard)).sum::<f64>() / self.flops_per_second
    }

    /// How many shards to divide a study of several experiments into, for `workers` workers of one core each.
    ///
    /// Shards aim at the geometric mean of `least` and `most`, eight minutes by default: even if the estimate is wrong
    /// by a factor of seven either way, they stay between the two. If that gives fewer than four shards per worker,
    /// they are made shorter, but not below `least`. There are never more shards than indices: an index that takes
    /// longer than `most` is a shard on its own.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 0 and a count
    pub fn shards(&self, work: &[Workload], workers: usize) -> usize {
        let most = work.iter().map(Workload::count).max().unwrap_or(0).max(1);
        let seconds = work.iter().map(Workload::flops).sum::<f64>() / self.flops_per_second;
        let at_most = |count: f64| if count < most as f64 { count.max(1.0) as usize } else { most };
        let aimed = at_most((seconds / (self.least * self.most).sqrt()).ceil());
        let shortest = at_most((seconds / self.least).floor());
        aimed.max(shortest.min(workers.saturating_mul(EACH_WORKER)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;
    use rand::RngExt;

    fn all(of: usize) -> Vec<Shard> {
        (0..of).map(|k| Shard::new(k, of).unwrap()).collect()
    }

    /// The stated bound, and every index exactly once: costs over six decades, with equal ones, for every number of
    /// shards.
    #[test]
    fn shards_differ_by_one_index_at_most() {
        let mut rng = stream(18, 7, 0);
        for count in [0, 1, 5, 40] {
            let wild: Vec<f64> = (0..count).map(|_| 10_f64.powf(6.0 * rng.random::<f64>())).collect();
            let cubes: Vec<f64> = (0..count).map(|i| ((i / 2) as f64).powi(3)).collect();
            let side_by_side = [&wild, &cubes].map(|costs| Workload::neighbours(costs.clone()));
            for work in side_by_side {
                for of in 1..=count + 3 {
                    let shards = all(of);
                    let indices: Vec<usize> = shards.iter().flat_map(|&s| work.indices(s)).collect();
                    assert_eq!(indices, (0..count).collect::<Vec<_>>(), "neighbours, every one once");
                    let share = work.flops() / of as f64;
                    let rounding = 1e-12 * work.flops();
                    let off = shards.iter().map(|&s| (work.flops_of(s) - share).abs());
                    assert!(off.fold(0.0, f64::max) <= work.largest() + rounding, "{count} in {of}");
                }
            }
            for work in [Workload::equal(count, 3.0), Workload::of(wild), Workload::of(cubes)] {
                for of in 1..=count + 3 {
                    let shards = all(of);
                    let mut indices: Vec<usize> = shards.iter().flat_map(|&s| work.indices(s)).collect();
                    indices.sort_unstable();
                    assert_eq!(indices, (0..count).collect::<Vec<_>>());
                    let costs: Vec<f64> = shards.iter().map(|&shard| work.flops_of(shard)).collect();
                    let (low, high) = costs
                        .iter()
                        .fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), &c| (low.min(c), high.max(c)));
                    // The sums are rounded: at most one rounding per index.
                    let rounding = 1.0 + count as f64 * f64::EPSILON;
                    assert!(high - low <= work.largest() * rounding, "{count} in {of}: {low} to {high}");
                    assert!((costs.iter().sum::<f64>() - work.flops()).abs() <= 1e-12 * work.flops());
                    assert_eq!(work.with_any(&indices, of).len(), of.min(count));
                }
            }
        }
    }

    /// Costs whose sum is 0 or overflows are divided as equal ones; and parts are not counted one by one.
    #[test]
    fn totals_that_are_no_measure_count_as_equal() {
        for cost in [0.0, f64::MAX] {
            let work = Workload::neighbours(vec![cost; 6]);
            let found: Vec<_> = all(3).into_iter().map(|shard| work.indices(shard)).collect();
            assert_eq!(found, [[0, 1], [2, 3], [4, 5]]);
        }
        assert!(Workload::neighbours(Vec::new()).indices(all(1)[0]).is_empty());
        let of = 100_000_000_000;
        let costs = vec![1.0, 2.0, 3.0];
        for work in [Workload::equal(3, 1.0), Workload::of(costs.clone()), Workload::neighbours(costs)] {
            assert_eq!(work.with_any(&[1], of).len(), 1);
            let has = work.with_any(&[1], of)[0];
            assert_eq!(work.indices(has), [1]);
        }
    }

    #[test]
    fn costs_that_are_no_numbers_are_dealt_too() {
        let work = Workload::of(vec![f64::NAN, f64::INFINITY, -1.0, 2.0]);
        assert_eq!((work.flops(), work.largest()), (2.0, 2.0));
        let indices: Vec<usize> = all(3).into_iter().flat_map(|shard| work.indices(shard)).collect();
        assert_eq!(indices.len(), 4);
    }

    /// At least a minute and at most an hour, if the repeats allow it, even when the estimate is off by a factor of
    /// seven.
    #[test]
    fn shards_take_minutes() {
        let time = ShardTime::default();
        for repeats in [1, 7, 200, 10_000, 1_000_000] {
            for seconds in [1e-3, 0.1, 1.0, 50.0, 600.0, 20_000.0] {
                let work = [Workload::equal(repeats, seconds * time.flops_per_second)];
                for workers in [1, 2, 64, 10_000] {
                    let of = time.shards(&work, workers);
                    assert!((1..=repeats).contains(&of));
                    let taken = |k: usize| time.seconds(&work, Shard::new(k, of).unwrap());
                    // The last shards have one more repeat, if any have.
                    let (shortest, longest) = (taken(0), taken(of - 1));
                    let is_all = of == 1;
                    assert!(
                        is_all || shortest >= 60.0 - seconds.min(59.0),
                        "{repeats} of {seconds} s: {shortest}"
                    );
                    assert!(
                        of == repeats || longest <= 3600.0 / 7.0 + seconds,
                        "{repeats} of {seconds} s: {longest}"
                    );
                }
            }
        }
        assert_eq!(time.shards(&[], 8), 1);
        assert_eq!(time.shards(&[Workload::equal(9, f64::MAX), Workload::equal(3, 1.0)], usize::MAX), 9);
    }
}
