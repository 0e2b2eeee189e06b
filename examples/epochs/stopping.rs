//! The value of stopping: at the first rise of the test error, at its minimum, or never.

use crate::common::{RunArgs, Statistic};
use double_descent::curve::{Curve, Metric};

/// Medians or means over repeats at one p.
pub struct Stopped {
    pub p: usize,
    /// The error at the last time.
    pub never: f64,
    /// The error when each repeat's test error first stops falling.
    pub first_rise: f64,
    /// The error at each repeat's best time.
    pub best: f64,
    /// The middle of the best times.
    pub best_time: f64,
}

/// A loss by more than this factor counts.
pub const LOSS_COUNTS: f64 = 1.02;

impl Stopped {
    /// Computes the statistic of `--statistic` from a curve over time.
    pub fn of(args: &RunArgs, p: usize, curve: &Curve) -> Option<Self> {
        let mut columns = [vec![], vec![], vec![], vec![]];
        for repeat in curve.cells.chunk_by(|a, b| a.repeat == b.repeat) {
            let errors: Vec<f64> = repeat.iter().filter_map(|cell| cell.metric(Metric::TestMse)).collect();
            let last = errors.len().checked_sub(1)?;
            let rise = errors.windows(2).position(|pair| pair[1] > pair[0]).unwrap_or(last);
            let best = (0..=last).min_by(|&a, &b| errors[a].total_cmp(&errors[b]))?;
            let found = [errors[last], errors[rise], errors[best], repeat[best].value()?];
            columns.iter_mut().zip(found).for_each(|(column, value)| column.push(value));
        }
        let [never, first_rise, best, best_time] = columns.map(match args.statistic {
            Statistic::Median => median,
            Statistic::Mean => mean,
        });
        Some(Self { p, never, first_rise, best, best_time })
    }

    /// The ratio of the error at the first rise to the error at the best time.
    pub fn loss(&self) -> f64 {
        self.first_rise / self.best
    }
}

#[allow(clippy::needless_pass_by_value)] // as median
fn mean(values: Vec<f64>) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}
