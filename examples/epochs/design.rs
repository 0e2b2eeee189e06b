//! A design with two time scales, and the experiment on it.

use double_descent::Error;
use double_descent::filter::{GradientFlow, Loss, SpectralFilter, Spectrum};
use double_descent::risk::{Covariance, Population};
use double_descent::rng::stream;
use double_descent::svd::Svd;
use double_descent::sweep::{Draw, Parameter, Source, Splits, Sweep, TestOn};
use double_descent::theory::filtered::Flow;
use double_descent::theory::ridge;
use double_descent::theory::spectrum::PopulationSpectrum;
use ndarray::{Array1, Array2, s};
use rand::RngExt;
use rand_distr::StandardNormal;
use std::ops::Range;

/// The loss that gradient flow minimises.
pub const LOSS: Loss = Loss::HalfMean;

/// Independent normal features, in the order in which models include them: `(name, features per n, variance, squared
/// coefficient)`.
///
/// The first two groups are learned at once, the third a thousand times later. The signal of the first is strong, so
/// that small models only gain by training; that of the second is so weak that training past it costs more than it
/// brings; that of the third is worth waiting for. The last group has no signal: it takes wide models past p = n.
pub const GROUPS: [(&str, f64, f64, f64); 4] = [
    ("fast, strong", 1.0 / 15.0, 1.0, 0.2),
    ("fast, weak", 1.0 / 3.0, 1.0, 0.01),
    ("slow, strong", 1.0 / 3.0, 1e-3, 20.0),
    ("slowest, without signal", f64::INFINITY, 1e-4, 0.0),
];

#[derive(Clone)]
pub struct Design {
    pub n: usize,
    pub deviation: f64,
    pub seed: u64,
    pub variances: Array1<f64>,
    pub teacher: Array2<f64>,
    /// The end of each group.
    pub ends: Vec<usize>,
}

impl Design {
    pub fn new(n: usize, features: usize, deviation: f64, seed: u64) -> Self {
        let mut design = Self {
            n,
            deviation,
            seed,
            variances: Array1::zeros(features),
            teacher: Array2::zeros((features, 1)),
            ends: Vec::new(),
        };
        let mut first = 0;
        for (_, share, variance, square) in GROUPS {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            // rounded; infinity means all remaining features
            let last = first.max(((first as f64 + share * n as f64).round() as usize).min(features));
            design.variances.slice_mut(s![first..last]).fill(variance);
            design.teacher.slice_mut(s![first..last, ..]).fill(square.sqrt());
            design.ends.push(last);
            first = last;
        }
        design
    }

    /// A training set, with the whole population as the test set.
    fn draw(&self, repeat: usize) -> Draw {
        let mut rng = stream(self.seed, 0, repeat);
        let mut normal = |shape| Array2::from_shape_simple_fn(shape, || rng.sample::<f64, _>(StandardNormal));
        let inputs = normal((self.n, self.variances.len())) * &self.variances.mapv(f64::sqrt);
        let targets = inputs.dot(&self.teacher) + self.deviation * normal((self.n, 1));
        let (teacher, deviation) = (self.teacher.clone(), self.deviation);
        let test = TestOn::Population { covariance: Array2::from_diag(&self.variances), teacher, deviation };
        Draw { inputs, targets, test }
    }

    /// The sweep over p × t.
    pub fn sweep(
        &self,
        features: Vec<usize>,
        times: &[f64],
        repeats: usize,
        threads: Option<usize>,
    ) -> Sweep {
        let design = self.clone();
        let source = Source::drawn("two time scales", move |repeat| Ok(design.draw(repeat)));
        Sweep {
            samples: vec![self.n],
            features,
            parameter: Some(Parameter::time(LOSS, times.iter().copied())),
            threads,
            ..Sweep::of(source, Splits::Drawn { repeats, seed: self.seed })
        }
    }

    /// The limit, for many features and samples, of the expected test error of `p` features over time: a contour
    /// integral.
    pub fn limit(&self, p: usize, times: &[f64]) -> Result<Vec<f64>, Error> {
        let energy = &self.teacher.column(0).mapv(|b| b * b);
        let unseen: f64 = (&self.variances * energy).slice(s![p..]).sum();
        let noise = self.deviation * self.deviation + unseen;
        let spectrum = PopulationSpectrum::new(&self.variances.slice(s![..p]).to_vec())?;
        let population = ridge::SpectralPopulation::new(spectrum, &energy.slice(s![..p]).to_vec(), noise)?;
        let error = |&time: &f64| Ok(noise + population.filtered(self.n as f64, &Flow::new(time)?)?.total());
        times.iter().map(error).collect()
    }

    /// What a model of `p` features learns at which time, on the training set of the first repeat.
    pub fn timeline(&self, p: usize, times: &[f64]) -> Result<Timeline, Error> {
        let svd = Svd::new(&self.draw(0).inputs.slice(s![.., ..p]))?;
        let seen = s![..p];
        let unseen = (&self.variances * &self.teacher.column(0).mapv(|b| b * b)).slice(s![p..]).sum();
        // Features that the model does not see act as noise.
        let noise = self.deviation * self.deviation + unseen;
        let covariance = Covariance::diagonal(&self.variances.slice(seen))?;
        let population = Population::new(covariance, self.teacher.slice(s![..p, ..]).to_owned(), noise)?;
        let given = population.given(&svd)?;
        let fast = self.ends[1].min(p).min(svd.rank());
        let modes = svd.singular_values().len();
        let (mut bias, mut early, mut late, mut test) = (vec![], vec![], vec![], vec![]);
        for &time in times {
            let flow = GradientFlow::new(time, LOSS)?;
            let risk = given.of(&flow)?;
            bias.push(risk.bias_squared);
            test.push(risk.test_mse());
            early.push(given.of(&OnModes(flow, 0..fast))?.variance);
            late.push(given.of(&OnModes(flow, fast..modes))?.variance);
        }
        Ok(Timeline { p, bias, early, late, test, best: given.best_time(LOSS)?.value })
    }
}

/// Expected parts of the test error of one model over time, given its design.
pub struct Timeline {
    pub p: usize,
    /// Signal that has not been learned yet.
    pub bias: Vec<f64>,
    /// Noise memorised by the fast modes; below, by the other modes.
    pub early: Vec<f64>,
    pub late: Vec<f64>,
    pub test: Vec<f64>,
    /// The best time to stop.
    pub best: f64,
}

/// A filter restricted to some modes.
#[derive(Debug)]
struct OnModes(GradientFlow, Range<usize>);

impl SpectralFilter for OnModes {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        self.0.write_gains(spectrum, gains);
        gains[..self.1.start].fill(0.0);
        gains[self.1.end..].fill(0.0);
    }
}
