//! Double descent of natural cubic splines, the example by which Daniela Witten explains it (and James, Witten,
//! Hastie and Tibshirani, An introduction to statistical learning, 2021, section 10.8): y = sin x + noise from n = 20
//! points of [−5, 5], by natural cubic splines of K degrees of freedom, least squares to K = n and minimum norm beyond.
//!
//! Run: `cargo run --release --example splines`

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
#![allow(clippy::doc_markdown)] // doc comments are help texts

mod common;
#[path = "splines/figures.rs"]
mod figures;
#[path = "splines/study.rs"]
mod study;

use clap::Parser;
use common::{
    RunArgs, check_noise, finish, over_axis, parse_sizes, report_failures, say, short, with_progress,
};
use double_descent::Error;
use double_descent::curve::{Curve, Metric};
use std::process::ExitCode;
use study::Study;

/// Natural cubic splines over their degrees of freedom K, with the peak at K = n. Writes OUT/splines/cells.csv,
/// summary.csv and figures.
#[derive(Parser)]
#[command(name = "splines", mut_arg("x", over_axis))]
struct Cli {
    /// Degrees of freedom K, the constant included: numbers and inclusive ranges with an optional step
    #[arg(long, value_name = "SIZES", default_value = "2..100")]
    sizes: String,

    /// Training points n, drawn uniformly from [−5, 5]
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(2..))]
    samples: u16,

    /// Standard deviation of the noise on training targets
    #[arg(long, value_name = "X", default_value_t = 0.3)]
    noise: f64,

    /// Degrees of freedom of the fits that are drawn
    #[arg(long, value_name = "SIZES", default_value = "4,6,20,36")]
    fits: String,

    /// Training sets, each fitted at every K
    #[arg(long, value_name = "N", default_value_t = 200)]
    repeats: usize,

    #[command(flatten)]
    run: RunArgs,
}

fn main() -> ExitCode {
    finish(run(&Cli::parse()))
}

fn run(cli: &Cli) -> Result<(), Error> {
    check_noise(cli.noise)?;
    let (sizes, shown) = (parse_sizes(&cli.sizes)?, parse_sizes(&cli.fits)?);
    let study = Study {
        samples: cli.samples.into(),
        noise: cli.noise,
        sizes,
        repeats: cli.repeats,
        seed: cli.run.seed,
        threads: cli.run.threads,
    };
    let folder = cli.run.make_folder("results", "splines")?;
    let curve = with_progress("splines", |observer| study.run(observer))?;
    let metrics = [Metric::TestMse, Metric::TrainMse, Metric::CoefficientNorm, Metric::SmallestSingularValue];
    cli.run.save_tables(&curve, &folder, "", &metrics)?;
    if report_failures(&curve) > 0 {
        return Err(Error::Resource { reason: "some fits failed; all others are written".into() });
    }
    closing_table(&study, &curve)?;
    say!("written: {}: cells.csv, summary.csv", folder.display());
    if !cli.run.no_figures {
        let figures = [
            ("errors", figures::errors(&cli.run, &study, &curve)?),
            ("fits", figures::fits(&study, &shown)?),
        ];
        common::figures::save(&cli.run.print, &folder, figures)?;
    }
    Ok(())
}

/// The curve in five points.
fn closing_table(study: &Study, curve: &Curve) -> Result<(), Error> {
    let n = study.samples;
    let test = curve.summaries(Metric::TestMse, None)?;
    let lowest = |wanted: &dyn Fn(usize) -> bool| {
        test.iter().filter(|s| wanted(s.p)).min_by(|a, b| a.median.total_cmp(&b.median))
    };
    let rows = [
        ("lowest before K = n", lowest(&|p| p < n)),
        ("highest", test.iter().max_by(|a, b| a.median.total_cmp(&b.median))),
        ("at K = n", test.iter().find(|s| s.p == n)),
        ("lowest beyond K = n", lowest(&|p| p > n)),
        ("most degrees of freedom", test.last()),
    ];
    say!("\n{}, n = {n}: test error over {} training sets", curve.provenance.data, curve.repeats());
    say!("{:<26}{:>5}{:>13}{:>24}", "", "K", "median", "quartiles");
    for (what, summary) in rows {
        let Some(s) = summary else { continue };
        let quartiles = format!("{} … {}", short(s.q25), short(s.q75));
        say!("{what:<26}{:>5}{:>13}{quartiles:>24}", s.p, short(s.median));
    }
    Ok(())
}
