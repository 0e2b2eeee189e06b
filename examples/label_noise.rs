//! Label noise raises the error, most about the peak: min-norm classification on random Fourier features, over the
//! number of features, with 0, 10 and 20 % of the training labels wrong and clean labels to test on. The peak stands
//! where the effective model complexity equals the number of samples (Nakkiran et al., arXiv:1912.02292).
//!
//! Run: `cargo run --release --example label_noise -- --data FOLDER`, where FOLDER holds the four files of
//! Fashion-MNIST. Without it, and without `DOUBLE_DESCENT_DATA`, a synthetic teacher stands in.

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
#![allow(clippy::doc_markdown)] // doc comments are help texts

mod common;
#[path = "label_noise/data.rs"]
mod data;
#[path = "label_noise/figures.rs"]
mod figures;
#[path = "label_noise/study.rs"]
mod study;

use clap::Parser;
use common::{RunArgs, around_threshold, finish, over_axis, parse_sizes, say, short, with_progress};
use double_descent::Error;
use double_descent::curve::{Bootstrap, Curve, Metric, ShapeTest};
use std::path::PathBuf;
use std::process::ExitCode;
use study::{Study, percent};

/// Test error on clean labels over the number of random Fourier features p, for several levels of label noise, and
/// the p at which the effective model complexity reaches n. Writes OUT/label_noise/cells.csv, summary.csv,
/// complexity.csv and figures.
#[derive(Parser)]
#[command(name = "label_noise", mut_arg("x", over_axis))]
struct Cli {
    /// Folder with the files of Fashion-MNIST, or with a folder fashion_mnist that holds them [default:
    /// $DOUBLE_DESCENT_DATA, else a synthetic teacher]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Training samples n
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u16).range(4..))]
    samples: u16,

    /// Numbers of features p, as in 10..100:10,200 [default: from n/20 to 8n, closer around n]
    #[arg(long, value_name = "SIZES")]
    sizes: Option<String>,

    /// Shares of training labels that are wrong, ascending
    #[arg(long, value_name = "SHARES", value_delimiter = ',', default_value = "0,0.1,0.2")]
    noise: Vec<f64>,

    /// Test rows, at most
    #[arg(long, value_name = "N", default_value_t = 2000)]
    test_rows: usize,

    /// Training sets, each with its own features and noise
    #[arg(long, value_name = "N", default_value_t = 15)]
    repeats: usize,

    /// Tolerance of the effective model complexity: the largest mean squared training error that counts as a fit
    #[arg(long, value_name = "ERROR", default_value_t = 1e-3)]
    epsilon: f64,

    #[command(flatten)]
    run: RunArgs,
}

fn main() -> ExitCode {
    finish(run(&Cli::parse()))
}

fn run(cli: &Cli) -> Result<(), Error> {
    let samples = usize::from(cli.samples);
    let sizes = match &cli.sizes {
        Some(text) => parse_sizes(text)?,
        None => around_threshold(samples),
    };
    if sizes.contains(&0) {
        return Err(Error::Resource { reason: "--sizes counts features: each is at least 1".into() });
    }
    let study = Study {
        source: data::Source::load(cli.data.clone(), cli.run.seed)?,
        samples,
        sizes,
        noise: cli.noise.clone(),
        test_rows: cli.test_rows,
        repeats: cli.repeats,
        epsilon: cli.epsilon,
        seed: cli.run.seed,
        threads: cli.run.threads,
    };
    study.check()?;
    let folder = cli.run.make_folder("results", "label_noise")?;
    common::inputs::claim(&folder, study.source.train.name())?;
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
        common::figures::save(&cli.run.print, &folder, [("errors", figure)])?;
    }
    Ok(())
}

fn closing_table(cli: &Cli, study: &Study, curve: &Curve, complexity: &[Option<usize>]) -> Result<(), Error> {
    let summaries = curve.summaries(Metric::TestMse, None)?;
    let rates = curve.summaries(Metric::TestErrorRate, None)?;
    say!("\nn = {}: median test error on clean labels, {} repeats", study.samples, curve.repeats());
    say!(
        "{:>12}{:>16}{:>18}{:>16}{:>14}{:>16}  shape, critical interval",
        "noise",
        "lowest, p < n",
        "highest (at p)",
        "most features",
        "error rate",
        "EMC ≥ n from p"
    );
    for (arm, &noise) in study.noise.iter().enumerate() {
        let of_arm = || summaries.iter().filter(|s| s.arm == arm);
        let lowest =
            of_arm().filter(|s| s.p < s.n).min_by(|a, b| a.median.total_cmp(&b.median)).map(|s| s.median);
        let (Some(highest), Some(last)) = (curve.highest(arm, Metric::TestMse), of_arm().next_back()) else {
            continue;
        };
        let rate = rates.iter().rfind(|s| s.arm == arm).map_or(f64::NAN, |s| s.median);
        say!(
            "{:>12}{:>16}{:>18}{:>16}{:>14}{:>16}  {}",
            percent(noise),
            lowest.map_or("-".into(), short),
            format!("{} ({})", short(highest.median), highest.p),
            short(last.median),
            short(rate),
            complexity[arm].map_or("-".into(), |p| p.to_string()),
            shape(cli, curve, arm)
        );
    }
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
