//! Label noise raises the error, past the peak as well as at it: min-norm classification on random Fourier features, with
//! 0, 10 and 20 % of the training labels wrong and clean labels to test on. The peak stands where the effective model
//! complexity equals the number of samples (Nakkiran et al., arXiv:1912.02292).
//!
//! Run: `cargo run --release --example label_noise -- --data FOLDER`, where FOLDER holds the four files of
//! Fashion-MNIST. Without it, and without `DOUBLE_DESCENT_DATA`, a synthetic teacher stands in.

#![allow(clippy::doc_markdown)] // doc comments are help texts

mod complexity;

use crate::common::closing;
use crate::common::figures::options;
use crate::common::flags::{Count, Failure, Program, Rule, flags, usage};
use crate::common::images::Images;
use crate::common::shards::{self, ShardArgs};
use crate::common::table::Item;
use crate::common::{RunArgs, Sizes, feature_sizes, none_failed, say};
use double_descent::Error;
use double_descent::curve::{Axis, Curve, Metric};
use double_descent::features::RandomFourier;
use double_descent::plot::{Figure, study};
use double_descent::rng::stream;
use double_descent::sweep::{Arm, Draw, Maps, Parameter, Source, Splits, Sweep, TestOn};
use rand::RngExt;
use std::path::PathBuf;
use std::sync::Arc;

flags! {
    /// Test error on clean labels over the number of random Fourier features p, for several levels of label noise, and
    /// the p at which the effective model complexity reaches n. Writes OUT/label_noise/cells.csv, summary.csv,
    /// complexity.csv and figures.
    pub struct Cli {
        /// Folder with the files of Fashion-MNIST, or with a folder fashion_mnist that holds them [default:
        /// $DOUBLE_DESCENT_DATA, else a synthetic teacher]
        data: Option<PathBuf> = None, "DIR";
        /// Training samples n
        samples: Count<4> = Count(300), "N";
        /// Numbers of features p, as in 10..100:10,200 [default: from n/20 to 8n, closer around n]
        sizes: Option<Sizes> = None, "SIZES";
        /// Shares of training labels that are wrong, ascending; also --noise, which is a deviation elsewhere
        label_noise: Vec<f64> = vec![0.0, 0.1, 0.2], "SHARES";
        /// Test rows, at most
        test_rows: usize = 2000, "N";
        /// Training sets, each with its own features and noise
        repeats: usize = 15, "N";
        /// Tolerance of the effective model complexity: the largest mean squared training error that counts as a fit
        epsilon: f64 = 1e-3, "ERROR";
        ..shards: ShardArgs = ShardArgs::default();
        ..run: RunArgs = RunArgs::over_axis();
    }
}

impl Program for Cli {
    const NAME: &'static str = "label_noise";
    const RULES: &'static [Rule] = &[Rule::Alias("noise", "label-noise")];

    fn run(&self) -> Result<(), Failure> {
        let n = usize::from(self.samples);
        let sizes = feature_sizes(self.sizes.as_ref(), n)?;
        let images = Arc::new(Images::load(self.data.clone(), self.run.seed)?);
        self.check(n, &images)?;
        let folder = self.run.make_folder("label_noise")?;
        if self.shards.has_results() {
            crate::common::inputs::claim(&folder, images.train.name())?;
            say!("data: {}", images.describe);
        }
        let sweep = self.sweep(n, sizes, &images)?;
        let place = shards::Place { out: &self.run.out, folder: &folder, name: None };
        let Some(curve) = shards::curve(&self.shards, place, "label noise", &sweep)? else { return Ok(()) };
        none_failed(&curve)?;
        let metrics = [Metric::TestMse, Metric::TestErrorRate, Metric::TrainMse];
        self.run.save_tables(&curve, &folder, "", &metrics)?;
        let reached = complexity::reached(self, &sweep, &images)?;
        complexity::save(self, &reached, &folder.join("complexity.csv"))?;
        closing_table(self, &curve, &reached)?;
        say!("written: {}: cells.csv, summary.csv, complexity.csv", folder.display());
        if !self.run.no_figures {
            crate::common::figures::save(
                &self.run.print,
                &folder,
                [("errors", errors(self, &curve, &reached)?)],
            )?;
        }
        Ok(())
    }
}

impl Cli {
    fn check(&self, n: usize, images: &Images) -> Result<(), Failure> {
        let noise = &self.label_noise;
        if noise.is_empty() || noise.windows(2).any(|pair| pair[0] >= pair[1]) {
            return usage(format!("--label-noise: {noise:?} are no shares from 0 to 1 in ascending order"));
        }
        if self.test_rows == 0 {
            return usage("--test-rows: `0` is too few; the test error needs at least one row");
        }
        if n > images.train.len() {
            return usage(format!("--samples: `{n}` are more than the {} training rows", images.train.len()));
        }
        Ok(())
    }

    /// One factorisation a repeat for all levels of noise, which are further columns of targets.
    fn sweep(&self, n: usize, features: Vec<usize>, images: &Arc<Images>) -> Result<Sweep, Error> {
        let (seed, gamma, inputs) = (self.run.seed, images.gamma, images.train.inputs()?.ncols());
        let most = features.iter().copied().max().unwrap_or(1);
        let test = images.test.subset(self.test_rows.min(images.test.len()), seed)?.dataset()?;
        let (rows, labels) = (Arc::clone(images), Arc::clone(images));
        let training =
            move |images: &Images, repeat: usize| images.train.subset(n, seed.wrapping_add(repeat as u64));
        let source = Source::drawn(&*images.describe, move |repeat| {
            let train = training(&rows, repeat)?.dataset()?;
            let test = TestOn::Rows { inputs: test.features().clone(), targets: test.targets().clone() };
            Ok(Draw { inputs: train.features().clone(), targets: train.targets().clone(), test })
        });
        let wrong = Parameter::targets(Axis::LabelNoise, self.label_noise.clone(), move |repeat, share| {
            let seed = seed.wrapping_add(repeat as u64);
            training(&labels, repeat)?.with_label_noise(share, seed)?.one_hot()
        });
        let maps = Maps::drawn(move |repeat| {
            RandomFourier::gaussian(inputs, most, gamma, stream(seed, 3, repeat).random())
        });
        Ok(Sweep {
            maps,
            samples: vec![n],
            features,
            parameter: Some(wrong),
            arms: vec![Arm { name: "label_noise".into(), ..Arm::min_norm() }],
            metrics: vec![Metric::TrainMse, Metric::TestMse, Metric::TestErrorRate],
            threads: self.run.threads,
            ..Sweep::of(source, Splits::Drawn { repeats: self.repeats, seed })
        })
    }
}

fn errors(cli: &Cli, curve: &Curve, reached: &[Option<usize>]) -> Result<Figure, Error> {
    let (error, rate) = ([Metric::TestMse], [Metric::TestErrorRate]);
    let mut figure = study::panels(curve, &[&error, &rate], &options(&cli.run)).drawn()?;
    let n = usize::from(cli.samples);
    let noisiest = 100.0 * cli.label_noise.last().copied().unwrap_or(0.0);
    let words = match reached.last().copied().flatten() {
        Some(p) => format!("from p\u{a0}=\u{a0}{p} on, at {noisiest}\u{a0}% wrong labels"),
        None => "at none of these p".into(),
    };
    for panel in &mut figure.panels {
        panel.groups[0].heading = "Share of wrong training labels".into();
    }
    figure.caption.extend([format!(
        " One-hot labels, some of them wrong in training; test labels are clean. The effective model complexity, the \
         largest number of samples with a mean squared training error up to ε\u{a0}=\u{a0}{:e}, reaches \
         n\u{a0}=\u{a0}{n} {words}.",
        cli.epsilon
    )]);
    let title = "Wrong labels raise the error, and the peak stands where interpolation begins";
    Ok(figure.with_columns(2).with_width(1000.0).with_title(title))
}

fn closing_table(cli: &Cli, curve: &Curve, reached: &[Option<usize>]) -> Result<(), Error> {
    let rates = curve.summaries(Metric::TestErrorRate, None)?;
    let rate = |arm| rates.iter().rfind(|s| s.arm == arm).map(|s| cli.run.middle(s)).into();
    let more: [(&str, &dyn Fn(usize) -> Item); 3] = [
        ("error rate", &rate),
        ("EMC ≥ n from p", &|arm| reached[arm].into()),
        ("shape, critical interval", &|arm| closing::shape(&cli.run, curve, arm).into()),
    ];
    closing::model_wise(&cli.run, curve, "test error on clean labels", &more)?.print();
    Ok(())
}
