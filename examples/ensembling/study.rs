//! The cells of the study: members on independent features, their ensembles, other interpolants.

use crate::common::flags::{Failure, usage};
use crate::common::{check_noise, none_failed};
use double_descent::Error;
use double_descent::curve::{ArmLabel, Axis, Cell, Curve, Metric, Provenance};
use double_descent::ensemble::Ensemble;
use double_descent::features::{Activation, FeatureMap, RandomFourier, RandomNetwork, StationaryKernel};
use double_descent::filter::{MinNorm, SpectralFilter};
use double_descent::interpolants::{expected_excess, warm_start_curve};
use double_descent::kernel::KernelRegression;
use double_descent::risk::Compressed;
use double_descent::rng::stream;
use double_descent::svd::Svd;
use double_descent::sweep::{Grid, Observer, add_cells};
use ndarray::{Array2, s};
use rand::RngExt;
use rand_distr::StandardNormal;

/// Dimension of the inputs.
pub const INPUTS: usize = 10;
/// Test rows, without noise.
pub const TEST_ROWS: usize = 1000;
/// Of the kernel exp(−γ ‖x − x'‖²) that the features approach: 0.4 at the typical squared distance, 20.
const GAMMA: f64 = 0.045;

pub struct Study {
    /// `n`.
    pub samples: usize,
    /// `p`, ascending.
    pub sizes: Vec<usize>,
    /// `K`.
    pub members: Vec<usize>,
    /// `s`.
    pub starts: Vec<f64>,
    pub noise: f64,
    pub repeats: usize,
    pub seed: u64,
    pub threads: Option<usize>,
}

/// Training and test rows of one repeat.
struct Problem {
    train: Array2<f64>,
    targets: Array2<f64>,
    test: Array2<f64>,
    truth: Array2<f64>,
}

impl Study {
    pub fn check(&self) -> Result<(), Failure> {
        if self.sizes.contains(&0) {
            return usage("--sizes counts features: each is at least 1");
        }
        if self.members.is_empty() || self.members.contains(&0) {
            return usage("--members lists sizes of ensembles: at least one, each at least 1");
        }
        check_noise(self.noise)
    }

    /// How many members are fitted.
    pub fn fitted(&self) -> usize {
        self.members.iter().copied().max().unwrap_or(1).max(3)
    }

    /// The arms in the order of the cells.
    fn arms(&self) -> Vec<ArmLabel> {
        let arm = |name: &str, setting| ArmLabel::new(name, setting);
        let ensembles = self.members.iter().map(|&size| arm("ensemble", Some(size as f64)));
        let starts = self.starts.iter().map(|&start| arm("random_start", Some(start)));
        let single = [arm("ensemble_limit", None), arm("min_norm", None), arm("warm_start", None)];
        ensembles.chain(single).chain(starts).collect()
    }

    pub fn run(&self, observer: &dyn Observer) -> Result<Curve, Error> {
        let axis = vec![self.samples];
        let grid = Grid { axis, repeats: self.repeats, threads: self.threads, batch: 1 };
        let visited =
            grid.run(observer, |places| places.iter().map(|place| self.repeat(place.repeat)).collect())?;
        let mut curve = self.empty_curve();
        add_cells(&mut curve, visited, |place| (place.axis_value, 0));
        none_failed(&curve)?;
        Ok(curve)
    }

    /// Standard normal inputs; the target is the output of a random network, scaled to mean square 1 on the test rows.
    fn problem(&self, repeat: usize) -> Result<Problem, Error> {
        let mut rng = stream(self.seed, 0, repeat);
        let network = RandomNetwork::new(Activation::Tanh, &[INPUTS, 30, 1], &mut rng)?;
        let mut normal = |rows, columns| {
            Array2::from_shape_simple_fn((rows, columns), || rng.sample::<f64, _>(StandardNormal))
        };
        let (train, test) = (normal(self.samples, INPUTS), normal(TEST_ROWS, INPUTS));
        let noise = normal(self.samples, 1) * self.noise;
        let truth = network.design(&test, 1)?;
        let scale = (truth.iter().map(|y| y * y).sum::<f64>() / TEST_ROWS as f64).sqrt().recip();
        let targets = network.design(&train, 1)? * scale + noise;
        Ok(Problem { train, targets, test, truth: truth * scale })
    }

    /// What the error of any number of members tends to as p grows, for the data of each repeat: that of ridgeless
    /// regression with the kernel of the features.
    pub fn infinite_width(&self) -> Result<Vec<f64>, Error> {
        let kernel = StationaryKernel::gaussian_of_bandwidth((2.0 * GAMMA).sqrt().recip())?;
        let error = |repeat: usize| {
            let problem = self.problem(repeat)?;
            KernelRegression::fit(kernel, &problem.train, &problem.targets)?
                .mean_squared_error(&problem.test, &problem.truth)
        };
        (0..self.repeats).map(error).collect()
    }

    /// All members of a repeat, at every p.
    fn repeat(&self, repeat: usize) -> Result<Vec<Cell>, Error> {
        let problem = self.problem(repeat)?;
        let largest = self.sizes.iter().copied().max().unwrap_or(1);
        let mut predictions: Vec<Vec<Array2<f64>>> = vec![Vec::new(); self.sizes.len()];
        let mut others = Vec::new();
        for member in 0..self.fitted() {
            let seed = stream(self.seed, 1 + member, repeat).random();
            let map = RandomFourier::gaussian(INPUTS, largest, GAMMA, seed)?;
            let (x, test) = (map.design(&problem.train, largest)?, map.design(&problem.test, largest)?);
            for (predictions, &p) in predictions.iter_mut().zip(&self.sizes) {
                let svd = Svd::new(&x.slice(s![.., ..p]))?;
                let beta = svd.solve(&problem.targets, &MinNorm::default())?;
                predictions.push(test.slice(s![.., ..p]).dot(&beta));
                if member == 0 {
                    others.push(self.random_starts(&svd, &beta, &test, &problem.truth)?);
                }
            }
            if member == 0 {
                let table = Compressed::new(&test, &problem.truth)?;
                let warm = warm_start_curve(&x, &problem.targets, &self.sizes, Some(&table))?;
                for (errors, point) in others.iter_mut().zip(warm) {
                    errors.insert(1, point.test_mse.unwrap_or(f64::NAN));
                }
            }
        }
        let mut cells = Vec::new();
        for ((predictions, others), &p) in predictions.iter().zip(others).zip(&self.sizes) {
            let ensemble = Ensemble::new(predictions, &problem.truth)?;
            let sizes = self.members.iter().map(|&size| ensemble.error(size));
            let errors = sizes.collect::<Result<Vec<f64>, Error>>()?;
            let errors = errors.into_iter().chain([ensemble.limit()]).chain(others);
            let cell =
                |(arm, error)| Cell::new(repeat, self.samples, p, arm).with(Metric::TestMse, Some(error));
            cells.extend(errors.enumerate().map(cell));
        }
        Ok(cells)
    }

    /// The error of minimum norm, then the expected errors from random starts.
    fn random_starts(
        &self,
        svd: &Svd,
        beta: &Array2<f64>,
        test: &Array2<f64>,
        truth: &Array2<f64>,
    ) -> Result<Vec<f64>, Error> {
        let table = Compressed::new(&test.slice(s![.., ..beta.nrows()]), truth)?;
        let least = table.mean_squared_error(beta)?[0];
        let from = |&start: &f64| Ok(least + expected_excess(svd, start, &table)?);
        std::iter::once(Ok(least)).chain(self.starts.iter().map(from)).collect()
    }

    fn empty_curve(&self) -> Curve {
        let data = format!("a random tanh network of {INPUTS} standard normal inputs");
        let mut provenance = Provenance::new(data, MinNorm::default().describe());
        provenance.preparation = format!("random Fourier features, γ = {GAMMA}");
        provenance.sampling = format!("{} training sets", self.repeats);
        provenance.seed = Some(self.seed);
        Curve::new(Axis::Features, self.arms(), provenance)
    }
}
