//! Designs, fits, and the flatness of their minima.

use crate::common::flags::{Failure, usage};
use crate::common::with_progress;
use double_descent::Error;
use double_descent::filter::{GradientFlow, Loss, MinNorm};
use double_descent::flatness::{Curvature, ExpectedGradientNoise, GradientNoise, TwoLayer};
use double_descent::risk::{Covariance, Population};
use double_descent::rng::stream;
use double_descent::svd::Svd;
use double_descent::sweep::{Grid, Place as At};
use ndarray::{Array1, Array2, s};
use rand::RngExt;
use rand_distr::StandardNormal;

/// The loss used throughout: its Hessian is `XᵀX/n`.
const LOSS: Loss = Loss::HalfMean;

/// The quantities measured along p, with their names in figures.
pub const QUANTITIES: [(&str, &str); 8] = [
    ("excess", "Excess test error"),
    ("hessian_trace", "Trace of the Hessian"),
    ("largest_curvature", "Largest curvature (sharpness)"),
    ("smallest_curvature", "Smallest curvature that is not 0"),
    ("mean_log_curvature", "Mean log of the curvatures"),
    ("gradient_noise", "Gradient noise tr C at the fit"),
    ("relative_flatness", "‖β\u{302}‖² tr H"),
    ("normalised_sharpness", "2 √(tr H · ‖Xβ\u{302}‖²/n)"),
];

pub struct Study {
    /// `n`.
    pub samples: usize,
    /// `p`, ascending.
    pub features: Vec<usize>,
    pub noise: f64,
    pub repeats: usize,
    pub seed: u64,
    pub threads: Option<usize>,
}

/// Quartiles of each quantity at one `p`.
pub struct Place {
    pub p: usize,
    pub quartiles: Vec<[f64; 3]>,
}

/// Means over designs at one training time, in expectation over label noise.
pub struct Training {
    pub time: f64,
    pub excess: f64,
    pub train_mse: f64,
    pub gradient_noise: f64,
    pub fisher_trace: f64,
}

/// One fit at several scales of its two layers: scale, trace, largest eigenvalue.
pub struct Scales {
    pub p: usize,
    pub excess: f64,
    pub normalised: f64,
    pub points: Vec<[f64; 3]>,
}

/// The design with a clear second descent in time: 50 features of variance 1 with little signal, 50 of variance 10⁻³
/// with much.
pub const ROWS: usize = 150;
pub const GROUPS: [(usize, f64, f64); 2] = [(50, 1.0, 0.01), (50, 1e-3, 20.0)];

impl Study {
    pub fn check(&self) -> Result<(), Failure> {
        let most = 8 * self.samples;
        match self.features.iter().find(|p| **p == 0 || **p > most) {
            Some(p) => usage(format!("--sizes: {p} is no number of features from 1 to 8n = {most}")),
            None => Ok(()),
        }
    }

    /// Inputs and noisy targets of a repeat.
    fn table(&self, repeat: usize) -> (Array2<f64>, Array2<f64>) {
        let (n, d) = (self.samples, 8 * self.samples);
        let mut rng = stream(self.seed, 1, repeat);
        let inputs = Array2::from_shape_simple_fn((n, d), || rng.sample::<f64, _>(StandardNormal));
        let noise =
            Array2::from_shape_simple_fn((n, 1), || self.noise * rng.sample::<f64, _>(StandardNormal));
        let targets = inputs.dot(&self.teacher()) + noise;
        (inputs, targets)
    }

    fn teacher(&self) -> Array2<f64> {
        let d = 8 * self.samples;
        Array2::from_elem((d, 1), (d as f64).sqrt().recip())
    }

    /// The excess error of coefficients for the first inputs.
    fn excess(&self, beta: &Array2<f64>) -> f64 {
        let mut off = self.teacher();
        off.slice_mut(s![..beta.nrows(), ..]).scaled_add(-1.0, beta);
        off.iter().map(|e| e * e).sum()
    }

    /// All quantities of the minimum-norm fit on `p` features.
    fn at(&self, p: usize, repeat: usize) -> Result<[f64; QUANTITIES.len()], Error> {
        let (inputs, y) = self.table(repeat);
        let x = inputs.slice(s![.., ..p]).to_owned();
        let (svd, least) = (Svd::new(&x)?, MinNorm::default());
        let beta = svd.solve(&y, &least)?;
        let hessian = Curvature::hessian(&svd, LOSS)?;
        let noise = GradientNoise::on_path(&svd, &x, &y, &least, None)?;
        Ok([
            self.excess(&beta),
            hessian.trace(),
            hessian.largest(),
            hessian.smallest_nonzero().unwrap_or(0.0),
            hessian.log_pseudo_determinant() / hessian.rank().max(1) as f64,
            noise.trace(),
            hessian.relative(&beta)?[1],
            TwoLayer::new(&svd, &y, &beta, LOSS)?.normalised_sharpness(),
        ])
    }

    pub fn along_features(&self) -> Result<Vec<Place>, Error> {
        let axis = self.features.clone();
        let grid = Grid { axis, repeats: self.repeats, threads: self.threads, batch: 1 };
        let work = |at: &At| self.at(at.axis_value, at.repeat);
        let visited = with_progress("flatness", |observer| {
            grid.run(observer, |places| places.iter().map(work).collect())
        })?;
        let mut found: Vec<(usize, [f64; QUANTITIES.len()])> = Vec::new();
        for (at, result) in visited {
            found.extend(result.transpose()?.map(|values| (at.axis_value, values)));
        }
        let place = |&p: &usize| {
            let of = |index: usize| found.iter().filter(|at| at.0 == p).map(|at| at.1[index]).collect();
            Place { p, quartiles: (0..QUANTITIES.len()).map(|index| quartiles(of(index))).collect() }
        };
        Ok(self.features.iter().map(place).collect())
    }

    /// Along gradient flow from 0: closed forms at every time, for an eighth of the designs.
    pub fn training(&self) -> Result<Vec<Training>, Error> {
        let times: Vec<f64> = (0..=160).map(|i| 10_f64.powf(-2.0 + f64::from(i) / 20.0)).collect();
        let spread = |of: fn(&(usize, f64, f64)) -> f64| -> Array1<f64> {
            GROUPS.iter().flat_map(|group| vec![of(group); group.0]).collect()
        };
        let (variances, energies) = (spread(|group| group.1), spread(|group| group.2));
        let teacher = energies.mapv(f64::sqrt).insert_axis(ndarray::Axis(1));
        let population = Population::new(Covariance::diagonal(&variances)?, teacher.clone(), 1.0)?;
        let designs = (self.repeats / 8).max(1);
        let one = |repeat: usize| -> Result<Vec<[f64; 4]>, Error> {
            let mut rng = stream(self.seed, 2, repeat);
            let shape = (ROWS, variances.len());
            let x = Array2::from_shape_simple_fn(shape, || rng.sample::<f64, _>(StandardNormal));
            let svd = Svd::new(&(x * variances.mapv(f64::sqrt)))?;
            let given = population.given(&svd)?;
            let fisher = Curvature::fisher(&svd, 1.0)?.trace() / ROWS as f64;
            let at = |&time: &f64| {
                let flow = GradientFlow::new(time, LOSS)?;
                let noise = ExpectedGradientNoise::new(&svd, &flow, &teacher, None, 1.0)?;
                Ok([given.of(&flow)?.excess(), noise.train_mse, noise.trace, fisher])
            };
            times.iter().map(at).collect()
        };
        let found = (0..designs).map(one).collect::<Result<Vec<_>, Error>>()?;
        let at = |(index, &time): (usize, &f64)| {
            let mean = |of: usize| found.iter().map(|design| design[index][of]).sum::<f64>() / designs as f64;
            let [excess, train_mse, gradient_noise, fisher_trace] = [0, 1, 2, 3].map(mean);
            Training { time, excess, train_mse, gradient_noise, fisher_trace }
        };
        Ok(times.iter().enumerate().map(at).collect())
    }

    /// The fits to the first training set at p = n/2, n, 2n, as two-layer networks.
    pub fn scales(&self) -> Result<Vec<Scales>, Error> {
        let (inputs, y) = self.table(0);
        let fit = |p: usize| {
            let svd = Svd::new(&inputs.slice(s![.., ..p]))?;
            let beta = svd.solve(&y, &MinNorm::default())?;
            let network = TwoLayer::new(&svd, &y, &beta, LOSS)?;
            let at = |i: i32| {
                let scale = 10_f64.powf(f64::from(i) / 10.0);
                Ok([scale, network.trace(scale)?, network.largest_eigenvalue(scale)?])
            };
            let points = (-20..=20).map(at).collect::<Result<_, Error>>()?;
            Ok(Scales { p, excess: self.excess(&beta), normalised: network.normalised_sharpness(), points })
        };
        [self.samples / 2, self.samples, 2 * self.samples].into_iter().map(fit).collect()
    }
}

/// The quartiles, including the median, by linear interpolation.
fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_unstable_by(f64::total_cmp);
    [0.25, 0.5, 0.75].map(|share| {
        let Some(last) = values.len().checked_sub(1) else { return f64::NAN };
        let at = share * last as f64;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at least 0, and small
        let low = at as usize;
        let (a, b) = (values[low], values[(low + 1).min(last)]);
        a + (at - low as f64) * (b - a)
    })
}
