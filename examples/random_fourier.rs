//! Double descent of random Fourier features, as Belkin et al. (2019) and Nakkiran et al. (2019, appendix D) show
//! it: minimum-norm regression of one-hot classes of Fashion-MNIST on cos(Wx + b), over the number of features at a
//! fixed number of images, and over the number of images at a fixed number of features.
//!
//! Run: `cargo run --release --example random_fourier`. Without the images (`--data-dir`, or the variable
//! DOUBLE_DESCENT_DATA) the classes are those of a random network on normal inputs.

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
#![allow(clippy::doc_markdown)] // doc comments are help texts

mod common;
#[path = "random_fourier/figures.rs"]
mod figures;
#[path = "random_fourier/inputs.rs"]
mod inputs;

use clap::Parser;
use common::{RunArgs, announce, finish, over_axis, parse_sizes, report_failures, say, short, with_progress};
use double_descent::Error;
use double_descent::curve::{ArmLabel, Axis, Curve, Metric};
use double_descent::kernel::KernelRegression;
use double_descent::sweep::PlaneSweep;
use inputs::InputArgs;
use ndarray::{Array2, Axis as Along};
use std::process::ExitCode;

/// Model-wise and sample-wise double descent of random Fourier features. Writes
/// OUT/random_fourier/{features,samples}_{cells,summary}.csv and figures.
#[derive(Parser)]
#[command(name = "random_fourier", mut_arg("x", over_axis))]
struct Cli {
    /// Numbers of features of the model-wise curve, numbers and ranges as in 50..4000:50
    #[arg(long, value_name = "SIZES", default_value = FEATURES)]
    features: String,

    /// Training images of the model-wise curve
    #[arg(long, value_name = "N", default_value_t = 1000)]
    n: usize,

    /// Numbers of training images of the sample-wise curve
    #[arg(long, value_name = "SIZES", default_value = SAMPLES)]
    samples: String,

    /// Features of the sample-wise curve
    #[arg(long, value_name = "N", default_value_t = 1000)]
    p: usize,

    /// Draw the limit of the model-wise curve too, kernel ridgeless regression: an SVD of n × n for each training set
    #[arg(long)]
    infinite_width: bool,

    #[command(flatten)]
    inputs: InputArgs,

    #[command(flatten)]
    run: RunArgs,
}

/// Dense about the threshold.
const FEATURES: &str = "10,20,35,50,75,100,150,200,300,400,500,600,700,800,850,900,940,970,990,1000,1010,1030,1060,\
                        1100,1150,1200,1300,1400,1600,2000,2500,3000,4000";
const SAMPLES: &str = FEATURES;

fn main() -> ExitCode {
    finish(run(&Cli::parse()))
}

fn run(cli: &Cli) -> Result<(), Error> {
    let folder = cli.run.make_folder("results", "random_fourier")?;
    let (features, samples) = (parse_sizes(&cli.features)?, parse_sizes(&cli.samples)?);
    let largest = features.iter().copied().chain([cli.p]).max().unwrap_or(0);
    let data = cli.inputs.data(cli.run.seed)?;
    common::inputs::claim(&folder, data.train.name())?;
    let mut sweep = cli.inputs.sweep(&data, largest, cli.run.seed, cli.run.threads)?;
    sweep.metrics.push(Metric::SmallestSingularValue);
    let (mut figures, mut failed) = (Vec::new(), 0);
    let studies = [
        ("features", Axis::Features, vec![cli.n], features),
        ("samples", Axis::Samples, samples, vec![cli.p]),
    ];
    for (name, axis, samples, features) in studies {
        (sweep.samples, sweep.features) = (samples, features);
        let mut curve = measure(&sweep, name, axis)?;
        if cli.infinite_width && axis == Axis::Features {
            add_limit(cli, &sweep, &mut curve)?;
        }
        let metrics = figures::PANELS.map(|panel| panel.0);
        cli.run.save_tables(&curve, &folder, &format!("{name}_"), &metrics)?;
        closing_table(&curve)?;
        failed += report_failures(&curve);
        let about = inputs::describe(&sweep);
        figures.push((name, figures::panels(&cli.run, &curve, &about)?));
    }
    say!("written: {}: {{features,samples}}_{{cells,summary}}.csv", folder.display());
    if !cli.run.no_figures {
        common::figures::save(&cli.run.print, &folder, figures)?;
    }
    match failed {
        0 => Ok(()),
        _ => Err(Error::Resource { reason: format!("{failed} repeats could not be computed") }),
    }
}

fn measure(sweep: &PlaneSweep, name: &str, axis: Axis) -> Result<Curve, Error> {
    announce(&sweep.estimate()?);
    let surface = with_progress(name, |observer| sweep.run_with(observer))?;
    let curve = match axis {
        Axis::Samples => surface.over_samples(sweep.features[0]),
        _ => surface.over_features(sweep.samples[0]),
    };
    // Without a cell: the failures say why.
    Ok(curve.unwrap_or_else(|| surface.cells().clone()))
}

/// The arm of infinite width: a cell at every p, all alike.
fn add_limit(cli: &Cli, sweep: &PlaneSweep, curve: &mut Curve) -> Result<(), Error> {
    let (sizes, arm) = (curve.axis_values(), curve.arms.len());
    curve.arms.push(ArmLabel { name: "infinite_width".into(), setting: None });
    let (train, test) = (&sweep.train, &sweep.test);
    for (repeat, order) in sweep.splits.orders(train.len(), cli.n)?.iter().enumerate() {
        let rows = |table: &Array2<f64>| table.select(Along(0), &order[..cli.n]);
        let (x, y) = (rows(train.features()), rows(train.targets()));
        let limit = KernelRegression::fit(cli.inputs.kernel()?, &x, &y)?;
        curve.cells.extend(limit.cells((test.features(), test.targets()), &sizes, repeat, arm)?);
    }
    curve.cells.sort_by_key(|cell| (cell.repeat, cell.p, cell.arm));
    Ok(())
}

/// Medians over the axis, and in the limit.
fn closing_table(curve: &Curve) -> Result<(), Error> {
    let tables = figures::PANELS.map(|(metric, ..)| curve.summaries(metric, None));
    let tables = tables.into_iter().collect::<Result<Vec<_>, _>>()?;
    say!("\n{}: medians over {} repeats", curve.provenance.data, curve.repeats());
    say!(
        "{:>6}{:>6}{:>12}{:>12}{:>12}{:>12}{:>12}",
        "n",
        "p",
        "test MSE",
        "test error",
        "train MSE",
        "norm",
        "σ_min"
    );
    let last = tables[0].iter().rposition(|summary| summary.arm == 1);
    let shown = tables[0].iter().enumerate().filter(|(i, s)| s.arm == 0 || Some(*i) == last);
    for (_, summary) in shown {
        let value = |table: usize| {
            let found =
                tables[table].iter().find(|s| (s.n, s.p, s.arm) == (summary.n, summary.p, summary.arm));
            found.map_or("-".into(), |s| short(s.median))
        };
        let columns: Vec<String> = (0..5).map(|table| format!("{:>12}", value(table))).collect();
        let p = if summary.arm == 0 { summary.p.to_string() } else { "∞".into() };
        say!("{:>6}{p:>6}{}", summary.n, columns.concat());
    }
    Ok(())
}
