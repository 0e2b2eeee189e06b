//! Averaging removes the peak, warm starts keep it: ensembles of K min-norm fits on independent random Fourier
//! features of the same training set, over the number of features p; and interpolants other than the one of minimum
//! norm: from a random start, and from the solution on fewer features.
//!
//! Run: `cargo run --release --example ensembling`

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
#![allow(clippy::doc_markdown)] // doc comments are help texts

use crate::common::closing;
use crate::common::figures::options;
use crate::common::flags::{Count, Failure, Program, flags, usage};
use crate::common::shards::{self, ShardArgs};
use crate::common::{RunArgs, Sizes, check_noise, feature_sizes, none_failed, say, short};
use double_descent::Error;
use double_descent::curve::{Curve, Metric};
use double_descent::features::{Activation, FeatureMap, RandomFourier, RandomNetwork, StationaryKernel};
use double_descent::nested::Engine;
use double_descent::plot::{Figure, Overlay, study};
use double_descent::rng::stream;
use double_descent::sweep::{Arm, Draw, Maps, Parameter, Source, Splits, Sweep, TestOn};
use double_descent::theory::drawn_features::DrawnFeatures;
use ndarray::Array2;
use rand::RngExt;
use rand_distr::StandardNormal;

flags! {
    /// Excess test error over the number of random Fourier features p: ensembles of K = 1, 2, 5, … fits, their limit for
    /// infinitely many, random interpolants, warm starts. Writes OUT/ensembling/cells.csv, summary.csv and figures.
    pub struct Cli {
        /// Training samples n
        samples: Count<4> = Count(100), "N";
        /// Numbers of features p, as in 10..100:10,200 [default: from n/20 to 8n, closer around n]
        sizes: Option<Sizes> = None, "SIZES";
        /// Sizes K of the ensembles; as many members as the largest are fitted, at least 3
        members: Vec<usize> = vec![1, 2, 5, 20], "SIZES";
        /// Standard deviations s of random starts, for N(0, s²/p) in each coefficient
        starts: Vec<f64> = vec![1.0, 3.0], "DEVIATIONS";
        /// Standard deviation of the label noise; the noise-free targets have 1
        noise: f64 = 0.3, "DEVIATION";
        /// Training sets, each with its own members
        repeats: usize = 20, "N";
        ..shards: ShardArgs = ShardArgs::default();
        ..run: RunArgs = RunArgs::over_axis();
    }
}

/// Dimension of the inputs, test rows without noise, and γ of the kernel exp(−γ ‖x − x'‖²) that the features approach:
/// 0.4 at the typical squared distance, 20.
const INPUTS: usize = 10;
const TEST_ROWS: usize = 1000;
const GAMMA: f64 = 0.045;

impl Program for Cli {
    const NAME: &'static str = "ensembling";

    fn run(&self) -> Result<(), Failure> {
        let n = usize::from(self.samples);
        let sizes = feature_sizes(self.sizes.as_ref(), n)?;
        if self.members.is_empty() || self.members.contains(&0) {
            return usage("--members: `0` is no size of an ensemble; each is at least 1");
        }
        check_noise(self.noise)?;
        let (single, ensembles) = self.sweeps(n, sizes)?;
        let folder = self.run.make_folder("ensembling")?;
        let curve = |name, label, sweep| {
            let place = shards::Place { out: &self.run.out, folder: &folder, name: Some(name) };
            shards::curve(&self.shards, place, label, sweep)
        };
        let several = curve("ensembles", "ensembles", &ensembles)?;
        let alone = curve("single", "single fits", &single)?;
        let (Some(several), Some(alone)) = (several, alone) else { return Ok(()) };
        let curve = several.beside(alone)?;
        none_failed(&curve)?;
        self.run.save_tables(&curve, &folder, "", &[Metric::TestMse])?;
        self.closing_table(n, &curve)?;
        say!("written: {}: cells.csv, summary.csv", folder.display());
        if !self.run.no_figures {
            let kernel = StationaryKernel::Gaussian { gamma: GAMMA };
            let limit = single.infinite_width(kernel, &())?;
            let figure = self.errors(&curve.beside(limit)?, &single.drawn_features(&kernel, n, &())?)?;
            crate::common::figures::save(&self.run.print, &folder, [("errors", figure)])?;
        }
        Ok(())
    }
}

impl Cli {
    /// How many members are fitted.
    fn fitted(&self) -> usize {
        self.members.iter().copied().max().unwrap_or(1).max(3)
    }

    /// The first member and other interpolants on its features; ensembles.
    fn sweeps(&self, n: usize, features: Vec<usize>) -> Result<(Sweep, Sweep), Error> {
        let (seed, noise) = (self.run.seed, self.noise);
        let most = features.iter().copied().max().unwrap_or(1);
        let name = format!(
            "a random tanh network of {INPUTS} standard normal inputs, label noise of deviation {noise}"
        );
        let source = Source::drawn(name, move |repeat| draw(seed, repeat, n, noise));
        let maps = Maps::members(move |repeat, member| {
            RandomFourier::gaussian(INPUTS, most, GAMMA, stream(seed, 1 + member, repeat).random())
        });
        let starts =
            self.starts.iter().map(|&start| Arm::random_start(start)).collect::<Result<Vec<_>, Error>>()?;
        let single = Sweep {
            maps,
            samples: vec![n],
            features,
            arms: [Arm::min_norm(), Arm::warm_start()].into_iter().chain(starts).collect(),
            metrics: vec![Metric::TestMse],
            engine: Some(Engine::Svd),
            threads: self.run.threads,
            ..Sweep::of(source, Splits::Drawn { repeats: self.repeats, seed })
        };
        let sizes = self.members.iter().map(|&size| size as f64).chain([f64::INFINITY]);
        let ensembles = Sweep {
            parameter: Some(Parameter::members(sizes, self.fitted())),
            arms: vec![Arm { name: "ensemble".into(), ..Arm::min_norm() }],
            ..single.clone()
        };
        Ok((single, ensembles))
    }

    fn errors(&self, curve: &Curve, draws: &[DrawnFeatures]) -> Result<Figure, Error> {
        let metrics: [&[Metric]; 1] = [&[Metric::TestMse]];
        let mut options = options(&self.run);
        options.theories.extend([Some(1), None].map(|members| {
            let line = DrawnFeatures::line(draws.to_vec(), members, 0.0, 0.0);
            Overlay::new(line).of_arm("ensemble", Some(self.members[0] as f64))
        }));
        let panel = |families: &[&str]| study::panels(&curve.only(families), &metrics, &options).drawn();
        let mut figure = panel(&["ensemble", "ensemble_limit", "infinite_width"])?;
        let others = panel(&["min_norm", "warm_start", "random_start", "infinite_width"])?;
        figure.panels.extend(others.panels);
        let shown = curve.summaries(Metric::TestMse, None)?;
        let shown = shown.iter().map(|s| s.median).filter(|y| *y > 0.0);
        let (low, high) =
            shown.fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), y| (low.min(y), high.max(y)));
        figure.panels[0].groups[0].heading = "Ensembles of K".into();
        // The error of a warm start is that of the threshold, and its band would be a rectangle.
        let warm = figure.panels[1].groups.iter_mut().filter(|group| group.heading == "Warm start");
        warm.flat_map(|group| &mut group.series).for_each(|series| series.band = None);
        for (panel, title) in figure.panels.iter_mut().zip(["Ensembles of K fits", "Other interpolants"]) {
            panel.title = title.into();
            panel.y.label = "Excess test error".into();
            panel.y.range = Some((0.8 * low, 1.5 * high));
        }
        figure.caption.extend([format!(
            " Excess error on {TEST_ROWS} noise-free test rows; the noise-free targets have deviation 1. (a) Means of the \
             predictions of K fits on features of their own, read off the pairs of {} members: K\u{a0}=\u{a0}1 is the mean \
             error of all members, near the threshold that of the worst of them. The limit K\u{a0}=\u{a0}∞ is an estimate \
             without bias, and its line breaks where it is negative. (b) The first member and other interpolants on its \
             features: from the solution on the next smaller p, and from a random start N(0,\u{a0}s²/p) (expected error, \
             closed form). Infinite width, p\u{a0}→\u{a0}∞ for any K: regression with the features' kernel. Theory: means \
             over draws of features that count as Gaussian variables of that kernel's covariance, in closed form from the \
             kernel matrix of each training set; those of {INPUTS} inputs are not Gaussian, and spread more near the threshold.",
            self.fitted()
        )]);
        Ok(figure
            .with_columns(2)
            .with_width(1000.0)
            .with_title("Averaging removes the peak; a warm start never leaves it"))
    }

    fn closing_table(&self, n: usize, curve: &Curve) -> Result<(), Error> {
        let mut table = closing::model_wise(&self.run, curve, "excess test error", &[])?;
        table.note(format!(
            "ensemble 1 is the mean error of {} members, min_norm the error of the first of them",
            self.fitted()
        ));
        let limits = curve.only(&["ensemble_limit"]).summaries(Metric::TestMse, None)?;
        let at = limits.iter().find(|s| s.p == n).map(|s| self.run.middle(s));
        if let Some(limit) = at.filter(|limit| *limit < 0.0).map(short) {
            table.note(format!(
                "ensemble_limit is an estimate without bias; {limit} says that it is too noisy at p = n"
            ));
        }
        table.print();
        Ok(())
    }
}

/// Standard normal inputs; the target is the output of a random network, scaled to mean square 1 on the test rows.
fn draw(seed: u64, repeat: usize, n: usize, noise: f64) -> Result<Draw, Error> {
    let mut rng = stream(seed, 0, repeat);
    let network = RandomNetwork::new(Activation::Tanh, &[INPUTS, 30, 1], &mut rng)?;
    let mut normal = |rows, columns| {
        Array2::from_shape_simple_fn((rows, columns), || rng.sample::<f64, _>(StandardNormal))
    };
    let (inputs, test) = (normal(n, INPUTS), normal(TEST_ROWS, INPUTS));
    let noise = normal(n, 1) * noise;
    let truth = network.design(&test, 1)?;
    let scale = (truth.iter().map(|y| y * y).sum::<f64>() / TEST_ROWS as f64).sqrt().recip();
    let targets = network.design(&inputs, 1)? * scale + noise;
    Ok(Draw { inputs, targets, test: TestOn::Rows { inputs: test, targets: truth * scale } })
}
