//! Averaging removes the peak, warm starts keep it: ensembles of K min-norm fits on independent random Fourier
//! features of the same training set, over the number of features p; and interpolants other than the one of minimum
//! norm: from a random start, and from the solution on fewer features.
//!
//! Run: `cargo run --release --example ensembling`

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
#![allow(clippy::doc_markdown)] // doc comments are help texts

mod common;
#[path = "ensembling/figures.rs"]
mod figures;
#[path = "ensembling/study.rs"]
mod study;

use clap::Parser;
use common::{RunArgs, around_threshold, finish, over_axis, parse_sizes, say, short, with_progress};
use double_descent::Error;
use double_descent::curve::{Curve, Metric};
use std::process::ExitCode;
use study::Study;

/// Excess test error over the number of random Fourier features p: ensembles of K = 1, 2, 5, … fits, their limit for
/// infinitely many, random interpolants, warm starts. Writes OUT/ensembling/cells.csv, summary.csv and figures.
#[derive(Parser)]
#[command(name = "ensembling", mut_arg("x", over_axis))]
struct Cli {
    /// Training samples n
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(4..))]
    samples: u16,

    /// Numbers of features p, as in 10..100:10,200 [default: from n/20 to 8n, closer around n]
    #[arg(long, value_name = "SIZES")]
    sizes: Option<String>,

    /// Sizes K of the ensembles; as many members as the largest are fitted, at least 3
    #[arg(long, value_name = "SIZES", value_delimiter = ',', default_value = "1,2,5,20")]
    members: Vec<usize>,

    /// Standard deviations s of random starts, for N(0, s²/p) in each coefficient
    #[arg(long, value_name = "DEVIATIONS", value_delimiter = ',', default_value = "1,3")]
    starts: Vec<f64>,

    /// Standard deviation of the label noise; the noise-free targets have 1
    #[arg(long, value_name = "DEVIATION", default_value_t = 0.3)]
    noise: f64,

    /// Training sets, each with its own members
    #[arg(long, value_name = "N", default_value_t = 20)]
    repeats: usize,

    #[command(flatten)]
    run: RunArgs,
}

fn main() -> ExitCode {
    finish(run(&Cli::parse()))
}

fn run(cli: &Cli) -> Result<(), Error> {
    let samples = usize::from(cli.samples);
    let study = Study {
        samples,
        sizes: match &cli.sizes {
            Some(text) => parse_sizes(text)?,
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
    let folder = cli.run.make_folder("results", "ensembling")?;
    let curve = with_progress("ensembling", |observer| study.run(observer))?;
    cli.run.save_tables(&curve, &folder, "", &[Metric::TestMse])?;
    closing_table(&study, &curve)?;
    say!("written: {}: cells.csv, summary.csv", folder.display());
    if !cli.run.no_figures {
        let figure = figures::errors(&cli.run, &study, &curve)?;
        common::figures::save(&cli.run.print, &folder, [("errors", figure)])?;
    }
    Ok(())
}

fn closing_table(study: &Study, curve: &Curve) -> Result<(), Error> {
    let summaries = curve.summaries(Metric::TestMse, None)?;
    let n = study.samples;
    say!("\nn = {n}: median excess test error, {} repeats", curve.repeats());
    say!("{:<22}{:>10}{:>20}{:>14}{:>16}", "arm", "setting", "highest (at p)", "at p = n", "most features");
    for (arm, label) in curve.arms.iter().enumerate() {
        let of_arm = || summaries.iter().filter(|s| s.arm == arm);
        let (Some(highest), Some(last)) = (curve.highest(arm, Metric::TestMse), of_arm().next_back()) else {
            continue;
        };
        say!(
            "{:<22}{:>10}{:>20}{:>14}{:>16}",
            label.name,
            label.setting.map_or(String::new(), |setting| setting.to_string()),
            format!("{} ({})", short(highest.median), highest.p),
            of_arm().find(|s| s.p == n).map_or("-".into(), |s| short(s.median)),
            short(last.median)
        );
    }
    Ok(())
}
