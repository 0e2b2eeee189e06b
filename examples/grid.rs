//! The plane of double descent: the test error of random Fourier features over the number of training images and the
//! number of features, with its ridge at n = p, and two slices through it (Nakkiran et al. 2019, appendix D, figure
//! 14); or, at one number of images, over the number of features and a ridge penalty or a share of noisy labels.
//!
//! Run: `cargo run --release --example grid`. Without the images (`--data-dir`, or the variable
//! DOUBLE_DESCENT_DATA) the classes are those of a random network on normal inputs.

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
#![allow(clippy::doc_markdown)] // doc comments are help texts

mod common;
#[path = "grid/figures.rs"]
mod figures;
#[path = "random_fourier/inputs.rs"]
mod inputs;

use clap::{Parser, ValueEnum};
use common::{RunArgs, announce, finish, parse_sizes, report_failures, say, short, with_progress};
use double_descent::Error;
use double_descent::curve::{Metric, Surface};
use double_descent::filter::Ridge;
use double_descent::sweep::PlaneArm;
use inputs::InputArgs;
use std::process::ExitCode;
use std::sync::Arc;

/// The n × p plane of random Fourier features. Writes OUT/grid/cells.csv and figures.
#[derive(Parser)]
#[command(name = "grid")]
struct Cli {
    /// What goes up the plane
    #[arg(long, value_enum, default_value_t = Rows::Samples)]
    rows: Rows,

    /// Numbers of training images, numbers and ranges as in 200..4000:200
    #[arg(long, value_name = "SIZES", default_value = "200..4000:200")]
    samples: String,

    /// Training images where something else goes up the plane
    #[arg(long, value_name = "N", default_value_t = 1000)]
    n: usize,

    /// Numbers of features
    #[arg(long, value_name = "SIZES", default_value = "200..4000:200")]
    features: String,

    /// Ridge penalties or shares of noisy labels [default: 10⁻⁴ to 10³; 0 to 0.4]
    #[arg(long, value_name = "VALUES", value_delimiter = ',')]
    levels: Vec<f64>,

    #[command(flatten)]
    inputs: InputArgs,

    #[command(flatten)]
    run: RunArgs,
}

/// The vertical axis of the plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Rows {
    /// The number of training images.
    Samples,
    /// The penalty of ridge regression.
    Ridge,
    /// The share of training labels that are wrong.
    LabelNoise,
}

fn main() -> ExitCode {
    finish(run(&Cli::parse()))
}

fn run(cli: &Cli) -> Result<(), Error> {
    let folder = cli.run.make_folder("results", "grid")?;
    let features = parse_sizes(&cli.features)?;
    let largest = features.iter().copied().max().unwrap_or(0);
    let data = cli.inputs.data(cli.run.seed)?;
    common::inputs::claim(&folder, data.train.name())?;
    let mut levels = cli.levels.clone();
    if levels.is_empty() {
        levels = match cli.rows {
            Rows::Ridge => (-8..=6).map(|i| 10f64.powf(f64::from(i) / 2.0)).collect(),
            _ => (0..=8).map(|i| 0.05 * f64::from(i)).collect(),
        };
    }
    levels.sort_by(f64::total_cmp);
    let arms = match cli.rows {
        Rows::Samples => vec![PlaneArm::min_norm()],
        Rows::Ridge => levels
            .iter()
            .map(|&level| Ok(PlaneArm::new("ridge", Some(level), Arc::new(Ridge::new(level)?))))
            .collect::<Result<_, Error>>()?,
        Rows::LabelNoise => levels
            .iter()
            .map(|&level| {
                let noisy = data.train.with_label_noise(level, cli.run.seed)?;
                Ok(PlaneArm::min_norm().trained_on(Some(level), noisy.one_hot()?))
            })
            .collect::<Result<_, Error>>()?,
    };
    let mut sweep = cli.inputs.sweep(&data, largest, cli.run.seed, cli.run.threads)?;
    (sweep.arms, sweep.features) = (arms, features);
    sweep.samples = if cli.rows == Rows::Samples { parse_sizes(&cli.samples)? } else { vec![cli.n] };
    announce(&sweep.estimate()?);
    let surface = with_progress("grid", |observer| sweep.run_with(observer))?;
    common::keep_folder(&folder)?;
    surface.save_cells(&folder.join("cells.csv"))?;
    let failed = report_failures(surface.cells());
    if failed > 0 {
        return Err(Error::Resource { reason: format!("{failed} repeats could not be computed") });
    }
    closing_table(cli, &surface, &levels)?;
    say!("written: {}: cells.csv", folder.display());
    if !cli.run.no_figures {
        let about = inputs::describe(&sweep);
        let figure = match cli.rows {
            Rows::Samples => ("plane", figures::plane(&cli.run, &surface, &about)?),
            Rows::Ridge => ("ridge", figures::settings(&surface, cli.rows, &levels, &about)),
            Rows::LabelNoise => ("label_noise", figures::settings(&surface, cli.rows, &levels, &about)),
        };
        common::figures::save(&cli.run.print, &folder, [figure])?;
    }
    Ok(())
}

/// For every row of the plane the p with the highest test error, and how high it is.
fn closing_table(cli: &Cli, surface: &Surface, levels: &[f64]) -> Result<(), Error> {
    let features = surface.features();
    let (name, labels, medians): (_, Vec<String>, _) = if cli.rows == Rows::Samples {
        let samples = surface.samples().iter().map(ToString::to_string).collect();
        ("n", samples, surface.medians(0, Metric::TestMse)?)
    } else {
        let levels = levels.iter().map(|&level| short(level)).collect();
        ("setting", levels, surface.medians_of_arms(cli.n, Metric::TestMse))
    };
    say!("\n{name:>12}{:>16}{:>14}{:>14}", "highest at p", "median MSE", "at the last p");
    for (label, row) in labels.iter().zip(medians.rows()) {
        let highest = (0..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best });
        say!(
            "{label:>12}{:>16}{:>14}{:>14}",
            features[highest],
            short(row[highest]),
            short(row[row.len() - 1])
        );
    }
    Ok(())
}
