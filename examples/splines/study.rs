//! The fits of the study and their errors.

use double_descent::Error;
use double_descent::curve::{ArmLabel, Axis, Cell, Curve, Failure, Provenance};
use double_descent::features::{FeatureMap, NaturalSpline};
use double_descent::filter::{MinNorm, SpectralFilter};
use double_descent::rng::stream;
use double_descent::svd::Svd;
use double_descent::sweep::{Grid, Observer};
use ndarray::{Array2, ArrayRef2};
use rand::RngExt;
use rand_distr::StandardNormal;

/// The test inputs: this many equally spaced points of [−5, 5], ends included.
pub const TEST_POINTS: usize = 1000;

/// Where inputs come from, and the boundary knots: nothing is extrapolated.
const ENDS: (f64, f64) = (-5.0, 5.0);

/// `count` equally spaced inputs of [−5, 5], ends included, `count × 1`.
pub fn equally_spaced(count: usize) -> Array2<f64> {
    Array2::from_shape_fn((count, 1), |(i, _)| -5.0 + i as f64 * (10.0 / (count - 1) as f64))
}

pub struct Study {
    pub samples: usize,
    pub noise: f64,
    pub sizes: Vec<usize>,
    pub repeats: usize,
    pub seed: u64,
    pub threads: Option<usize>,
}

/// A fit to one training set.
struct Fit {
    spline: NaturalSpline,
    beta: Array2<f64>,
    cell: Cell,
}

impl Study {
    /// Inputs and noisy targets of a repeat, both `n × 1`: the same for every K.
    pub fn training(&self, repeat: usize) -> (Array2<f64>, Array2<f64>) {
        let mut rng = stream(self.seed, 0, repeat);
        let x = Array2::from_shape_simple_fn((self.samples, 1), || rng.random_range(-5.0..=5.0));
        let y = x.mapv(|x: f64| x.sin() + self.noise * rng.sample::<f64, _>(StandardNormal));
        (x, y)
    }

    /// A cell for each K of each training set. Knots are quantiles of the training inputs, so that nothing is nested:
    /// each cell has a basis of its own.
    pub fn run(&self, observer: &dyn Observer) -> Result<Curve, Error> {
        let test = equally_spaced(TEST_POINTS);
        let truth = test.mapv(f64::sin);
        let grid = Grid { axis: self.sizes.clone(), repeats: self.repeats, threads: self.threads, batch: 16 };
        let cell = |repeat, p| {
            let Fit { spline, beta, cell } = self.fit(repeat, p)?;
            let errors = spline.design(&test, p)?.dot(&beta) - &truth;
            Ok(Cell { test_mse: errors.mapv(|e| e * e).mean(), ..cell })
        };
        let cells = grid.run(observer, |places| {
            places.iter().map(|place| cell(place.repeat, place.axis_value)).collect()
        })?;
        let mut curve = self.empty_curve();
        for (place, cell) in cells {
            match cell {
                Some(Ok(cell)) => curve.cells.push(cell),
                Some(Err(error)) => {
                    let (repeat, n, p) = (place.repeat, self.samples, place.axis_value);
                    curve.failures.push(Failure { repeat, n, p, error });
                }
                None => curve.complete = false,
            }
        }
        Ok(curve)
    }

    fn fit(&self, repeat: usize, p: usize) -> Result<Fit, Error> {
        let (x, y) = self.training(repeat);
        let spline = NaturalSpline::at_quantiles_within(&x, p, ENDS)?;
        let features = spline.design(&x, p)?;
        let svd = Svd::new(&features)?;
        let beta = svd.solve(&y, &MinNorm::default())?;
        let cell = Cell {
            repeat,
            n: self.samples,
            p,
            train_mse: (features.dot(&beta) - &y).mapv(|e| e * e).mean(),
            coefficient_norm: Some(beta.mapv(|b| b * b).sum().sqrt()),
            smallest_singular_value: svd.smallest_nonzero(),
            rank: svd.rank(),
            ..Cell::default()
        };
        Ok(Fit { spline, beta, cell })
    }

    /// The fit to one training set at `inputs`.
    pub fn predictions(&self, repeat: usize, p: usize, inputs: &ArrayRef2<f64>) -> Result<Vec<f64>, Error> {
        let fit = self.fit(repeat, p)?;
        Ok(fit.spline.design(inputs, p)?.dot(&fit.beta).iter().copied().collect())
    }

    fn empty_curve(&self) -> Curve {
        Curve {
            axis: Axis::Features,
            arms: vec![ArmLabel { name: "natural_spline".into(), setting: None }],
            cells: Vec::new(),
            failures: Vec::new(),
            complete: true,
            provenance: Provenance {
                data: format!("y = sin x with noise of deviation {}", self.noise),
                rows: None,
                preparation: "natural cubic splines, knots at −5, 5 and quantiles of the training inputs"
                    .into(),
                sampling: "drawn uniformly from [−5, 5], the same for every K".into(),
                seed: Some(self.seed),
                estimator: MinNorm::default().describe(),
                ..Provenance::default()
            },
        }
    }
}
