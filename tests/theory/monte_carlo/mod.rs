//! The formulas of `theory` against simulations of the raw definitions, by the crate's own engines.
//!
//! Deviations are measured in standard errors over the repeats. The bound for the largest of `m` is the `z` that `m`
//! normal deviates exceed once in ten thousand runs. Besides the designs, other things are random (noise, the target's
//! direction within a group); wherever their average is known it is taken exactly, which keeps the error bars narrow.
//!
//! Limits are measured at three sizes, each twice the previous one: the remaining deviation must halve, as `O(1/p)`
//! does, and vanish when the three are extrapolated to infinite size.

mod by_engines;
mod by_svd;
mod drawn_features;
mod overfitting;
mod spectra;
mod splits;
mod time;

use ndarray::Array2;
use rand::RngExt;
use rand_distr::StandardNormal;

pub fn normal(rng: &mut impl rand::Rng, rows: usize, columns: usize) -> Array2<f64> {
    Array2::from_shape_simple_fn((rows, columns), || rng.sample(StandardNormal))
}

/// A mean and its standard error.
#[derive(Clone, Copy, Debug)]
pub struct Mean {
    pub value: f64,
    pub error: f64,
}

pub fn mean(values: impl IntoIterator<Item = f64>) -> Mean {
    let values: Vec<f64> = values.into_iter().collect();
    let count = values.len() as f64;
    let value = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|v| (v - value).powi(2)).sum();
    Mean { value, error: (squares / (count - 1.0) / count).sqrt() }
}

/// Returns the `z` that the largest of `comparisons` normal deviates exceeds with probability 1e-4.
fn bound(comparisons: usize) -> f64 {
    let (mut low, mut high) = (1.0, 10.0);
    for _ in 0..100 {
        let middle: f64 = 0.5 * (low + high);
        let share = libm::erfc(middle / std::f64::consts::SQRT_2) * comparisons as f64;
        if share > 1e-4 { low = middle } else { high = middle }
    }
    high
}

/// Exact formulas: every deviation must be within the bound.
#[derive(Default)]
pub struct Exact {
    rows: Vec<(String, Mean, f64)>,
}

impl Exact {
    pub fn add(&mut self, what: impl Into<String>, found: Mean, expected: f64) {
        self.rows.push((what.into(), found, expected));
    }

    #[track_caller]
    pub fn finish(self) {
        let limit = bound(self.rows.len());
        let scores =
            self.rows.iter().map(|(_, found, expected)| ((found.value - expected) / found.error).abs());
        let worst = scores.clone().fold(0.0, f64::max);
        println!("{} comparisons, the worst z {worst:.2}, allowed {limit:.2}", self.rows.len());
        for ((what, found, expected), z) in self.rows.iter().zip(scores) {
            assert!(z <= limit, "{what}: {found:?}, not {expected}: z = {z:.1} of {limit:.1}");
        }
        // An error bar that is far too wide would let anything pass.
        let wide = self.rows.iter().filter(|(_, found, expected)| found.error > 0.1 * expected.abs()).count();
        assert!(4 * wide <= self.rows.len(), "{wide} bars are wider than a tenth of their values");
    }
}

/// Limits: relative deviations at three sizes.
#[derive(Default)]
pub struct Limits {
    rows: Vec<(String, [Mean; 3])>,
}

impl Limits {
    /// Adds `found` at the three sizes, each with its `expected` value.
    pub fn add(&mut self, what: impl Into<String>, found: [Mean; 3], expected: [f64; 3]) {
        let relative = std::array::from_fn(|i| Mean {
            value: found[i].value / expected[i] - 1.0,
            error: found[i].error / expected[i].abs(),
        });
        self.rows.push((what.into(), relative));
    }

    /// For deviations `a/n + b/n² + …` at `n`, `2n` and `4n`, returns the combination `(d − 6d' + 8d″)/3`, in which
    /// both terms cancel (Richardson extrapolation).
    fn extrapolated(means: &[Mean; 3]) -> Mean {
        const WEIGHTS: [f64; 3] = [1.0 / 3.0, -2.0, 8.0 / 3.0];
        let value = means.iter().zip(WEIGHTS).map(|(mean, weight)| weight * mean.value).sum();
        let squares: f64 =
            means.iter().zip(WEIGHTS).map(|(mean, weight)| (weight * mean.error).powi(2)).sum();
        Mean { value, error: squares.sqrt() }
    }

    /// Checks that the extrapolation to infinite size is 0 within its error. Terms in 1/n³, an eighth of those at the
    /// smallest size, are of the order of the deviation's cube and far below the error bars.
    #[track_caller]
    fn vanish(&self) {
        let limit = bound(self.rows.len());
        for (what, means) in &self.rows {
            let left = Self::extrapolated(means);
            assert!(left.value.abs() <= limit * left.error, "{what}: {left:?} is left of {means:?}");
        }
    }

    /// For deviations hidden by the error bars: each is at most `most` at the smallest size, half of that at the next
    /// and a quarter at the last, and no error bar exceeds `most`.
    #[track_caller]
    pub fn finish_under(self, most: f64) {
        self.vanish();
        let limit = bound(3 * self.rows.len());
        for (what, means) in &self.rows {
            println!("{what:48} {}", means.map(|m| format!("{:+.4}±{:.4}", m.value, m.error)).join(" "));
            for (mean, most) in means.iter().zip([most, most / 2.0, most / 4.0]) {
                assert!(mean.value.abs() <= most + limit * mean.error, "{what}: {means:?}");
            }
            assert!(means.iter().all(|mean| mean.error < most), "{what}: {means:?}");
        }
    }

    /// Checks deviations of the form `a/n + b/n² + …`.
    #[track_caller]
    pub fn finish(self) {
        self.vanish();
        self.decay();
    }

    /// Checks that the deviation `d` at one size becomes `d' = d/2` at twice that size, except for higher-order terms
    /// of at most `d/4`, and that it is at most 5 % at the largest size. As `d' − d/2` is `−b/(4n²)`, allowing `d/4`
    /// means that the second term is no larger than the sum of both. Powers of n other than 1/n, down to `n^(−2/3)`,
    /// pass too.
    #[track_caller]
    pub fn decay(self) {
        let limit = bound(2 * self.rows.len());
        let mut seen = 0;
        for (what, means) in &self.rows {
            println!("{what:48} {}", means.map(|m| format!("{:+.4}±{:.4}", m.value, m.error)).join(" "));
            for pair in means.windows(2) {
                let (one, two) = (pair[0], pair[1]);
                let error = two.error.hypot(0.5 * one.error);
                let off = (two.value - 0.5 * one.value).abs();
                assert!(off <= 0.25 * one.value.abs() + limit * error, "{what}: {means:?} does not halve");
            }
            assert!(means[2].value.abs() <= 0.05 + limit * means[2].error, "{what}: {means:?}");
            seen += usize::from(means[0].value.abs() > 3.0 * means[0].error);
        }
        // The decay must be visible, not hidden by the error bars.
        assert!(
            2 * seen >= self.rows.len(),
            "only {seen} of {} deviate at the smallest size",
            self.rows.len()
        );
    }
}

/// Calls `f` for each of the three sizes.
pub fn three<T>(f: impl FnMut(usize) -> T) -> [T; 3] {
    [0, 1, 2].map(f)
}
