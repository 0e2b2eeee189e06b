//! Regression of a function of one variable, shared by the studies of polynomials and splines.

use super::flags::{Failure, refused};
use super::shards::{self, Place, ShardArgs};
use super::{RunArgs, closing, io_error, report_failures, say};
use double_descent::Error;
use double_descent::curve::{Curve, Metric};
use double_descent::plot::Figure;
use double_descent::plot::study::Truth;
use double_descent::rng::stream;
use double_descent::sweep::{Arm, Draw, Maps, Source, Splits, Sweep, TestOn};
use ndarray::Array2;
use rand::RngExt;
use rand_distr::StandardNormal;
use std::collections::HashMap;
use std::path::Path;

/// The number of equally spaced test inputs, including the ends of the interval.
pub const TEST_POINTS: usize = 1000;

/// A function on an interval.
#[derive(Clone, Copy)]
pub struct Function {
    /// The formula as written in captions.
    pub name: &'static str,
    pub value: fn(f64) -> f64,
    pub ends: (f64, f64),
}

impl Function {
    /// The given training data, with noiseless test targets at equally spaced inputs.
    pub fn draw(&self, inputs: Array2<f64>, targets: Array2<f64>) -> Draw {
        let (low, high) = self.ends;
        let step = (high - low) / (TEST_POINTS - 1) as f64;
        let test = Array2::from_shape_fn((TEST_POINTS, 1), |(i, _)| low + i as f64 * step);
        let truth = test.mapv(self.value);
        Draw { inputs, targets, test: TestOn::Rows { inputs: test, targets: truth } }
    }

    /// `n` uniform inputs with noisy targets, the same for every basis and number of features.
    pub fn noisy(self, n: usize, noise: f64, seed: u64) -> Source {
        let name = format!("{} with noise of standard deviation {noise}", self.name);
        Source::drawn(name, move |repeat| {
            let mut rng = stream(seed, 0, repeat);
            let (low, high) = self.ends;
            let x = Array2::from_shape_simple_fn((n, 1), || rng.random_range(low..=high));
            let y = x.mapv(|x| (self.value)(x) + noise * rng.sample::<f64, _>(StandardNormal));
            Ok(self.draw(x, y))
        })
    }

    /// The true function for figures of fits, with the vertical range `outputs`.
    pub fn truth(&self, outputs: (f64, f64)) -> Truth<'_> {
        Truth { name: self.name, function: &self.value, inputs: self.ends, outputs }
    }
}

/// Minimum-norm fits on `n` points over a map's numbers of features.
pub fn sweep(
    args: &RunArgs,
    source: Source,
    (arm, maps): (&str, Maps),
    (n, features): (usize, &[usize]),
    repeats: usize,
) -> Sweep {
    Sweep {
        maps,
        samples: vec![n],
        features: features.to_vec(),
        arms: vec![Arm { name: arm.into(), ..Arm::min_norm() }],
        metrics: vec![
            Metric::TestMse,
            Metric::TrainMse,
            Metric::CoefficientNorm,
            Metric::SmallestSingularValue,
        ],
        threads: args.threads,
        ..Sweep::of(source, Splits::Drawn { repeats, seed: args.seed })
    }
}

/// Runs sweeps of one arm each, or parts of them, writes their tables into the folder `name`, prints the closing table
/// and draws the figures.
pub fn run(
    (args, of_shards): (&RunArgs, &ShardArgs),
    name: &str,
    sweeps: &[Sweep],
    figures: impl FnOnce(&Curve) -> Result<Vec<(String, Figure)>, Error>,
) -> Result<(), Failure> {
    let folder = args.make_folder(name, of_shards)?;
    let mut curve: Option<Curve> = None;
    for sweep in sweeps {
        let arm = &*sweep.arms[0].name;
        let place = Place { out: &args.out, folder: &folder, name: Some(arm) };
        let Some(more) = shards::curve(of_shards, place, arm, sweep)? else { continue };
        curve = Some(curve.map_or(Ok(more.clone()), |curve| curve.beside(more))?);
    }
    if !of_shards.has_results() {
        return Ok(());
    }
    let curve = curve.ok_or(Error::Empty { what: "the list of sweeps" })?;
    args.save_tables(&curve, &folder, "", &sweeps[0].metrics)?;
    if report_failures(&curve) > 0 {
        return refused("some fits failed; all others are written");
    }
    closing::in_six_points(args, &curve)?;
    say!("written: {}: cells.csv, summary.csv", folder.display());
    if !args.no_figures {
        super::figures::save(&args.print, &folder, figures(&curve)?)?;
    }
    Ok(())
}

/// Recorded training inputs by number of features and repeat.
pub struct Recorded(HashMap<(usize, usize), Array2<f64>>);

impl Recorded {
    /// Reads a table with columns `P,repeat,x0,x1,…`.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bad = |line, reason| Error::File { path: path.into(), line, column: None, reason };
        let mut reader = csv::Reader::from_path(path).map_err(|e| io_error(path, &e))?;
        let mut points = HashMap::new();
        for record in reader.records() {
            let record = record.map_err(|e| bad(None, e.to_string()))?;
            let line = record.position().map(csv::Position::line);
            let no_number =
                |field: &str| bad(line, format!("`{field}` is not a number, or not whole where it must be"));
            let count = |i: usize| record[i].parse::<usize>().map_err(|_| no_number(&record[i]));
            if record.len() < 3 {
                return Err(bad(line, "fewer columns than P,repeat,x0".into()));
            }
            let inputs = record.iter().skip(2).map(|field| field.parse().map_err(|_| no_number(field)));
            let inputs = inputs.collect::<Result<Vec<f64>, Error>>()?;
            let inputs = Array2::from_shape_fn((inputs.len(), 1), |(i, _)| inputs[i]);
            if points.insert((count(0)?, count(1)?), inputs).is_some() {
                return Err(bad(line, "this P and repeat appear twice".into()));
            }
        }
        if points.is_empty() {
            return Err(bad(None, "no training inputs".into()));
        }
        Ok(Self(points))
    }

    /// The training inputs of a cell, `n × 1`.
    pub fn at(&self, repeat: usize, p: usize) -> Result<Array2<f64>, Error> {
        self.0.get(&(p, repeat)).cloned().ok_or_else(|| Error::Unsupported {
            reason: format!("no training inputs are recorded for P = {p}, repeat {repeat}"),
        })
    }

    /// The recorded numbers of features, ascending, and the numbers of repeats and points.
    pub fn sizes(&self) -> (Vec<usize>, usize, usize) {
        let mut sizes: Vec<usize> = self.0.keys().map(|&(p, _)| p).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let repeats = self.0.keys().map(|&(_, repeat)| repeat + 1).max().unwrap_or(0);
        (sizes, repeats, self.0.values().map(Array2::nrows).max().unwrap_or(0))
    }
}
