//! Polynomial regression past its interpolation threshold, the study of Schaeffer et al.'s tutorial on double
//! descent (arXiv:2303.14151): y = 2x + cos 25x on [−1, 1] from n = 15 points, by the Legendre polynomials of
//! degrees 1, …, P for every P up to 200.
//!
//! Run: `cargo run --release --example polynomial`
//!
//! The published training inputs: `--points polynomial_x_train.csv` (columns P, repeat, x0, …, x14). Why the
//! basis matters: `--basis legendre,chebyshev,monomial`.

#![allow(clippy::cast_precision_loss)] // counts of rows and columns

mod common;
#[path = "polynomial/figures.rs"]
mod figures;
#[path = "polynomial/study.rs"]
mod study;

use clap::{Parser, ValueEnum};
use common::{RunArgs, finish, over_axis, parse_sizes, say, short, with_progress};
use double_descent::Error;
use double_descent::curve::{Curve, Metric};
use double_descent::features::{Polynomial, PolynomialBasis};
use std::path::PathBuf;
use std::process::ExitCode;
use study::{Points, Study};

/// Polynomial regression of y = 2x + cos 25x over the number of features P, with the peak at P = n. Writes
/// OUT/polynomial/cells.csv, summary.csv and figures.
#[derive(Parser)]
#[command(name = "polynomial", mut_arg("x", over_axis))]
struct Cli {
    /// Numbers of features P: numbers and inclusive ranges with an optional step, as in 1..200 or 5,10..40:10
    /// [default: 1..200, or those that are recorded]
    #[arg(long, value_name = "SIZES")]
    sizes: Option<String>,

    /// Training points n, drawn uniformly from [−1, 1]
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..))]
    samples: u16,

    /// Training sets for each P [default: 30, or as many as are recorded]
    #[arg(long, value_name = "N")]
    repeats: Option<usize>,

    /// Replay recorded training inputs (P,repeat,x0,x1,…) instead of drawing them
    #[arg(long, value_name = "FILE", conflicts_with = "samples")]
    points: Option<PathBuf>,

    /// The polynomials; several, separated by commas, are fitted to the same points
    #[arg(long, value_enum, value_delimiter = ',', default_value = "legendre")]
    basis: Vec<Basis>,

    #[command(flatten)]
    run: RunArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Basis {
    /// Orthogonal under the uniform weight.
    Legendre,
    /// Orthogonal under 1/√(1 − x²).
    Chebyshev,
    /// Powers of x: nearly parallel columns.
    Monomial,
}

impl From<Basis> for Polynomial {
    fn from(basis: Basis) -> Self {
        Self::new(match basis {
            Basis::Legendre => PolynomialBasis::Legendre,
            Basis::Chebyshev => PolynomialBasis::Chebyshev,
            Basis::Monomial => PolynomialBasis::Monomial,
        })
    }
}

fn main() -> ExitCode {
    finish(run(&Cli::parse()))
}

fn run(cli: &Cli) -> Result<(), Error> {
    let points = match &cli.points {
        Some(path) => Points::read(path)?,
        None => Points::Drawn { samples: cli.samples.into(), seed: cli.run.seed },
    };
    let sizes = match &cli.sizes {
        Some(text) => parse_sizes(text)?,
        None => points.recorded_sizes().unwrap_or((1..=200).collect()),
    };
    let mut maps: Vec<Polynomial> = cli.basis.iter().map(|&basis| basis.into()).collect();
    let mut seen = std::collections::HashSet::new();
    maps.retain(|map| seen.insert(*map));
    let study = Study {
        maps,
        sizes,
        repeats: cli.repeats.or(points.recorded_repeats()).unwrap_or(30),
        points,
        threads: cli.run.threads,
    };
    let folder = cli.run.make_folder("results", "polynomial")?;
    let curve = with_progress("polynomial", |observer| study.run(observer))?;
    let metrics = [Metric::TestMse, Metric::TrainMse, Metric::SmallestSingularValue];
    cli.run.save_tables(&curve, &folder, "", &metrics)?;
    if let Some(first) = curve.failures.first() {
        let reason =
            format!("{} cells failed; the first, P = {}: {}", curve.failures.len(), first.p, first.error);
        return Err(Error::Resource { reason });
    }
    closing_table(&curve)?;
    say!("written: {}: cells.csv, summary.csv", folder.display());
    if let (false, Some(n)) = (cli.run.no_figures, curve.interpolation_threshold()) {
        let mut figures = vec![("errors".to_owned(), figures::errors(&cli.run, &study, &curve, n)?)];
        for &map in &study.maps {
            let name = format!("fits_{}", map.basis().name());
            figures.push((name, figures::fits(&study, &curve, map, n)?));
        }
        common::figures::save(&cli.run.print, &folder, figures)?;
    }
    Ok(())
}

/// The curve in six points, for each basis.
fn closing_table(curve: &Curve) -> Result<(), Error> {
    let n = curve.interpolation_threshold().unwrap_or(0);
    let test = curve.summaries(Metric::TestMse, None)?;
    let train = curve.summaries(Metric::TrainMse, None)?;
    say!("\n{}, n = {n}: test error before, at and beyond the threshold P = n", curve.provenance.data);
    say!(
        "{:<12}{:<26}{:>5}{:>13}{:>24}{:>13}{:>13}",
        "basis",
        "",
        "P",
        "median test",
        "quartiles",
        "mean test",
        "median train"
    );
    for (arm, label) in curve.arms.iter().enumerate() {
        let of_arm = || test.iter().filter(|s| s.arm == arm);
        let minimum = |wanted: &dyn Fn(usize) -> bool| {
            of_arm().filter(|s| wanted(s.p)).min_by(|a, b| a.median.total_cmp(&b.median))
        };
        let rows = [
            ("fewest features", of_arm().next()),
            ("lowest before P = n", minimum(&|p| p < n)),
            ("highest", of_arm().max_by(|a, b| a.median.total_cmp(&b.median))),
            ("at P = n", of_arm().find(|s| s.p == n)),
            ("lowest beyond P = n", minimum(&|p| p > n)),
            ("most features", of_arm().next_back()),
        ];
        for (what, summary) in rows {
            let Some(s) = summary else { continue };
            let fitted = train.iter().find(|t| (t.arm, t.p) == (arm, s.p)).map_or(f64::NAN, |t| t.median);
            say!(
                "{:<12}{what:<26}{:>5}{:>13}{:>24}{:>13}{:>13}",
                label.name,
                s.p,
                short(s.median),
                format!("{} … {}", short(s.q25), short(s.q75)),
                short(s.mean),
                short(fitted)
            );
        }
    }
    Ok(())
}
