//! Label noise raises the error, both at the peak and past it: min-norm classification on random Fourier features, with
//! 0, 10 and 20 % of the training labels wrong and clean test labels. The peak is where the effective model
//! complexity equals the number of samples (Nakkiran et al., arXiv:1912.02292).
//!
//! Run: `cargo run --release --example label_noise -- --data-dir FOLDER`, where FOLDER holds the four files of
//! Fashion-MNIST. Without it and without `DOUBLE_DESCENT_DATA`, a synthetic teacher is used instead.

mod figures;

use crate::common::closing;
use crate::common::figures::one as one_figure;
use crate::common::flags::{Count, Failure, Program, Rule, flags, usage};
use crate::common::images::Images;
use crate::common::shards::{self, ShardArgs};
use crate::common::table::Item;
use crate::common::{
    RunArgs, Sizes, check_ascending, check_not_negative, check_shares, counted, feature_sizes, none_failed,
    save_table, say, trimmed,
};
use double_descent::Error;
use double_descent::curve::{Curve, Metric};
use double_descent::sweep::{Arm, Parameter, Source, Splits, Sweep};
use std::path::PathBuf;

flags! {
    /// Test error on clean labels over the number of random Fourier features p, for several levels of label noise, and
    /// the p at which the effective model complexity reaches n. Writes OUT/label_noise/cells.csv, summary.csv,
    /// complexity.csv and figures.
    pub struct Cli {
        /// Folder that contains the files of Fashion-MNIST, directly or in a subfolder fashion_mnist; without it, a
        /// synthetic teacher [default: $DOUBLE_DESCENT_DATA]
        data_dir: Option<PathBuf> = None, "DIR";
        /// Number of training samples n
        samples: Count<4> = Count(300), "N";
        /// Numbers of features p, as in 10..100:10,200 [default: n/20 to 8n, denser around n]
        sizes: Option<Sizes> = None, "SIZES";
        /// Shares of wrong training labels, ascending (--noise is accepted too; in other studies it is a standard
        /// deviation)
        label_noise: Vec<f64> = vec![0.0, 0.1, 0.2], "SHARES";
        /// Maximum number of test rows
        test_rows: Count<1> = Count(2000), "N";
        /// Number of training sets, each with its own features and noise
        repeats: usize = 15, "N";
        /// Tolerance of the effective model complexity: the largest mean squared training error that counts as a fit
        epsilon: f64 = 1e-3, "ERROR";
        ..shards: ShardArgs = ShardArgs::default();
        ..run: RunArgs = RunArgs::over_axis();
    }
}

impl Program for Cli {
    const NAME: &'static str = "label_noise";
    const RULES: &'static [Rule] = &[Rule::Alias("noise", "label-noise"), Rule::Alias("data", "data-dir")];

    fn run(&self) -> Result<(), Failure> {
        let n = usize::from(self.samples);
        let sizes = feature_sizes("sizes", self.sizes.as_ref(), n)?;
        check_shares("label-noise", &self.label_noise)?;
        check_ascending("label-noise", &self.label_noise)?;
        check_not_negative("epsilon", &[self.epsilon])?;
        let images = Images::load(self.data_dir.as_ref(), self.run.seed)?;
        if n > images.train.len() {
            return usage(format!("--samples: `{n}` is more than the {} training rows", images.train.len()));
        }
        let folder = self.run.make_folder("label_noise", &self.shards)?;
        images.announce(&folder, self.shards.has_results())?;
        let sweep = self.sweep(n, sizes, &images)?;
        let place = shards::Place { out: &self.run.out, folder: &folder, name: None };
        let Some(curve) = shards::curve(&self.shards, place, "label noise", &sweep)? else { return Ok(()) };
        none_failed(&curve)?;
        self.run.save_tables(
            &curve,
            &folder,
            "",
            &[Metric::TestMse, Metric::TestErrorRate, Metric::TrainMse],
        )?;
        let reached = self.first_to_fit(&curve)?;
        let of_level = |(noise, p): (&f64, &Option<usize>)| {
            let p = p.map_or(String::new(), |p| p.to_string());
            vec![noise.to_string(), n.to_string(), self.epsilon.to_string(), p]
        };
        let header = ["noise", "n", "epsilon", "smallest_p_of_complexity_n"];
        let rows = self.label_noise.iter().zip(&reached).map(of_level).collect();
        save_table(&folder.join("complexity.csv"), &header, rows)?;
        let rates = curve.summaries(Metric::TestErrorRate, None)?;
        let rate = |arm| rates.iter().rfind(|s| s.arm == arm).map(|s| self.run.middle(s)).into();
        let more: [(&str, &dyn Fn(usize) -> Item); 3] = [
            ("error rate", &rate),
            ("EMC ≥ n from p", &|arm| reached[arm].into()),
            ("shape, critical interval", &|arm| closing::shape(&self.run, &curve, arm).into()),
        ];
        let mut table = closing::model_wise(&self.run, &curve, "test error on clean labels", &more)?;
        table.note(format!(
            "EMC ≥ n from p: the first p of this curve with a training error of at most ε = {}, in the mean over {}",
            trimmed(self.epsilon),
            counted(curve.repeats(), "training set")
        ));
        table.print();
        say!("written: {}: cells.csv, summary.csv, complexity.csv", folder.display());
        let figure = || figures::errors(self, (&images, &sweep), &curve, &reached);
        Ok(one_figure(&self.run, &folder, "errors", figure)?)
    }
}

impl Cli {
    /// The curve's first p, for each level of noise, whose effective model complexity is at least n: a mean training
    /// error over the training sets of at most ε (Nakkiran et al. 2019, definition 1).
    fn first_to_fit(&self, curve: &Curve) -> Result<Vec<Option<usize>>, Error> {
        let errors = curve.summaries(Metric::TrainMse, None)?;
        let first = |arm| errors.iter().find(|s| s.arm == arm && s.mean <= self.epsilon).map(|s| s.p);
        Ok((0..self.label_noise.len()).map(first).collect())
    }

    /// Training targets with these shares of wrong labels.
    fn wrong(&self, images: &Images, shares: Vec<f64>) -> Parameter {
        Parameter::wrong_labels(shares, images.train.clone(), usize::from(self.samples), self.run.seed)
    }

    /// One factorisation per repeat serves all levels of noise, which are additional target columns.
    fn sweep(&self, n: usize, features: Vec<usize>, images: &Images) -> Result<Sweep, Error> {
        let (seed, most) = (self.run.seed, features.iter().copied().max().unwrap_or(1));
        let test = images.test.subset(usize::from(self.test_rows).min(images.test.len()), seed)?.dataset()?;
        let source = Source::subsets(&*images.describe, images.train.clone(), test, n, seed);
        Ok(Sweep {
            maps: images.fourier(most, seed)?,
            samples: vec![n],
            features,
            parameter: Some(self.wrong(images, self.label_noise.clone())),
            arms: vec![Arm { name: "label_noise".into(), ..Arm::min_norm() }],
            metrics: vec![Metric::TrainMse, Metric::TestMse, Metric::TestErrorRate],
            threads: self.run.threads,
            ..Sweep::of(source, Splits::Drawn { repeats: self.repeats, seed })
        })
    }
}
