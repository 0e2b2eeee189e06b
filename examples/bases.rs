//! Why the basis matters: minimum-norm polynomial regression of Runge's function from n noisy points, by Legendre
//! polynomials, Chebyshev polynomials and monomials of degrees 0, …, p − 1 up to degree 100,000. All three span
//! the same functions; beyond p = n they interpolate, and which interpolant is short depends on the basis.
//!
//! Run: `cargo run --release --example bases`

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
#![allow(clippy::doc_markdown)] // doc comments are help texts

mod common;
#[path = "bases/figures.rs"]
mod figures;
#[path = "bases/study.rs"]
mod study;

use clap::Parser;
use common::{RunArgs, check_noise, finish, over_axis, report_failures, say, short, with_progress};
use double_descent::Error;
use double_descent::curve::{Curve, Metric, Summary};
use std::process::ExitCode;
use study::Study;

/// Polynomial regression in three bases over the number of features p. Writes OUT/bases/cells.csv, summary.csv and
/// figures.
#[derive(Parser)]
#[command(name = "bases", mut_arg("x", over_axis))]
struct Cli {
    /// Training points n, drawn uniformly from [−1, 1]
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(2..))]
    samples: u16,

    /// Standard deviation of the noise on training targets
    #[arg(long, value_name = "X", default_value_t = 0.1)]
    noise: f64,

    /// The largest number of features p: every p to 2n, then twelve in each power of ten
    #[arg(long, value_name = "P", default_value_t = 100_000)]
    largest: u32,

    /// Training sets, each fitted at every p
    #[arg(long, value_name = "N", default_value_t = 30)]
    repeats: usize,

    #[command(flatten)]
    run: RunArgs,
}

fn main() -> ExitCode {
    finish(run(&Cli::parse()))
}

fn run(cli: &Cli) -> Result<(), Error> {
    check_noise(cli.noise)?;
    let samples = usize::from(cli.samples);
    let study = Study {
        samples,
        noise: cli.noise,
        sizes: study::sizes(samples, cli.largest),
        repeats: cli.repeats,
        seed: cli.run.seed,
        threads: cli.run.threads,
    };
    let folder = cli.run.make_folder("results", "bases")?;
    let curve = with_progress("bases", |observer| study.run(observer))?;
    let metrics = [Metric::TestMse, Metric::TrainMse, Metric::CoefficientNorm, Metric::SmallestSingularValue];
    cli.run.save_tables(&curve, &folder, "", &metrics)?;
    if report_failures(&curve) > 0 {
        return Err(Error::Resource { reason: "some fits failed; all others are written".into() });
    }
    closing_table(&study, &curve)?;
    say!("written: {}: cells.csv, summary.csv", folder.display());
    if !cli.run.no_figures {
        let figures =
            [("errors", figures::errors(&cli.run, &study, &curve)?), ("fits", figures::fits(&study)?)];
        common::figures::save(&cli.run.print, &folder, figures)?;
    }
    Ok(())
}

/// The curve in five points, for each basis, and how many directions its features have in 64-bit floats.
fn closing_table(study: &Study, curve: &Curve) -> Result<(), Error> {
    let n = study.samples;
    let test = curve.summaries(Metric::TestMse, None)?;
    let norm = curve.summaries(Metric::CoefficientNorm, None)?;
    say!("\n{}, n = {n}: medians over {} training sets", curve.provenance.data, curve.repeats());
    say!("{:<12}{:<22}{:>8}{:>13}{:>13}{:>8}", "basis", "", "p", "test error", "norm", "rank");
    for (arm, label) in curve.arms.iter().enumerate() {
        let of_arm = || test.iter().filter(|s| s.arm == arm);
        let lowest = |wanted: &dyn Fn(usize) -> bool| {
            of_arm().filter(|s| wanted(s.p)).min_by(|a, b| a.median.total_cmp(&b.median))
        };
        let rows: [(&str, Option<&Summary>); 5] = [
            ("lowest before p = n", lowest(&|p| p < n)),
            ("highest", of_arm().max_by(|a, b| a.median.total_cmp(&b.median))),
            ("at p = n", of_arm().find(|s| s.p == n)),
            ("lowest beyond p = n", lowest(&|p| p > n)),
            ("most features", of_arm().next_back()),
        ];
        for (what, summary) in rows {
            let Some(s) = summary else { continue };
            let norm = norm.iter().find(|t| (t.arm, t.p) == (arm, s.p)).map_or(f64::NAN, |t| t.median);
            let mut ranks: Vec<usize> =
                curve.cells.iter().filter(|c| (c.arm, c.p) == (arm, s.p)).map(|c| c.rank).collect();
            ranks.sort_unstable();
            let rank = ranks.get(ranks.len() / 2).copied().unwrap_or(0);
            let (test, norm) = (short(s.median), short(norm));
            say!("{:<12}{what:<22}{:>8}{test:>13}{norm:>13}{rank:>8}", label.name, s.p);
        }
    }
    Ok(())
}
