//! The cells of the study: one factorisation for all noise levels, errors on clean test labels, complexities.

use super::data::Source;
use crate::common::flags::{Failure, usage};
use crate::common::{none_failed, save_table};
use double_descent::Error;
use double_descent::complexity::{LinearModel, Search};
use double_descent::curve::{ArmLabel, Axis, Cell, Curve, Metric, Provenance};
use double_descent::dataset::Labelled;
use double_descent::features::{FeatureMap, RandomFourier};
use double_descent::filter::{MinNorm, SpectralFilter};
use double_descent::risk::error_rate;
use double_descent::rng::stream;
use double_descent::svd::Svd;
use double_descent::sweep::{Grid, Observer, add_cells};
use ndarray::{ArrayView2, Axis as Dimension, concatenate, s};
use rand::RngExt;
use std::path::Path;
use std::sync::Arc;

/// Test rows whose features are in memory at once.
const BLOCK: usize = 1000;

pub struct Study {
    pub source: Source,
    /// `n`.
    pub samples: usize,
    /// `p`, ascending.
    pub sizes: Vec<usize>,
    /// Shares of wrong labels.
    pub noise: Vec<f64>,
    pub test_rows: usize,
    pub repeats: usize,
    pub epsilon: f64,
    pub seed: u64,
    pub threads: Option<usize>,
}

/// A share, for people.
pub fn percent(share: f64) -> String {
    format!("{}\u{a0}%", (1000.0 * share).round() / 10.0)
}

impl Study {
    pub fn check(&self) -> Result<(), Failure> {
        if self.noise.is_empty() || self.noise.windows(2).any(|pair| pair[0] >= pair[1]) {
            return usage("--label-noise lists shares from 0 to 1 in ascending order");
        }
        if self.test_rows == 0 {
            return usage("--test-rows is 0: the test error needs at least one row");
        }
        if self.samples > self.source.train.len() {
            return usage("--samples asks for more rows than the training set has");
        }
        Ok(())
    }

    pub fn run(&self, observer: &dyn Observer) -> Result<Curve, Error> {
        let test = self.source.test.subset(self.test_rows.min(self.source.test.len()), self.seed)?;
        let (axis, repeats) = (vec![self.samples], self.repeats);
        let grid = Grid { axis, repeats, threads: self.threads, batch: 1 };
        let visited = grid.run(observer, |places| {
            places.iter().map(|place| self.repeat(place.repeat, &test)).collect::<Vec<_>>()
        })?;
        let mut curve = self.empty_curve(test.len());
        add_cells(&mut curve, visited, |place| (place.axis_value, 0));
        none_failed(&curve)?;
        Ok(curve)
    }

    /// What all draws of a repeat start from.
    fn repeat_seed(&self, repeat: usize) -> u64 {
        self.seed.wrapping_add(repeat as u64)
    }

    fn features(&self, repeat: usize) -> Result<RandomFourier, Error> {
        let largest = self.sizes.iter().copied().max().unwrap_or(1);
        let inputs = self.source.train.inputs()?.ncols();
        RandomFourier::gaussian(inputs, largest, self.source.gamma, stream(self.seed, 3, repeat).random())
    }

    /// One training set with every level of noise, at every p: the levels are further columns of targets.
    fn repeat(&self, repeat: usize, test: &Labelled) -> Result<Vec<Cell>, Error> {
        let seed = self.repeat_seed(repeat);
        let (n, classes) = (self.samples, self.source.train.classes());
        let train = self.source.train.subset(n, seed)?;
        let noisy = |&share: &f64| train.with_label_noise(share, seed)?.one_hot();
        let targets = self.noise.iter().map(noisy).collect::<Result<Vec<_>, Error>>()?;
        let views: Vec<ArrayView2<'_, f64>> = targets.iter().map(|y| y.view()).collect();
        let joined = concatenate(Dimension(1), &views)
            .map_err(|e| Error::Resource { reason: format!("targets of one shape: {e}") })?;
        let map = self.features(repeat)?;
        let largest = self.sizes.iter().copied().max().unwrap_or(1);
        let design = map.design(train.inputs()?, largest)?;

        let (mut cells, mut fits) = (Vec::new(), Vec::new());
        for &p in &self.sizes {
            let x = design.slice(s![.., ..p]);
            let svd = Svd::new(&x)?;
            let beta = svd.solve(&joined, &MinNorm::default())?;
            let errors = x.dot(&beta) - &joined;
            for arm in 0..self.noise.len() {
                let own = errors.slice(s![.., arm * classes..(arm + 1) * classes]);
                let train_mse = own.iter().map(|e| e * e).sum::<f64>() / own.len() as f64;
                cells.push(
                    Cell::new(repeat, n, p, arm).with(Metric::TrainMse, train_mse).with_rank(svd.rank()),
                );
            }
            fits.push(beta);
        }
        // The test rows in blocks, each with its features computed once.
        let clean = test.one_hot()?;
        let (mut squares, mut missed) = (vec![0.0; cells.len()], vec![0.0; cells.len()]);
        for from in (0..test.len()).step_by(BLOCK) {
            let to = test.len().min(from + BLOCK);
            let block = map.design(&test.inputs()?.slice(s![from..to, ..]), largest)?;
            for (place, beta) in fits.iter().enumerate() {
                let predictions = block.slice(s![.., ..beta.nrows()]).dot(beta);
                for arm in 0..self.noise.len() {
                    let own = predictions.slice(s![.., arm * classes..(arm + 1) * classes]);
                    let cell = place * self.noise.len() + arm;
                    let errors = &own - &clean.slice(s![from..to, ..]);
                    squares[cell] += errors.iter().map(|e| e * e).sum::<f64>();
                    missed[cell] += (to - from) as f64 * error_rate(&own, &test.labels()[from..to])?;
                }
            }
        }
        for ((cell, squares), missed) in cells.iter_mut().zip(squares).zip(missed) {
            cell.test_mse = Some(squares / clean.len() as f64);
            cell.test_error_rate = Some(missed / test.len() as f64);
        }
        Ok(cells)
    }

    /// For each level of noise the smallest p of the study whose effective complexity is n or more. `None` if no p
    /// has it.
    pub fn complexity(&self) -> Result<Vec<Option<usize>>, Error> {
        let pool = self.source.train.subset(self.source.train.len().min(4 * self.samples), self.seed)?;
        let map: Arc<dyn FeatureMap> = Arc::new(self.features(0)?);
        let of_level = |&share: &f64| {
            let targets = pool.with_label_noise(share, self.seed)?.one_hot()?;
            let largest = (2 * self.samples).min(pool.len());
            let search = Search {
                largest: Some(largest),
                threads: self.threads,
                ..Search::new(self.epsilon, 3, self.seed)
            };
            let reaches = |p: usize| -> Result<bool, Error> {
                let model = LinearModel::new(map.clone(), p, Arc::new(MinNorm::default()));
                Ok(search.run(&model, pool.inputs()?, &targets)?.value >= self.samples)
            };
            // More features fit more: the first p that reaches n, by bisection.
            let (mut low, mut high) = (0, self.sizes.iter().copied().max().unwrap_or(1));
            if !reaches(high)? {
                return Ok(None);
            }
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                if reaches(middle)? { high = middle } else { low = middle }
            }
            Ok(Some(high))
        };
        self.noise.iter().map(of_level).collect()
    }

    /// `noise,n,epsilon,smallest_p_of_complexity_n,rows_left`.
    pub fn save_complexity(&self, complexity: &[Option<usize>], path: &Path) -> Result<(), Error> {
        let row = |(noise, p): (&f64, &Option<usize>)| {
            let p = p.map_or(String::new(), |p| p.to_string());
            vec![noise.to_string(), self.samples.to_string(), self.epsilon.to_string(), p]
        };
        let header = ["noise", "n", "epsilon", "smallest_p_of_complexity_n"];
        save_table(path, &header, self.noise.iter().zip(complexity).map(row).collect())
    }

    fn empty_curve(&self, test_rows: usize) -> Curve {
        let label = |&noise: &f64| ArmLabel::new("label_noise", Some(noise));
        let describe = |map: RandomFourier| map.describe();
        let mut provenance = Provenance::new(self.source.describe.clone(), MinNorm::default().describe());
        provenance.rows = Some(self.source.train.len());
        provenance.preparation = self.features(0).map(describe).unwrap_or_default();
        provenance.sampling =
            format!("{} training sets of {} rows, {test_rows} test rows", self.repeats, self.samples);
        provenance.seed = Some(self.seed);
        Curve::new(Axis::Features, self.noise.iter().map(label).collect(), provenance)
    }
}
