//! CPU times, and their medians, sums and growth.

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use std::hint::black_box;

/// Total seconds beyond which a measurement is not repeated.
const ENOUGH: f64 = 25.0;
const RUNS: usize = 3;

/// The median time of several runs.
#[derive(Clone, Copy)]
pub struct Time {
    pub median: f64,
    pub runs: usize,
}

/// Returns the user and system seconds of this process so far.
fn used() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("the usage of this process");
    (usage.user_time() + usage.system_time()).num_microseconds() as f64 * 1e-6
}

/// Runs `work` a few times and returns its last result and the median time. Work of milliseconds is repeated many times
/// per run.
pub fn time<T>(mut work: impl FnMut() -> T) -> (T, Time) {
    let start = used();
    let mut result = black_box(work()); // warms the caches and shows how long a run takes
    let first = used() - start;
    let batch = (0.02 / first.max(1e-6)).ceil().max(1.0);
    let mut times = if batch > 1.0 { Vec::new() } else { vec![first] };
    let mut all = first;
    while times.len() < RUNS && all < ENOUGH {
        let start = used();
        let mut done = 0.0;
        while done < batch {
            result = black_box(work());
            done += 1.0;
        }
        let spent = used() - start;
        all += spent;
        times.push(spent / batch);
    }
    times.sort_by(f64::total_cmp);
    let median = f64::midpoint(times[(times.len() - 1) / 2], times[times.len() / 2]);
    (result, Time { median, runs: times.len() })
}

/// Sums the times over all sizes from 1 to `last`, interpolating by power laws between the timed sizes.
pub fn sum(timed: &[(usize, f64)], last: usize) -> f64 {
    let law = |a: (usize, f64), b: (usize, f64), n: usize| {
        let exponent = (b.1 / a.1).ln() / (b.0 as f64 / a.0 as f64).ln();
        a.1 * (n as f64 / a.0 as f64).powf(exponent)
    };
    (1..=last)
        .map(|n| {
            let after = timed.partition_point(|place| place.0 < n).clamp(1, timed.len() - 1);
            law(timed[after - 1], timed[after], n)
        })
        .sum()
}

/// Returns the least-squares slope of log `times` over log `sizes`.
pub fn exponent(sizes: &[usize], times: &[f64]) -> f64 {
    let sizes: Vec<f64> = sizes.iter().map(|&size| size as f64).collect();
    let mean = |values: &[f64]| values.iter().map(|v| v.ln()).sum::<f64>() / values.len() as f64;
    let (centre, middle) = (mean(&sizes), mean(times));
    let pairs = || sizes.iter().map(|v| v.ln() - centre).zip(times.iter().map(|v| v.ln() - middle));
    pairs().map(|(x, y)| x * y).sum::<f64>() / pairs().map(|(x, _)| x * x).sum::<f64>()
}
