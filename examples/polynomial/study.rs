//! The cells of the study: training inputs, fits, errors.

use crate::common::io_error;
use crate::common::regression::equally_spaced;
use double_descent::Error;
use double_descent::curve::{ArmLabel, Axis, Cell, Curve, Metric, Provenance};
use double_descent::features::{FeatureMap, Polynomial};
use double_descent::filter::{MinNorm, SpectralFilter};
use double_descent::rng::stream;
use double_descent::svd::Svd;
use double_descent::sweep::{Grid, Observer, Place, add_cells};
use ndarray::{Array2, s};
use rand::RngExt;
use std::collections::HashMap;
use std::path::Path;

/// Where inputs come from.
pub const ENDS: (f64, f64) = (-1.0, 1.0);

/// The test inputs: this many equally spaced points, ends included.
pub const TEST_POINTS: usize = 1000;

/// The function to learn, without noise: y = 2x + cos 25x.
pub fn truth(x: &Array2<f64>) -> Array2<f64> {
    x.mapv(|x| 2.0 * x + (25.0 * x).cos())
}

/// Where training inputs come from.
pub enum Points {
    /// `samples` draws from the uniform distribution on [−1, 1], anew for every P and repeat.
    Drawn { samples: usize, seed: u64 },
    /// Recorded ones, by P and repeat.
    Recorded(HashMap<(usize, usize), Array2<f64>>),
}

impl Points {
    /// Reads a table of columns `P,repeat,x0,x1,…`.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bad = |line, reason| Error::File { path: path.into(), line, column: None, reason };
        let mut reader = csv::Reader::from_path(path).map_err(|e| io_error(path, &e))?;
        let mut points = HashMap::new();
        for record in reader.records() {
            let record = record.map_err(|e| bad(None, e.to_string()))?;
            let line = record.position().map(csv::Position::line);
            let no_number = |field: &str| bad(line, format!("`{field}` is not a number of its kind"));
            let count = |i: usize| record[i].parse::<usize>().map_err(|_| no_number(&record[i]));
            if record.len() < 3 {
                return Err(bad(line, "fewer columns than P,repeat,x0".into()));
            }
            let inputs = record.iter().skip(2).map(|field| field.parse().map_err(|_| no_number(field)));
            let inputs = inputs.collect::<Result<Vec<f64>, Error>>()?;
            let inputs = Svd::column(&ndarray::Array1::from(inputs));
            if points.insert((count(0)?, count(1)?), inputs).is_some() {
                return Err(bad(line, "this P and repeat were there before".into()));
            }
        }
        if points.is_empty() {
            return Err(bad(None, "no training inputs".into()));
        }
        Ok(Self::Recorded(points))
    }

    /// The training inputs of a cell, `n × 1`.
    pub fn at(&self, place: Place) -> Result<Array2<f64>, Error> {
        let Place { axis_value: p, repeat } = place;
        match self {
            Self::Drawn { samples, seed } => {
                let mut rng = stream(*seed, p, repeat);
                Ok(Array2::from_shape_simple_fn((*samples, 1), || rng.random_range(ENDS.0..=ENDS.1)))
            }
            Self::Recorded(points) => points.get(&(p, repeat)).cloned().ok_or_else(|| Error::Resource {
                reason: format!("no training inputs are recorded for P = {p}, repeat {repeat}"),
            }),
        }
    }

    /// The recorded numbers of features, ascending.
    pub fn recorded_sizes(&self) -> Option<Vec<usize>> {
        let Self::Recorded(points) = self else { return None };
        let mut sizes: Vec<usize> = points.keys().map(|&(p, _)| p).collect();
        sizes.sort_unstable();
        sizes.dedup();
        Some(sizes)
    }

    /// The recorded number of repeats.
    pub fn recorded_repeats(&self) -> Option<usize> {
        let Self::Recorded(points) = self else { return None };
        points.keys().map(|&(_, repeat)| repeat + 1).max()
    }

    fn describe(&self) -> String {
        match self {
            Self::Drawn { .. } => "drawn uniformly from [−1, 1], anew for each P".into(),
            Self::Recorded(_) => "recorded training points, others for each P".into(),
        }
    }
}

/// The study: which features, on which inputs.
pub struct Study {
    pub maps: Vec<Polynomial>,
    pub sizes: Vec<usize>,
    pub repeats: usize,
    pub points: Points,
    pub threads: Option<usize>,
}

impl Study {
    /// Fits every cell. The maps are nested, so the test features are computed once.
    pub fn run(&self, observer: &dyn Observer) -> Result<Curve, Error> {
        let largest = self.sizes.iter().copied().max().unwrap_or(0);
        let test = equally_spaced(TEST_POINTS, ENDS);
        let designs =
            self.maps.iter().map(|map| map.design(&test, largest)).collect::<Result<Vec<_>, Error>>()?;
        let truth = truth(&test);
        let grid = Grid { axis: self.sizes.clone(), repeats: self.repeats, threads: self.threads, batch: 1 };
        let results = grid.run(observer, |places| {
            places.iter().map(|&place| self.cells(place, &designs, &truth)).collect()
        })?;
        let mut curve = self.empty_curve();
        let n = self.points.at(Place { axis_value: self.sizes[0], repeat: 0 })?.nrows();
        add_cells(&mut curve, results, |place| (n, place.axis_value));
        Ok(curve)
    }

    /// One cell for each basis, all on the same training inputs.
    fn cells(
        &self,
        place: Place,
        tests: &[Array2<f64>],
        truth_test: &Array2<f64>,
    ) -> Result<Vec<Cell>, Error> {
        let (p, inputs) = (place.axis_value, self.points.at(place)?);
        let y = truth(&inputs);
        let cell = |(arm, map): (usize, &Polynomial)| {
            let x = map.design(&inputs, p)?;
            let svd = Svd::new(&x)?;
            let beta = svd.solve(&y, &MinNorm::default())?;
            let test = tests[arm].slice(s![.., ..p]);
            Ok(Cell::new(place.repeat, inputs.nrows(), p, arm)
                .with(Metric::TrainMse, mean_square(&(x.dot(&beta) - &y)))
                .with(Metric::TestMse, mean_square(&(test.dot(&beta) - truth_test)))
                .with(Metric::SmallestSingularValue, svd.smallest_nonzero())
                .with_rank(svd.rank()))
        };
        self.maps.iter().enumerate().map(cell).collect()
    }

    fn empty_curve(&self) -> Curve {
        let label = |map: &Polynomial| ArmLabel::new(map.basis().name(), None);
        let maps: Vec<String> = self.maps.iter().map(FeatureMap::describe).collect();
        let mut provenance = Provenance::new("y = 2x + cos 25x", MinNorm::default().describe());
        provenance.preparation = maps.join("; ");
        provenance.sampling = self.points.describe();
        provenance.seed = match self.points {
            Points::Drawn { seed, .. } => Some(seed),
            Points::Recorded(_) => None,
        };
        Curve::new(Axis::Features, self.maps.iter().map(label).collect(), provenance)
    }
}

fn mean_square(x: &Array2<f64>) -> f64 {
    x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64
}
