//! What the parts of a run cost, and how they are dealt out to shards.

use super::Shard;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What the indices of an experiment cost, in floating-point operations, and how shards share them.
///
/// Indices of one cost (the repeats of a sweep) are cut into neighbours, [`Shard::range`]. Indices of costs of their own
/// are dealt out from the most expensive on, each to the shard that has the least so far. Either way any two of `of` shards
/// differ by at most the cost of one index, the [largest](Self::largest): when the last index came to the shard that
/// ends with the most, that shard had no more than any other has now.
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
    /// So many indices of the same cost.
    #[must_use]
    pub fn equal(count: usize, flops: f64) -> Self {
        Self { count, costs: Costs::Equal(countable(flops)) }
    }

    /// An index for each cost. What is negative or not finite counts as 0.
    #[must_use]
    pub fn of(costs: Vec<f64>) -> Self {
        Self { count: costs.len(), costs: Costs::Each(costs.into_iter().map(countable).collect()) }
    }

    /// An index for each cost, of which neighbours go together: a shard has those that lie on its share of the whole, by
    /// their middles. Two shards differ by at most twice the largest cost.
    #[must_use]
    pub fn neighbours(costs: Vec<f64>) -> Self {
        Self { count: costs.len(), costs: Costs::Neighbours(costs.into_iter().map(countable).collect()) }
    }

    /// How many indices there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The cost of all.
    #[must_use]
    pub fn flops(&self) -> f64 {
        match &self.costs {
            Costs::Equal(each) => self.count as f64 * each,
            Costs::Each(costs) | Costs::Neighbours(costs) => costs.iter().sum(),
        }
    }

    /// The cost of the most expensive index; 0 without any.
    #[must_use]
    pub fn largest(&self) -> f64 {
        match &self.costs {
            Costs::Equal(each) if self.count > 0 => *each,
            Costs::Equal(_) => 0.0,
            Costs::Each(costs) | Costs::Neighbours(costs) => costs.iter().copied().fold(0.0, f64::max),
        }
    }

    /// The indices of a shard, ascending.
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

    /// The cost of a shard.
    #[must_use]
    pub fn flops_of(&self, shard: Shard) -> f64 {
        match &self.costs {
            Costs::Equal(each) => shard.range(self.count).len() as f64 * each,
            Costs::Each(costs) | Costs::Neighbours(costs) => {
                self.indices(shard).into_iter().map(|index| costs[index]).sum()
            }
        }
    }

    /// The shard of every index.
    fn dealt(&self, of: usize) -> Vec<usize> {
        match &self.costs {
            Costs::Equal(_) => Vec::new(),
            Costs::Each(costs) => dealt(costs, of),
            Costs::Neighbours(costs) => side_by_side(costs, of),
        }
    }

    /// Those of `of` shards that have one of these indices, which ascend.
    pub(super) fn with_any(&self, indices: &[usize], of: usize) -> Vec<Shard> {
        if let Costs::Equal(_) = self.costs {
            return Shard::with_any(indices, of, self.count);
        }
        let dealt = self.dealt(of);
        let mut has_any = vec![false; of];
        indices.iter().filter_map(|&index| dealt.get(index)).for_each(|&k| has_any[k] = true);
        (0..of).filter(|&k| has_any[k]).filter_map(|k| Shard::new(k, of).ok()).collect()
    }
}

/// The shard of every index: where its middle lies on the whole.
fn side_by_side(costs: &[f64], of: usize) -> Vec<usize> {
    let whole: f64 = costs.iter().sum();
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

/// The shard of every index, from the most expensive on to the one that has the least so far.
fn dealt(costs: &[f64], of: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..costs.len()).collect();
    order.sort_by(|&a, &b| costs[b].total_cmp(&costs[a]));
    // Numbers that are not negative order as their bits; of shards of one cost the one with fewer indices comes first. More
    // shards than indices have none.
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

/// How long a shard may take, and how fast a core is: from these and the costs of a study comes the number of its shards.
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
    /// The fewest seconds: starting a process and reading its data must not count.
    pub least: f64,
    /// The most seconds: queues like short jobs, and a node that is lost costs little.
    pub most: f64,
    /// Operations that a core does in a second, as estimates count them. By default 5·10⁹: measured were 1.4·10⁹ where
    /// many small matrices are decomposed (the ablation study) and 2.3·10¹⁰ where large ones are multiplied
    /// (universality, with AVX-512); either is within the factor that [`shards`](Self::shards) leaves.
    pub flops_per_second: f64,
}

/// A minute at least, an hour at most.
impl Default for ShardTime {
    fn default() -> Self {
        Self { least: 60.0, most: 3600.0, flops_per_second: 5e9 }
    }
}

/// Shards for each worker, so that none waits long for the last.
const EACH_WORKER: usize = 4;

impl ShardTime {
    /// Estimated seconds of a shard of a study of several experiments.
    #[must_use]
    pub fn seconds(&self, work: &[Workload], shard: Shard) -> f64 {
        work.iter().map(|work| work.flops_of(shard)).sum::<f64>() / self.flops_per_second
    }

    /// How many shards a study of several experiments is to be cut into, for so many workers of one core.
    ///
    /// Shards aim at the geometric mean of the least and the most, eight minutes by default: an estimate that is wrong by
    /// a factor of seven either way still leaves them in between. Where that makes fewer than four for each worker,
    /// they are shorter, down to the least. More shards than indices are of no use: an index that takes longer than
    /// the most is a shard of its own.
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

    /// The stated bound, and every index once: costs over six decades, equal ones among them, for every number of shards.
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
                    // The sums are rounded: at most one rounding an index.
                    let rounding = 1.0 + count as f64 * f64::EPSILON;
                    assert!(high - low <= work.largest() * rounding, "{count} in {of}: {low} to {high}");
                    assert!((costs.iter().sum::<f64>() - work.flops()).abs() <= 1e-12 * work.flops());
                    assert_eq!(work.with_any(&indices, of).len(), of.min(count));
                }
            }
        }
    }

    #[test]
    fn costs_that_are_no_numbers_are_dealt_too() {
        let work = Workload::of(vec![f64::NAN, f64::INFINITY, -1.0, 2.0]);
        assert_eq!((work.flops(), work.largest()), (2.0, 2.0));
        let indices: Vec<usize> = all(3).into_iter().flat_map(|shard| work.indices(shard)).collect();
        assert_eq!(indices.len(), 4);
    }

    /// A minute at least and an hour at most, wherever the repeats allow it; also where the estimate is off by seven.
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
                    // The last shards have one repeat more, if any have.
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
