//! The setting, the expected risks and the simulated runs.

use super::Cli;
use crate::common::save_table;
use double_descent::Error;
use double_descent::filter::{Loss, MinNorm};
use double_descent::risk::{Covariance, Population, Sgd};
use double_descent::rng::stream;
use double_descent::svd::Svd;
use ndarray::{Array1, Array2};
use rand::RngExt;
use rand_distr::StandardNormal;
use std::path::Path;

/// The loss that is minimised.
pub const LOSS: Loss = Loss::HalfMean;
/// The number of points along the steps.
const POINTS: usize = 24;
/// The number of step sizes at which stability is evaluated.
const GRID: usize = 60;

/// One training set of normal rows, with label noise drawn anew for each run.
pub struct Study {
    svd: Svd,
    x: Array2<f64>,
    clean: Array2<f64>,
    population: Population,
    pub variance: f64,
    pub batches: Vec<usize>,
    rates: Vec<f64>,
    steps: usize,
    runs: usize,
    seed: u64,
    /// The largest stable step size for batches of the first size.
    pub edge: f64,
}

/// One batch size and step size.
pub struct Trace {
    pub batch: usize,
    pub step: f64,
    pub points: Vec<Point>,
    /// The level at which the expected excess risk settles.
    pub stationary: Option<f64>,
    pub amplification: f64,
}

/// Excess risks after a given number of steps.
pub struct Point {
    pub step: usize,
    pub expected: f64,
    /// The excess risk without random batches.
    pub full_batch: f64,
    /// The mean of the runs; below, its standard error.
    pub mean: f64,
    pub error: f64,
}

impl Point {
    /// The deviation of the runs in standard errors; NaN if they vary by rounding at most.
    pub fn z(&self) -> f64 {
        let varies = self.error > 1e-12 * self.mean.abs();
        if varies { (self.mean - self.expected) / self.error } else { f64::NAN }
    }
}

/// The feedback of squared residuals, by batch size and step size.
pub struct Stability {
    pub steps: Vec<f64>,
    pub amplification: Vec<Vec<f64>>,
}

impl Study {
    pub fn draw(cli: &Cli) -> Result<Self, Error> {
        let (n, p) = (usize::from(cli.samples), usize::from(cli.features));
        let mut rng = stream(cli.seed, 0, 0);
        let mut normal = |shape| Array2::from_shape_simple_fn(shape, || rng.sample::<f64, _>(StandardNormal));
        let (x, teacher) = (normal((n, p)), normal((p, 1)));
        let teacher = &teacher / teacher.iter().map(|b| b * b).sum::<f64>().sqrt();
        let variance = cli.noise * cli.noise;
        let mut study = Self {
            svd: Svd::new(&x)?,
            clean: x.dot(&teacher),
            x,
            population: Population::new(Covariance::isotropic(p, 1.0)?, teacher, variance)?,
            variance,
            batches: cli.batches.clone(),
            rates: cli.rates.clone(),
            steps: cli.steps.max(1),
            runs: cli.runs.into(),
            seed: cli.seed,
            edge: 0.0,
        };
        study.edge = study.edge(cli.batches[0])?;
        Ok(study)
    }

    /// The step size from which the mean iterate diverges, `2/μ₁`.
    pub fn limit(&self) -> f64 {
        2.0 / (LOSS.curvature(self.x.nrows()) * self.svd.singular_values()[0].powi(2))
    }

    /// The largest stable step size, by bisection: the feedback of squared residuals increases with it.
    fn edge(&self, batch: usize) -> Result<f64, Error> {
        let (mut low, mut high) = (0.0, self.limit());
        for _ in 0..40 {
            let middle = f64::midpoint(low, high);
            if Sgd::new(middle, batch, LOSS)?.stability(&self.svd)?.is_stable() {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// Traces for all batch sizes, with the last step size.
    pub fn by_batch(&self) -> Result<Vec<Trace>, Error> {
        let step = self.edge * self.rates[self.rates.len() - 1];
        self.batches.iter().map(|&batch| self.trace(batch, step)).collect()
    }

    /// Traces for all step sizes, with the first batch size.
    pub fn by_rate(&self) -> Result<Vec<Trace>, Error> {
        self.rates.iter().map(|share| self.trace(self.batches[0], self.edge * share)).collect()
    }

    fn trace(&self, batch: usize, step: f64) -> Result<Trace, Error> {
        let sgd = Sgd::new(step, batch, LOSS)?;
        let start = Array2::zeros(self.population.teacher().dim());
        let mut moments = sgd.start_with_noise(&self.svd, &self.clean, self.variance, &start)?;
        let shown = self.shown();
        let runs = self.simulate(batch, step, &shown);
        let mut points = Vec::with_capacity(shown.len());
        for (&at, (mean, error)) in shown.iter().zip(runs) {
            moments.advance(at - moments.steps())?;
            let risk = moments.risk(&self.population)?;
            points.push(Point {
                step: at,
                expected: risk.excess(),
                full_batch: risk.full_batch,
                mean,
                error,
            });
        }
        let moving = sgd.stationary(&self.svd, &self.clean, self.variance);
        let rest = self.population.given(&self.svd)?.of(&MinNorm::default())?.excess();
        let stationary = moving.and_then(|state| state.excess(&self.population)).ok();
        let amplification = sgd.stability(&self.svd)?.amplification;
        let stationary = stationary.map(|moving| moving + rest);
        Ok(Trace { batch, step, points, stationary, amplification })
    }

    /// The steps shown, each later than the previous by about the same factor.
    fn shown(&self) -> Vec<usize> {
        let power = |i: usize| (self.steps as f64).powf(i as f64 / (POINTS - 1) as f64);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rounded, and at least 1
        let mut shown: Vec<usize> = (0..POINTS).map(|i| power(i).round() as usize).collect();
        shown.dedup();
        shown
    }

    /// The mean excess risk of the runs after the given steps, with its standard error.
    fn simulate(&self, batch: usize, step: f64, shown: &[usize]) -> Vec<(f64, f64)> {
        let (n, p) = self.x.dim();
        let teacher = self.population.teacher().column(0);
        let mut found = vec![Vec::with_capacity(self.runs); shown.len()];
        for run in 0..self.runs {
            // Use the same noise and rows for every step size.
            let mut rng = stream(self.seed, batch, run + 1);
            let deviation = self.variance.sqrt();
            let y: Array1<f64> =
                self.clean.column(0).mapv(|y| y + deviation * rng.sample::<f64, _>(StandardNormal));
            let (mut beta, mut gradient) = (Array1::<f64>::zeros(p), Array1::<f64>::zeros(p));
            let mut next = 0;
            for at in 1..=self.steps {
                gradient.fill(0.0);
                for _ in 0..batch {
                    let row = rng.random_range(0..n);
                    let error = self.x.row(row).dot(&beta) - y[row];
                    gradient.scaled_add(error / batch as f64, &self.x.row(row));
                }
                beta.scaled_add(-step, &gradient);
                if shown.get(next) == Some(&at) {
                    found[next].push((&beta - &teacher).mapv(|d| d * d).sum());
                    next += 1;
                }
            }
        }
        found.iter().map(|excess| mean_and_error(excess)).collect()
    }

    /// The stability up to the limit of the mean iterate.
    pub fn stability(&self) -> Result<Stability, Error> {
        let steps: Vec<f64> =
            (1..GRID).map(|i| self.limit() * 10f64.powf(-2.5 * (1.0 - i as f64 / GRID as f64))).collect();
        let of = |batch: &usize| -> Result<Vec<f64>, Error> {
            let at = |&step: &f64| Ok(Sgd::new(step, *batch, LOSS)?.stability(&self.svd)?.amplification);
            steps.iter().map(at).collect()
        };
        let amplification = self.batches.iter().map(of).collect::<Result<_, _>>()?;
        Ok(Stability { steps, amplification })
    }

    pub fn save_stability(&self, found: &Stability, path: &Path) -> Result<(), Error> {
        let columns = self.batches.iter().zip(&found.amplification);
        let rows = columns.flat_map(|(batch, column)| {
            let pairs = found.steps.iter().zip(column);
            pairs.map(move |(step, value)| vec![batch.to_string(), format!("{step:?}"), format!("{value:?}")])
        });
        save_table(path, &["batch", "step_size", "amplification"], rows.collect())
    }
}

fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, (variance / count).sqrt())
}
