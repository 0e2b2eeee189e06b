//! Regression of a function of one variable: equally spaced inputs, noisy points, minimum-norm fits.

use double_descent::Error;
use double_descent::curve::{Cell, Metric};
use double_descent::filter::MinNorm;
use double_descent::rng::stream;
use double_descent::svd::Svd;
use ndarray::{Array2, ArrayRef2};
use rand::RngExt;
use rand_distr::StandardNormal;

/// `count` equally spaced inputs between two ends, which are among them, `count × 1`.
pub fn equally_spaced(count: usize, (low, high): (f64, f64)) -> Array2<f64> {
    Array2::from_shape_fn((count, 1), |(i, _)| low + i as f64 * ((high - low) / (count - 1) as f64))
}

/// A study of fits to noisy points, the same ones for every basis and every number of features.
pub struct Study {
    pub samples: usize,
    pub noise: f64,
    pub sizes: Vec<usize>,
    pub repeats: usize,
    pub seed: u64,
    pub threads: Option<usize>,
}

impl Study {
    /// Inputs of a repeat, uniform between two ends, and noisy targets, both `n × 1`.
    pub fn points(
        &self,
        repeat: usize,
        (low, high): (f64, f64),
        truth: impl Fn(f64) -> f64,
    ) -> (Array2<f64>, Array2<f64>) {
        let mut rng = stream(self.seed, 0, repeat);
        let x = Array2::from_shape_simple_fn((self.samples, 1), || rng.random_range(low..=high));
        let y = x.mapv(|x| truth(x) + self.noise * rng.sample::<f64, _>(StandardNormal));
        (x, y)
    }
}

/// The minimum-norm fit of `y` (`n × 1`) by `features` (`n × p`): its coefficients, and its cell as far as the training
/// set tells.
pub fn min_norm(features: &ArrayRef2<f64>, y: &Array2<f64>) -> Result<(Array2<f64>, Cell), Error> {
    let svd = Svd::new(features)?;
    let beta = svd.solve(y, &MinNorm::default())?;
    let cell = Cell::new(0, features.nrows(), features.ncols(), 0)
        .with(Metric::TrainMse, (features.dot(&beta) - y).mapv(|e| e * e).mean())
        .with(Metric::CoefficientNorm, beta.mapv(|b| b * b).sum().sqrt())
        .with(Metric::SmallestSingularValue, svd.smallest_nonzero())
        .with_rank(svd.rank());
    Ok((beta, cell))
}
