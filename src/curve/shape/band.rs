//! A band around a curve of medians, and the rises and falls that every curve inside it has.

use crate::machine::order::sort_indices;
use ndarray::ArrayView2;

/// The sorted values of each point of a curve, from which order statistics are read.
#[derive(Clone, Debug)]
pub(super) struct Ordered {
    /// By point; ascending.
    values: Vec<Vec<f64>>,
    /// By point; the repeats in the order of their values.
    repeats: Vec<Vec<usize>>,
}

impl Ordered {
    /// Sorts a table `repeats × points` without NaN.
    pub(super) fn new(table: ArrayView2<'_, f64>) -> Self {
        let sort = |column: ndarray::ArrayView1<'_, f64>| {
            let mut order: Vec<usize> = (0..column.len()).collect();
            sort_indices(&mut order, &|a, b| column[a].total_cmp(&column[b]));
            order
        };
        let repeats: Vec<Vec<usize>> = table.columns().into_iter().map(sort).collect();
        let columns = table.columns().into_iter().zip(&repeats);
        let values = columns.map(|(column, order)| order.iter().map(|&r| column[r]).collect()).collect();
        Self { values, repeats }
    }

    pub(super) fn repeats(&self) -> usize {
        self.values.first().map_or(0, Vec::len)
    }

    /// Returns the values with each repeat taken as often as `counts` says; the counts add up to the number of repeats.
    pub(super) fn resampled(&self, counts: &[usize]) -> Self {
        let again = |(values, order): (&Vec<f64>, &Vec<usize>)| {
            let copies = values.iter().zip(order).map(|(&value, &repeat)| (value, counts[repeat]));
            copies.flat_map(|(value, count)| std::iter::repeat_n(value, count)).collect()
        };
        // A resample does not need the order of the repeats.
        Self { values: self.values.iter().zip(&self.repeats).map(again).collect(), repeats: Vec::new() }
    }

    /// Returns the smallest rank, and so the widest band, that still certifies something. The band of `rank` must
    /// certify it.
    pub(super) fn widest(&self, rank: usize, certifies: impl Fn(&Band) -> bool) -> usize {
        (1..rank).find(|&wider| certifies(&self.band(wider))).unwrap_or(rank)
    }

    pub(super) fn medians(&self) -> Vec<f64> {
        self.values.iter().map(|sorted| super::quantile(sorted, 0.5)).collect()
    }

    /// Returns the band from the `rank`-th smallest to the `rank`-th largest value of each point, counted from 1.
    pub(super) fn band(&self, rank: usize) -> Band {
        let lower = self.values.iter().map(|sorted| sorted[rank - 1]).collect();
        let upper = self.values.iter().map(|sorted| sorted[sorted.len() - rank]).collect();
        Band { lower, upper }
    }
}

/// Returns `2 P(Bin(R, ½) < k)` for `k = 0, …, ⌊R/2⌋`: an upper bound, for any distribution, on the probability that
/// the interval from the k-th smallest to the k-th largest of `R` independent draws misses its median.
pub(super) fn miss_rates(repeats: usize) -> Vec<f64> {
    let draws = repeats as f64;
    let mut log_term = -draws * std::f64::consts::LN_2;
    let mut rates = vec![0.0];
    for below in 0..repeats / 2 {
        rates.push(rates[below] + 2.0 * log_term.exp());
        let i = below as f64;
        log_term += ((draws - i) / (i + 1.0)).ln();
    }
    rates
}

/// Lower and upper ends, point by point.
#[derive(Clone, Debug)]
pub(super) struct Band {
    pub(super) lower: Vec<f64>,
    pub(super) upper: Vec<f64>,
}

/// A rise or fall between two points, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) rises: bool,
}

impl Band {
    /// Returns the longest chain of alternating rises and falls that every curve inside the band has. A curve certainly
    /// rises from i to j > i if `lower[j] > upper[i]`.
    ///
    /// Greedy: a rise (fall) extends to the highest lower end (lowest upper end) until the opposite change is certain.
    pub(super) fn runs(&self) -> Vec<Run> {
        let (lower, upper) = (&self.lower, &self.upper);
        let mut runs: Vec<Run> = Vec::new();
        let (mut highest, mut lowest) = (0, 0);
        for t in 1..lower.len() {
            match runs.last_mut() {
                None if lower[t] > upper[lowest] => runs.push(Run { from: lowest, to: t, rises: true }),
                None if upper[t] < lower[highest] => runs.push(Run { from: highest, to: t, rises: false }),
                None => {
                    highest = if lower[t] > lower[highest] { t } else { highest };
                    lowest = if upper[t] < upper[lowest] { t } else { lowest };
                }
                Some(run) if run.rises => {
                    if upper[t] < lower[run.to] {
                        let from = run.to;
                        runs.push(Run { from, to: t, rises: false });
                    } else if lower[t] > lower[run.to] {
                        run.to = t;
                    }
                }
                Some(run) => {
                    if lower[t] > upper[run.to] {
                        let from = run.to;
                        runs.push(Run { from, to: t, rises: true });
                    } else if upper[t] < upper[run.to] {
                        run.to = t;
                    }
                }
            }
        }
        runs
    }

    /// Whether every curve inside the band rises (falls) somewhere in `from..=to`.
    pub(super) fn has_change(&self, run: Run) -> bool {
        let mut lowest = f64::INFINITY;
        let later_is_over = |t: usize| {
            let is_over = self.lower[t] > lowest;
            lowest = lowest.min(self.upper[t]);
            is_over
        };
        if run.rises {
            (run.from..=run.to).any(later_is_over)
        } else {
            (run.from..=run.to).rev().any(later_is_over)
        }
    }

    /// Whether every curve inside the band has a peak inside `from..=to`: a point above one before and one after.
    pub(super) fn has_peak(&self, from: usize, to: usize) -> bool {
        let mut after = vec![f64::INFINITY; to + 2];
        for t in (from..=to).rev() {
            after[t] = self.upper[t].min(after[t + 1]);
        }
        let mut before = f64::INFINITY;
        (from..=to).any(|t| {
            let is_over = self.lower[t] > before.max(after[t + 1]);
            before = before.min(self.upper[t]);
            is_over
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;
    use rand::RngExt;

    /// Binomial coefficients are exact in `f64` up to 50 draws.
    #[test]
    fn miss_rates_are_binomial() {
        for repeats in [1, 2, 7, 20, 50] {
            let rates = miss_rates(repeats);
            assert_eq!(rates.len(), repeats / 2 + 1);
            let (mut coefficient, mut sum) = (1.0, 0.0);
            for (k, &rate) in rates.iter().enumerate() {
                let exact = 2.0 * sum / 2f64.powi(i32::try_from(repeats).unwrap());
                assert!((rate - exact).abs() <= 1e-13 * exact, "{repeats}, {k}: {rate} for {exact}");
                sum += coefficient;
                coefficient *= (repeats - k) as f64 / (k + 1) as f64;
            }
        }
        // 2^−2000 underflows; the middle of the distribution does not.
        let rates = miss_rates(2000);
        assert!(rates[1] == 0.0 && rates[1000] > 0.95 && rates[1000] < 1.0);
    }

    /// No curve inside a random band alternates less often than the chain, and one alternates no more often: checked by
    /// a search over all curves on a few levels.
    #[test]
    fn the_chain_is_the_least_that_curves_inside_the_band_do() {
        let mut rng = stream(5, 0, 0);
        let mut longest = 0;
        for _ in 0..300 {
            let points = 7;
            let (mut lower, mut upper) = (Vec::new(), Vec::new());
            for _ in 0..points {
                let (a, b): (u8, u8) = (rng.random_range(0..5), rng.random_range(0..5));
                lower.push(f64::from(a.min(b)));
                upper.push(f64::from(a.max(b)));
            }
            let band = Band { lower, upper };
            let runs = band.runs();
            assert!(runs.windows(2).all(|pair| pair[0].to == pair[1].from && pair[0].rises != pair[1].rises));
            for run in &runs {
                let (low, high) = if run.rises { (run.from, run.to) } else { (run.to, run.from) };
                assert!(run.from < run.to && band.lower[high] > band.upper[low], "{band:?}: {run:?}");
                assert!(band.has_change(*run));
            }
            assert_eq!(runs.len(), fewest_changes(&band), "{band:?}: {runs:?}");
            let peaks = runs.windows(2).filter(|pair| pair[0].rises).count();
            assert_eq!(band.has_peak(0, points - 1), peaks > 0, "{band:?}");
            for rises in [true, false] {
                let has = band.has_change(Run { from: 0, to: points - 1, rises });
                assert_eq!(has, runs.iter().any(|run| run.rises == rises), "{band:?}");
            }
            longest = longest.max(runs.len());
        }
        assert!(longest >= 3);
    }

    /// Returns the fewest monotone stretches of a curve on integer levels inside a band; 0 for a constant.
    fn fewest_changes(band: &Band) -> usize {
        // By level and direction (none, up, down): the fewest stretches so far.
        let none = usize::MAX;
        let inside = |t: usize, level: usize| (band.lower[t]..=band.upper[t]).contains(&(level as f64));
        let mut best = [[none; 3]; 5];
        for (_, best) in best.iter_mut().enumerate().filter(|(level, _)| inside(0, *level)) {
            best[0] = 0;
        }
        for t in 1..band.lower.len() {
            let mut next = [[none; 3]; 5];
            for to in (0..5).filter(|&to| inside(t, to)) {
                for (from, by_direction) in best.iter().enumerate() {
                    for (direction, &known) in
                        by_direction.iter().enumerate().filter(|(_, known)| **known < none)
                    {
                        let now = match to.cmp(&from) {
                            std::cmp::Ordering::Equal => direction,
                            std::cmp::Ordering::Greater => 1,
                            std::cmp::Ordering::Less => 2,
                        };
                        let cost = known + usize::from(now != direction);
                        next[to][now] = next[to][now].min(cost);
                    }
                }
            }
            best = next;
        }
        best.into_iter().flatten().min().unwrap()
    }
}
