//! Averaging lowers the peak, warm starts keep it: ensembles of K min-norm fits on independent random Fourier
//! features of the same training set, over the number of features p; and interpolants other than the minimum-norm
//! one: from a random start, and from the solution on fewer features.
//!
//! Run: `cargo run --release --example ensembling`

mod figures;

use crate::common::closing;
use crate::common::figures::one as one_figure;
use crate::common::flags::{Count, Failure, Program, flags};
use crate::common::shards::{self, ShardArgs};
use crate::common::{RunArgs, Sizes, check_noise, check_not_negative, feature_sizes, none_failed, say};
use double_descent::Error;
use double_descent::curve::Metric;
use double_descent::features::RandomFourier;
use double_descent::nested::Engine;
use double_descent::rng::stream;
use double_descent::sweep::{Arm, Maps, Parameter, Splits, Sweep};
use rand::RngExt;

flags! {
    /// Excess test error over the number of random Fourier features p: ensembles of K = 1, 2, 5, … fits, their limit
    /// for infinitely many fits, random interpolants and warm starts. Writes OUT/ensembling/cells.csv, summary.csv and
    /// figures.
    pub struct Cli {
        /// Number of training samples n
        samples: Count<4> = Count(100), "N";
        /// Numbers of features p, as in 10..100:10,200 [default: n/20 to 8n, denser around n]
        sizes: Option<Sizes> = None, "SIZES";
        /// Ensemble sizes K; as many members as the largest K are fitted, at least 3
        members: Vec<Count<1>> = [1, 2, 5, 20].map(Count).to_vec(), "SIZES";
        /// Standard deviations s of random starts, which draw each coefficient from N(0, s²/p)
        starts: Vec<f64> = vec![1.0, 3.0], "DEVIATIONS";
        /// Standard deviation of the label noise; noise-free targets have standard deviation 1
        noise: f64 = 0.3, "DEVIATION";
        /// Number of training sets, each with its own members
        repeats: usize = 20, "N";
        ..shards: ShardArgs = ShardArgs::default();
        ..run: RunArgs = RunArgs::over_axis();
    }
}

/// Dimension of the inputs. Below: noiseless test rows, and γ of the kernel exp(−γ ‖x − x'‖²) that the features
/// approach,
/// 0.4 at the typical squared distance, 20.
const INPUTS: usize = 10;
const TEST_ROWS: usize = 1000;
const GAMMA: f64 = 0.045;

impl Program for Cli {
    const NAME: &'static str = "ensembling";

    fn run(&self) -> Result<(), Failure> {
        let n = usize::from(self.samples);
        let sizes = feature_sizes("sizes", self.sizes.as_ref(), n)?;
        check_noise(self.noise)?;
        check_not_negative("starts", &self.starts)?;
        let (single, ensembles) = self.sweeps(n, sizes)?;
        let folder = self.run.make_folder("ensembling", &self.shards)?;
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
        let mut table = closing::model_wise(&self.run, &curve, "excess test error", &[])?;
        table.note(figures::note_of_one(self.fitted()));
        closing::note_negative(&self.run, &curve, "ensemble_limit", n, &mut table)?;
        table.print();
        say!("written: {}: cells.csv, summary.csv", folder.display());
        Ok(one_figure(&self.run, &folder, "errors", || figures::errors(self, n, &single, &curve))?)
    }
}

impl Cli {
    /// The number of members fitted.
    fn fitted(&self) -> usize {
        self.members.iter().map(|&size| usize::from(size)).max().unwrap_or(1).max(3)
    }

    /// The sweeps for the first member with other interpolants on its features, and for ensembles.
    fn sweeps(&self, n: usize, features: Vec<usize>) -> Result<(Sweep, Sweep), Error> {
        let (seed, most) = (self.run.seed, features.iter().copied().max().unwrap_or(1));
        let source = crate::common::teachers::network(INPUTS, (n, TEST_ROWS), self.noise, seed);
        let maps = Maps::members(move |repeat, member| {
            RandomFourier::gaussian(INPUTS, most, GAMMA, stream(seed, 1 + member, repeat).random())
        });
        let starts = self.starts.iter().map(|&s| Arm::random_start(s)).collect::<Result<Vec<_>, Error>>()?;
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
        let sizes = self.members.iter().map(|size| f64::from(size.0)).chain([f64::INFINITY]);
        let ensembles = Sweep {
            parameter: Some(Parameter::members(sizes, self.fitted())),
            arms: vec![Arm { name: "ensemble".into(), ..Arm::min_norm() }],
            ..single.clone()
        };
        Ok((single, ensembles))
    }
}
