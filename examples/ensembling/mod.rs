//! Averaging removes the peak, warm starts keep it: ensembles of K min-norm fits on independent random Fourier
//! features of the same training set, over the number of features p; and interpolants other than the one of minimum
//! norm: from a random start, and from the solution on fewer features.
//!
//! Run: `cargo run --release --example ensembling`

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
#![allow(clippy::doc_markdown)] // doc comments are help texts

mod figures;
mod study;

use crate::common::flags::{Count, Failure, Program, Value, flags};
use crate::common::table::{Table, row};
use crate::common::{RunArgs, Sizes, around_threshold, say, with_progress};
use double_descent::Error;
use double_descent::curve::{Curve, Metric};
use study::Study;

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
        ..run: RunArgs = RunArgs::over_axis();
    }
}

impl Program for Cli {
    const NAME: &'static str = "ensembling";

    fn run(&self) -> Result<(), Failure> {
        run(self)
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    let samples = usize::from(cli.samples);
    let study = Study {
        samples,
        sizes: match &cli.sizes {
            Some(sizes) => sizes.list.clone(),
            None => around_threshold(samples),
        },
        members: cli.members.clone(),
        starts: cli.starts.clone(),
        noise: cli.noise,
        repeats: cli.repeats,
        seed: cli.run.seed,
        threads: cli.run.threads,
    };
    study.check()?;
    let folder = cli.run.make_folder("ensembling")?;
    let curve = with_progress("ensembling", |observer| study.run(observer))?;
    cli.run.save_tables(&curve, &folder, "", &[Metric::TestMse])?;
    closing_table(&cli.run, &study, &curve)?;
    say!("written: {}: cells.csv, summary.csv", folder.display());
    if !cli.run.no_figures {
        let figure = figures::errors(&cli.run, &study, &curve)?;
        crate::common::figures::save(&cli.run.print, &folder, [("errors", figure)])?;
    }
    Ok(())
}

fn closing_table(args: &RunArgs, study: &Study, curve: &Curve) -> Result<(), Error> {
    let summaries = curve.summaries(Metric::TestMse, None)?;
    let n = study.samples;
    let (repeats, statistic) = (curve.repeats(), args.statistic.show());
    let title = format!("n = {n}: {statistic} excess test error, {repeats} repeats");
    let mut table = Table::new(title, ["arm", "setting", "highest", "at p", "at p = n", "most features"]);
    for (arm, label) in curve.arms.iter().enumerate() {
        let of_arm = || summaries.iter().filter(|s| s.arm == arm);
        let (Some(highest), Some(last)) = (args.highest(of_arm()), of_arm().next_back()) else { continue };
        let at = of_arm().find(|s| s.p == n).map(|s| args.middle(s));
        let name = label.name.as_str();
        row!(table, name, label.setting, args.middle(highest), highest.p, at, args.middle(last));
    }
    table.print();
    Ok(())
}
