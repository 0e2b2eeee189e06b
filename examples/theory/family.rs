//! A family of formulas with its measured values.

use double_descent::Error;
use double_descent::rng::stream;
use double_descent::sweep::Grid;
use double_descent::theory::line::{Theory, TheoryLine, values};
use ndarray::Array2;
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

/// Variance of the label noise in every simulation; below, the squared length of every teacher.
pub const NOISE: f64 = 0.25;
pub const ENERGY: f64 = 1.0;

/// The settings with which a family is simulated.
pub struct Plan {
    pub size: usize,
    pub repeats: usize,
    pub seed: u64,
    /// The family's own random stream.
    pub stream: usize,
    pub threads: Option<usize>,
}

impl Plan {
    /// Collects the values that `work` returns for every repeat, the same number for each.
    pub fn simulate(
        &self,
        work: &(dyn Fn(&mut ChaCha8Rng) -> Result<Vec<f64>, Error> + Sync),
    ) -> Result<Vec<Vec<f64>>, Error> {
        let grid = Grid { axis: vec![self.size], repeats: self.repeats, threads: self.threads, batch: 1 };
        let results = grid.run(&(), |places| {
            let repeat = |place: &double_descent::sweep::Place| {
                work(&mut stream(self.seed, (self.stream << 16) | self.size, place.repeat))
            };
            places.iter().map(repeat).collect()
        })?;
        results.into_iter().filter_map(|(_, result)| result).collect()
    }
}

/// The kind of a formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Holds at every size.
    Exact,
    /// Holds in the limit of large sizes; at finite sizes, the relative deviation falls as 1/size.
    Limit,
}

/// The panel, axes and lines of a family.
pub struct Family {
    pub name: &'static str,
    pub kind: Kind,
    pub size: usize,
    pub title: &'static str,
    /// The label of the axis, and whether it is logarithmic.
    pub x: (String, bool),
    pub y: (&'static str, bool),
    /// A threshold and its label.
    pub marker: Option<(f64, &'static str)>,
    pub lines: Vec<Line>,
}

impl Family {
    /// A family without lines and with logarithmic axes; `name` and `kind` are set by the caller that runs it.
    pub fn new(plan: &Plan, title: &'static str, x: impl Into<String>, y: &'static str) -> Self {
        Self {
            name: "",
            kind: Kind::Exact,
            size: plan.size,
            title,
            x: (x.into(), true),
            y: (y, true),
            marker: None,
            lines: Vec::new(),
        }
    }
}

/// One formula of a family.
pub struct Line {
    pub name: String,
    pub theory: TheoryLine,
    /// The points at which the formula is drawn.
    pub axis: Vec<f64>,
    /// The measured values; empty if only the formula is shown.
    pub points: Vec<Point>,
}

/// A mean over repeats with the formula's value.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    pub x: f64,
    pub repeats: usize,
    pub mean: f64,
    pub standard_error: f64,
    pub theory: f64,
}

impl Point {
    /// The difference of mean and formula in standard errors.
    pub fn z(&self) -> f64 {
        (self.mean - self.theory) / self.standard_error
    }
}

impl Line {
    /// Compares measured values with the formula at the points `x`: column `first + i` of every repeat is a value at
    /// `x[i]`.
    pub fn new(
        name: impl Into<String>,
        theory: TheoryLine,
        axis: Vec<f64>,
        (x, first): (&[f64], usize),
        measured: &[Vec<f64>],
    ) -> Result<Self, Error> {
        let expected = values(&theory, x)?;
        let point = |(i, (&x, &theory)): (usize, (&f64, &f64))| {
            let column: Vec<f64> = measured.iter().map(|repeat| repeat[first + i]).collect();
            let count = column.len() as f64;
            let mean = column.iter().sum::<f64>() / count;
            let squares: f64 = column.iter().map(|v| (v - mean) * (v - mean)).sum();
            Point {
                x,
                repeats: column.len(),
                mean,
                standard_error: (squares / (count - 1.0) / count).sqrt(),
                theory,
            }
        };
        let points = x.iter().zip(&expected).enumerate().map(point);
        // Leave out points where the formula has no value or the measured values vary by rounding at most.
        let varies = |point: &Point| point.standard_error > 1e-12 * point.mean.abs();
        let points = points.filter(|point| point.theory.is_finite() && varies(point)).collect();
        Ok(Self { name: name.into(), theory, axis, points })
    }

    /// A formula without measured values.
    pub fn unmeasured(name: impl Into<String>, theory: TheoryLine, axis: Vec<f64>) -> Self {
        Self { name: name.into(), theory, axis, points: Vec::new() }
    }

    /// The formula's name and reference, for a legend.
    pub fn label(&self) -> String {
        format!("{} ({})", self.theory.label(), self.theory.reference())
    }

    /// The largest `|z|`; NaN without points.
    pub fn worst_z(&self) -> f64 {
        self.points.iter().map(|point| point.z().abs()).fold(f64::NAN, f64::max)
    }

    /// The bound that the largest `|z|` of this many independent normal deviates stays below in 99 of 100 runs.
    pub fn expected_worst_z(&self) -> f64 {
        let tail = 0.005 / self.points.len().max(1) as f64;
        // 1 − Φ(z) decreases in z: bisection, with Φ from the complementary error function's continued fraction.
        let (mut low, mut high) = (1.0, 40.0);
        for _ in 0..80 {
            let middle = 0.5 * (low + high);
            if upper_tail(middle) > tail { low = middle } else { high = middle }
        }
        low
    }

    /// The sum of the measured values divided by that of the formula, minus 1, and a bound on its standard error, which
    /// allows for points that vary together, as those from one draw do.
    pub fn deviation(&self) -> (f64, f64) {
        let sum = |of: fn(&Point) -> f64| self.points.iter().map(of).sum::<f64>();
        let formula = sum(|point| point.theory);
        (sum(|point| point.mean) / formula - 1.0, sum(|point| point.standard_error) / formula)
    }
}

/// `1 − Φ(z)` for `z ≥ 1`, by Laplace's continued fraction.
fn upper_tail(z: f64) -> f64 {
    let fraction = (1..=200).rev().fold(z, |rest, k| z + f64::from(k) / rest);
    (-0.5 * z * z).exp() / ((2.0 * std::f64::consts::PI).sqrt() * fraction)
}

/// A matrix of standard normal numbers.
pub fn normal(rng: &mut impl Rng, rows: usize, columns: usize) -> Array2<f64> {
    Array2::from_shape_simple_fn((rows, columns), || rng.sample(StandardNormal))
}

/// Random rows of length `√columns`.
pub fn on_sphere(rng: &mut impl Rng, rows: usize, columns: usize) -> Array2<f64> {
    let mut x = normal(rng, rows, columns);
    for mut row in x.rows_mut() {
        let factor = (columns as f64).sqrt() / row.dot(&row).sqrt();
        row *= factor;
    }
    x
}

/// Noise with variance [`NOISE`].
pub fn noise(rng: &mut impl Rng, rows: usize) -> Array2<f64> {
    normal(rng, rows, 1) * NOISE.sqrt()
}

/// Whole numbers from `low` to `high` at equal ratios, except those closer to `avoid` than `gap`, where the variance of
/// a simulation is infinite, or so large that its estimate is meaningless.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rounded and positive
pub fn spread(low: usize, high: usize, count: usize, avoid: usize, gap: usize) -> Vec<usize> {
    let ratio = (high as f64 / low as f64).ln();
    let at = |i: usize| (low as f64 * (ratio * i as f64 / (count - 1) as f64).exp()).round() as usize;
    let mut all: Vec<usize> = (0..count).map(at).filter(|at| at.abs_diff(avoid) >= gap).collect();
    all.dedup();
    all
}

/// Converts counts to floating-point numbers.
pub fn floats(counts: &[usize]) -> Vec<f64> {
    counts.iter().map(|&count| count as f64).collect()
}

/// Every whole number from `low` to `high`.
pub fn every(low: usize, high: usize) -> Vec<f64> {
    (low..=high).map(|at| at as f64).collect()
}

/// `count` numbers from `low` to `high` at equal ratios.
pub fn at_ratios(low: f64, high: f64, count: usize) -> Vec<f64> {
    let ratio = (high / low).ln();
    (0..count).map(|i| low * (ratio * i as f64 / (count - 1) as f64).exp()).collect()
}
