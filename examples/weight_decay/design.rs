//! Isotropic features, of which a model sees the first p, and ridge regression on them.

use double_descent::curve::{Axis, Metric};
use double_descent::filter::Ridge;
use double_descent::rng::stream;
use double_descent::sweep::{Draw, Parameter, Source, Splits, Sweep, TestOn};
use double_descent::theory::ridge;
use ndarray::Array2;
use rand::RngExt;
use rand_distr::StandardNormal;
use std::sync::Arc;

/// Independent normal features of variance 1/P, so that the mean squared length of a row is 1; all coefficients are 1.
#[derive(Clone, Copy)]
pub struct Design {
    pub n: usize,
    /// `P`.
    pub features: usize,
    pub deviation: f64,
    pub seed: u64,
}

impl Design {
    fn draw(self, repeat: usize) -> Draw {
        let Self { n, features, deviation, seed } = self;
        let mut rng = stream(seed, 0, repeat);
        let mut normal = |shape| Array2::from_shape_simple_fn(shape, || rng.sample::<f64, _>(StandardNormal));
        let variance = (features as f64).recip();
        let inputs = normal((n, features)) * variance.sqrt();
        let teacher = Array2::ones((features, 1));
        let targets = inputs.dot(&teacher) + deviation * normal((n, 1));
        let test = TestOn::Population { covariance: Array2::eye(features) * variance, teacher, deviation };
        Draw { inputs, targets, test }
    }

    /// The sweep over p × λ.
    pub fn sweep(
        self,
        sizes: Vec<usize>,
        penalties: &[f64],
        repeats: usize,
        threads: Option<usize>,
    ) -> Sweep {
        let source = Source::drawn("isotropic features", move |repeat| Ok(self.draw(repeat)));
        // The crate's λ applies to the sum over rows, not to the mean.
        let rows = self.n as f64;
        let ridge = move |penalty: f64| Ok(Arc::new(Ridge::new(rows * penalty)?) as _);
        Sweep {
            samples: vec![self.n],
            features: sizes,
            parameter: Some(Parameter::estimators(Axis::Penalty, penalties.iter().copied(), ridge)),
            metrics: vec![Metric::TrainMse, Metric::TestMse],
            threads,
            ..Sweep::of(source, Splits::Drawn { repeats, seed: self.seed })
        }
    }

    /// The limit, for many features and samples, of the expected test error at p features and a penalty. Features that
    /// a model does not see act as noise (Hastie, Montanari, Rosset and Tibshirani 2022).
    pub fn limit(self, p: f64, penalty: f64) -> f64 {
        let (seen, rows) = (p / self.features as f64, self.n as f64);
        let noise = self.deviation * self.deviation + (1.0 - seen);
        // In units in which features have variance 1.
        let risk = ridge::isotropic(p / rows, penalty * self.features as f64, seen, noise);
        risk.map_or(f64::NAN, |risk| noise + risk.excess)
    }

    /// The penalty with the least expected error at p features, on average over all directions of the teacher. Features
    /// that a model does not see act as noise (Nakkiran et al. 2021, lemma 2).
    pub fn best_penalty(self, p: f64) -> f64 {
        let unseen = 1.0 - p / self.features as f64;
        (self.deviation * self.deviation + unseen) / self.n as f64
    }
}
