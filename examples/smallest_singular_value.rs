//! Why the test error peaks at n = p: there, and only there, the smallest non-zero singular value of random rows
//! comes close to 0, and the fit divides by it (Schaeffer et al., arXiv:2303.14151, section 3).
//!
//! The reason is interlacing: up to n = p a further row brings a further singular value, no larger than the
//! smallest before it; beyond n = p it can only raise the smallest of the p there are.
//!
//! Run: `cargo run --release --example smallest_singular_value`

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rounded, positive and small
#![allow(clippy::doc_markdown)] // doc comments are help texts

mod common;
#[path = "smallest_singular_value/figures.rs"]
mod figures;
#[path = "smallest_singular_value/study.rs"]
mod study;

use clap::Parser;
use common::{RunArgs, finish, none_failed, over_axis, parse_sizes, save_table, say, short, with_progress};
use double_descent::Error;
use double_descent::curve::{Curve, Metric, Summary};
use std::path::Path;
use std::process::ExitCode;
use study::{Plan, limit};

/// The help text of --x.
const ABSCISSA: &str =
    "What the figure of three features is drawn over: p/n, or n; the other one is drawn over n/p";

/// The smallest non-zero singular value of Gaussian rows, over their number n: three correlated features, and p
/// independent ones against the limit for large p. Writes OUT/smallest_singular_value/covariance_*.csv,
/// isotropic_p*_*.csv, limit.csv and figures.
#[derive(Parser)]
#[command(name = "smallest_singular_value", mut_arg("x", |x| over_axis(x).help(ABSCISSA)))]
struct Cli {
    /// Numbers of rows n of the three-dimensional Gaussian, as in 1..100 or 1..10,20..100:10
    #[arg(long, value_name = "SIZES", default_value = "1..100")]
    sizes: String,

    /// Numbers of features p of the isotropic Gaussian; n goes from p/10 to 4p
    #[arg(long, value_name = "SIZES", default_value = "10,30,100,300")]
    features: String,

    /// Matrices for each n
    #[arg(long, value_name = "N", default_value_t = 50)]
    repeats: usize,

    #[command(flatten)]
    run: RunArgs,
}

fn main() -> ExitCode {
    finish(run(&Cli::parse()))
}

fn run(cli: &Cli) -> Result<(), Error> {
    let plan = Plan { repeats: cli.repeats, seed: cli.run.seed, threads: cli.run.threads };
    let (sizes, features) = (parse_sizes(&cli.sizes)?, parse_sizes(&cli.features)?);
    if sizes.contains(&0) || features.contains(&0) {
        let reason = "--sizes and --features count rows and columns: each is at least 1".into();
        return Err(Error::Resource { reason });
    }
    let folder = cli.run.make_folder("results", "smallest_singular_value")?;
    let correlated = with_progress("three features", |observer| study::correlated(plan, &sizes, observer))?;
    save(cli, &correlated, &folder, "covariance")?;
    let mut isotropic = Vec::new();
    for &p in &features {
        let curve = with_progress(&format!("p = {p}"), |observer| study::isotropic(plan, p, observer))?;
        save(cli, &curve, &folder, &format!("isotropic_p{p}"))?;
        isotropic.push(curve);
    }
    save_limit(&isotropic, &folder.join("limit.csv"))?;
    closing_table(&correlated, &isotropic)?;
    say!("written: {}: covariance_*.csv, isotropic_p*_*.csv, limit.csv", folder.display());
    if !cli.run.no_figures {
        let figures = [
            ("covariance".to_owned(), figures::correlated(&cli.run, &correlated)?),
            ("isotropic".to_owned(), figures::isotropic(&cli.run, &isotropic)?),
        ];
        common::figures::save(&cli.run.print, &folder, figures)?;
    }
    Ok(())
}

fn save(cli: &Cli, curve: &Curve, folder: &Path, name: &str) -> Result<(), Error> {
    cli.run.save_tables(curve, folder, &format!("{name}_"), &[Metric::SmallestSingularValue])?;
    none_failed(curve)
}

/// `p,n,n_over_p,q25,median,q75,limit,rows_left`, of `σ_min/√n`.
fn save_limit(curves: &[Curve], path: &Path) -> Result<(), Error> {
    let mut rows = Vec::new();
    for curve in curves {
        for s in curve.summaries(Metric::SmallestSingularValue, None)? {
            let (ratio, root) = (s.n as f64 / s.p as f64, (s.n as f64).sqrt());
            let numbers = [ratio, s.q25 / root, s.median / root, s.q75 / root, limit(ratio)];
            let counts = [s.p, s.n].map(|count| count.to_string());
            rows.push(counts.into_iter().chain(numbers.map(|number| number.to_string())).collect());
        }
    }
    save_table(path, &["p", "n", "n_over_p", "q25", "median", "q75", "limit"], rows)
}

fn closing_table(correlated: &Curve, isotropic: &[Curve]) -> Result<(), Error> {
    say!("\nsmallest non-zero singular value over n");
    say!("{:<24}{:>6}{:>12}{:>12}{:>12}{:>14}", "", "n", "median", "quartile", "quartile", "lowest at n");
    let summaries = correlated.summaries(Metric::SmallestSingularValue, None)?;
    let lowest = summaries.iter().min_by(|a, b| a.median.total_cmp(&b.median)).map_or(0, |s| s.n);
    for s in summaries.iter().filter(|s| [1, 2, 3, 4, 6, 10, 30, 100].contains(&s.n)) {
        say!(
            "{:<24}{:>6}{:>12}{:>12}{:>12}{lowest:>14}",
            "three features",
            s.n,
            short(s.median),
            short(s.q25),
            short(s.q75)
        );
    }
    say!("\nσ_min/√n of isotropic rows, median, and its limit |1 − √(p/n)|");
    say!("{:>6}{:>14}{:>14}{:>14}{:>14}", "p", "n = p/10", "n = p", "n = 4p", "lowest at n");
    for curve in isotropic {
        let summaries = curve.summaries(Metric::SmallestSingularValue, None)?;
        let scaled = |s: &Summary| short(s.median / (s.n as f64).sqrt());
        let Some(first) = summaries.first() else { continue };
        let at = |n: usize| summaries.iter().find(|s| s.n == n).map_or("-".into(), scaled);
        let lowest = summaries.iter().min_by(|a, b| a.median.total_cmp(&b.median)).map_or(0, |s| s.n);
        say!(
            "{:>6}{:>14}{:>14}{:>14}{lowest:>14}",
            first.p,
            at(first.p.div_ceil(10)),
            at(first.p),
            at(4 * first.p)
        );
    }
    say!("{:>6}{:>14}{:>14}{:>14}", "limit", short(limit(0.1)), short(limit(1.0)), short(limit(4.0)));
    Ok(())
}
