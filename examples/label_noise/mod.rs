//! Label noise raises the error, most about the peak: min-norm classification on random Fourier features, over the
//! number of features, with 0, 10 and 20 % of the training labels wrong and clean labels to test on. The peak stands
//! where the effective model complexity equals the number of samples (Nakkiran et al., arXiv:1912.02292).
//!
//! Run: `cargo run --release --example label_noise -- --data FOLDER`, where FOLDER holds the four files of
//! Fashion-MNIST. Without it, and without `DOUBLE_DESCENT_DATA`, a synthetic teacher stands in.

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
#![allow(clippy::doc_markdown)] // doc comments are help texts

mod data;
mod figures;
mod study;

use crate::common::flags::{Count, Failure, Program, Rule, Value, flags, usage};
use crate::common::table::{Table, row};
use crate::common::{RunArgs, Sizes, around_threshold, say, short, with_progress};
use double_descent::Error;
use double_descent::curve::{Bootstrap, Curve, Metric, ShapeTest};
use std::path::PathBuf;
use study::Study;

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
        ..run: RunArgs = RunArgs::over_axis();
    }
}

impl Program for Cli {
    const NAME: &'static str = "label_noise";
    const RULES: &'static [Rule] = &[Rule::Alias("noise", "label-noise")];

    fn run(&self) -> Result<(), Failure> {
        run(self)
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    let samples = usize::from(cli.samples);
    let sizes = match &cli.sizes {
        Some(sizes) => sizes.list.clone(),
        None => around_threshold(samples),
    };
    if sizes.contains(&0) {
        return usage("--sizes counts features: each is at least 1");
    }
    let study = Study {
        source: data::Source::load(cli.data.clone(), cli.run.seed)?,
        samples,
        sizes,
        noise: cli.label_noise.clone(),
        test_rows: cli.test_rows,
        repeats: cli.repeats,
        epsilon: cli.epsilon,
        seed: cli.run.seed,
        threads: cli.run.threads,
    };
    study.check()?;
    let folder = cli.run.make_folder("label_noise")?;
    crate::common::inputs::claim(&folder, study.source.train.name())?;
    say!("data: {}", study.source.describe);
    let curve = with_progress("label noise", |observer| study.run(observer))?;
    let metrics = [Metric::TestMse, Metric::TestErrorRate, Metric::TrainMse];
    cli.run.save_tables(&curve, &folder, "", &metrics)?;
    let complexity = study.complexity()?;
    study.save_complexity(&complexity, &folder.join("complexity.csv"))?;
    closing_table(cli, &study, &curve, &complexity)?;
    say!("written: {}: cells.csv, summary.csv, complexity.csv", folder.display());
    if !cli.run.no_figures {
        let figure = figures::errors(&cli.run, &study, &curve, &complexity)?;
        crate::common::figures::save(&cli.run.print, &folder, [("errors", figure)])?;
    }
    Ok(())
}

fn closing_table(cli: &Cli, study: &Study, curve: &Curve, complexity: &[Option<usize>]) -> Result<(), Error> {
    let summaries = curve.summaries(Metric::TestMse, None)?;
    let rates = curve.summaries(Metric::TestErrorRate, None)?;
    let args = &cli.run;
    let (n, repeats, statistic) = (study.samples, curve.repeats(), args.statistic.show());
    let title = format!("n = {n}: {statistic} test error on clean labels, {repeats} repeats");
    let columns = [
        "label noise",
        "lowest, p < n",
        "highest",
        "at p",
        "most features",
        "error rate",
        "EMC ≥ n from p",
        "shape, critical interval",
    ];
    let mut table = Table::new(title, columns);
    for (arm, &noise) in study.noise.iter().enumerate() {
        let of_arm = || summaries.iter().filter(|s| s.arm == arm);
        let lowest = args.lowest(of_arm().filter(|s| s.p < s.n)).map(|s| args.middle(s));
        let (Some(highest), Some(last)) = (args.highest(of_arm()), of_arm().next_back()) else { continue };
        let rate = rates.iter().rfind(|s| s.arm == arm).map(|s| args.middle(s));
        row!(
            table,
            noise,
            lowest,
            args.middle(highest),
            highest.p,
            args.middle(last),
            rate,
            complexity[arm],
            shape(cli, curve, arm)
        );
    }
    table.print();
    Ok(())
}

/// What the repeats certify; nothing if they are too few.
fn shape(cli: &Cli, curve: &Curve, arm: usize) -> String {
    let bootstrap = Bootstrap { draws: cli.run.bootstrap.max(1), seed: cli.run.seed };
    match curve.shape(arm, Metric::TestMse, &ShapeTest { bootstrap, ..ShapeTest::new(0) }) {
        Err(_) => "-".into(),
        Ok(report) => {
            let interval = |p: &double_descent::curve::CriticalInterval| {
                format!(", {} < p < {} about {}", short(p.from), short(p.to), p.peak)
            };
            format!("{:?}{}", report.shape, report.peaks.iter().map(interval).collect::<String>())
        }
    }
}
