//! The fits of the study and their errors.

use crate::common::regression::{self, equally_spaced, min_norm};
use double_descent::Error;
use double_descent::curve::{ArmLabel, Axis, Cell, Curve, Metric, Provenance};
use double_descent::features::{FeatureMap, NaturalSpline};
use double_descent::filter::{MinNorm, SpectralFilter};
use double_descent::sweep::{Grid, Observer, add_cells};
use ndarray::{Array2, ArrayRef2};

/// The test inputs: this many equally spaced points, ends included.
pub const TEST_POINTS: usize = 1000;

/// Where inputs come from, and the boundary knots: nothing is extrapolated.
pub const ENDS: (f64, f64) = (-5.0, 5.0);

/// A fit to one training set.
struct Fit {
    spline: NaturalSpline,
    beta: Array2<f64>,
    cell: Cell,
}

/// A regression study in these features.
pub struct Study(pub regression::Study);

impl std::ops::Deref for Study {
    type Target = regression::Study;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Study {
    /// Inputs and noisy targets of a repeat, both `n × 1`: the same for every K.
    pub fn training(&self, repeat: usize) -> (Array2<f64>, Array2<f64>) {
        self.points(repeat, ENDS, f64::sin)
    }

    /// A cell for each K of each training set. Knots are quantiles of the training inputs, so that nothing is nested:
    /// each cell has a basis of its own.
    pub fn run(&self, observer: &dyn Observer) -> Result<Curve, Error> {
        let test = equally_spaced(TEST_POINTS, ENDS);
        let truth = test.mapv(f64::sin);
        let grid = Grid { axis: self.sizes.clone(), repeats: self.repeats, threads: self.threads, batch: 16 };
        let cell = |repeat, p| {
            let Fit { spline, beta, cell } = self.fit(repeat, p)?;
            let errors = spline.design(&test, p)?.dot(&beta) - &truth;
            Ok([cell.with(Metric::TestMse, errors.mapv(|e| e * e).mean())])
        };
        let cells = grid.run(observer, |places| {
            places.iter().map(|place| cell(place.repeat, place.axis_value)).collect()
        })?;
        let mut curve = self.empty_curve();
        add_cells(&mut curve, cells, |place| (self.samples, place.axis_value));
        Ok(curve)
    }

    fn fit(&self, repeat: usize, p: usize) -> Result<Fit, Error> {
        let (x, y) = self.training(repeat);
        let spline = NaturalSpline::at_quantiles_within(&x, p, ENDS)?;
        let (beta, mut cell) = min_norm(&spline.design(&x, p)?, &y)?;
        cell.repeat = repeat;
        Ok(Fit { spline, beta, cell })
    }

    /// The fit to one training set at `inputs`.
    pub fn predictions(&self, repeat: usize, p: usize, inputs: &ArrayRef2<f64>) -> Result<Vec<f64>, Error> {
        let fit = self.fit(repeat, p)?;
        Ok(fit.spline.design(inputs, p)?.dot(&fit.beta).iter().copied().collect())
    }

    fn empty_curve(&self) -> Curve {
        let data = format!("y = sin x with noise of deviation {}", self.noise);
        let mut provenance = Provenance::new(data, MinNorm::default().describe());
        provenance.preparation =
            "natural cubic splines, knots at −5, 5 and quantiles of the training inputs".into();
        provenance.sampling = "drawn uniformly from [−5, 5], the same for every K".into();
        provenance.seed = Some(self.seed);
        Curve::new(Axis::Features, vec![ArmLabel::new("natural_spline", None)], provenance)
    }
}
