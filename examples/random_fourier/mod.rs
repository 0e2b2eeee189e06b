//! Double descent of random Fourier features, as Belkin et al. (2019) and Nakkiran et al. (2019, appendix D) show
//! it: minimum-norm regression of one-hot classes of Fashion-MNIST on cos(Wx + b), over the number of features at a
//! fixed number of images, and over the number of images at a fixed number of features.
//!
//! Run: `cargo run --release --example random_fourier`. Without the images (`--data-dir`, or the variable
//! DOUBLE_DESCENT_DATA) the classes are those of a random network on normal inputs.

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
#![allow(clippy::doc_markdown)] // doc comments are help texts

mod figures;

use crate::common::flags::{Failure, Program, Value, flags};
use crate::common::random_features::{self, InputArgs};
use crate::common::table::{Item, Table};
use crate::common::{RunArgs, Sizes, report_failures, say, shards};
use double_descent::Error;
use double_descent::curve::{ArmLabel, Axis, Curve, Metric, Summary, Surface};
use double_descent::kernel::KernelRegression;
use double_descent::sweep::Sweep;
use ndarray::{Array2, Axis as Along};

flags! {
    /// Model-wise and sample-wise double descent of random Fourier features. Writes
    /// OUT/random_fourier/{features,samples}_{cells,summary}.csv and figures.
    pub struct Cli {
        /// Numbers of features of the model-wise curve, numbers and ranges as in 50..4000:50
        features: Sizes = Sizes::of(FEATURES), "SIZES";
        /// Training images of the model-wise curve
        n: usize = 1000, "N";
        /// Numbers of training images of the sample-wise curve
        samples: Sizes = Sizes::of(SAMPLES), "SIZES";
        /// Features of the sample-wise curve
        p: usize = 1000, "N";
        /// Draw the limit of the model-wise curve too, kernel ridgeless regression: an SVD of n × n for each training set
        infinite_width: bool = false, "";
        ..inputs: InputArgs = InputArgs::default();
        ..run: RunArgs = RunArgs::over_axis();
    }
}

/// Dense about the threshold.
const FEATURES: &str = "10,20,35,50,75,100,150,200,300,400,500,600,700,800,850,900,940,970,990,1000,1010,1030,1060,\
                        1100,1150,1200,1300,1400,1600,2000,2500,3000,4000";
const SAMPLES: &str = FEATURES;

impl Program for Cli {
    const NAME: &'static str = "random_fourier";

    fn run(&self) -> Result<(), Failure> {
        run(self)
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    let folder = cli.run.make_folder("random_fourier")?;
    let (features, samples) = (cli.features.list.clone(), cli.samples.list.clone());
    let largest = features.iter().copied().chain([cli.p]).max().unwrap_or(0);
    let data = cli.inputs.data(cli.run.seed)?;
    if cli.inputs.shards.has_results() {
        crate::common::inputs::claim(&folder, data.train.name())?;
    }
    let mut sweep = cli.inputs.sweep(&data, largest, cli.run.seed, cli.run.threads)?;
    sweep.metrics.push(Metric::SmallestSingularValue);
    let (mut figures, mut failed) = (Vec::new(), 0);
    let studies = [
        ("features", Axis::Features, vec![cli.n], features),
        ("samples", Axis::Samples, samples, vec![cli.p]),
    ];
    for (name, axis, samples, features) in studies {
        (sweep.samples, sweep.features) = (samples, features);
        let place = shards::Place { out: &cli.run.out, folder: &folder, name: Some(name) };
        let Some(cells) = shards::curve(&cli.inputs.shards, place, name, &sweep)? else { continue };
        let mut curve = over(axis, &sweep, cells)?;
        if cli.infinite_width && axis == Axis::Features {
            add_limit(cli, &sweep, &mut curve)?;
        }
        let metrics = figures::PANELS.map(|panel| panel.0);
        cli.run.save_tables(&curve, &folder, &format!("{name}_"), &metrics)?;
        closing_table(&cli.run, &curve)?;
        failed += report_failures(&curve);
        let about = random_features::describe(&sweep);
        figures.push((name, figures::panels(&cli.run, &curve, &about)?));
    }
    if !cli.inputs.shards.has_results() {
        return Ok(());
    }
    say!("written: {}: {{features,samples}}_{{cells,summary}}.csv", folder.display());
    if !cli.run.no_figures {
        crate::common::figures::save(&cli.run.print, &folder, figures)?;
    }
    match failed {
        0 => Ok(()),
        _ => Err(Error::Resource { reason: format!("{failed} repeats could not be computed") }.into()),
    }
}

/// Cells as a curve over one of the axes.
fn over(axis: Axis, sweep: &Sweep, cells: Curve) -> Result<Curve, Error> {
    let surface = Surface::new(cells)?;
    let curve = match axis {
        Axis::Samples => surface.over_samples(sweep.features[0]),
        _ => surface.over_features(sweep.samples[0]),
    };
    // Without a cell: the failures say why.
    Ok(curve.unwrap_or_else(|| surface.cells().clone()))
}

/// The arm of infinite width: a cell at every p, all alike.
fn add_limit(cli: &Cli, sweep: &Sweep, curve: &mut Curve) -> Result<(), Error> {
    let (sizes, arm) = (curve.axis_values(), curve.arms.len());
    curve.arms.push(ArmLabel::new("infinite_width", None));
    let (Some(train), Some(test)) = (sweep.source.train(), sweep.source.test()) else { return Ok(()) };
    for (repeat, order) in sweep.splits.orders(train.len(), cli.n)?.iter().enumerate() {
        let rows = |table: &Array2<f64>| table.select(Along(0), &order[..cli.n]);
        let (x, y) = (rows(train.features()), rows(train.targets()));
        let limit = KernelRegression::fit(cli.inputs.kernel()?, &x, &y)?;
        curve.cells.extend(limit.cells((test.features(), test.targets()), &sizes, repeat, arm)?);
    }
    curve.cells.sort_by_key(|cell| (cell.repeat, cell.p, cell.arm));
    Ok(())
}

/// Middles over the axis, and in the limit.
fn closing_table(args: &RunArgs, curve: &Curve) -> Result<(), Error> {
    let tables = figures::PANELS.map(|(metric, ..)| curve.summaries(metric, None));
    let tables = tables.into_iter().collect::<Result<Vec<_>, _>>()?;
    let (data, repeats, statistic) = (&curve.provenance.data, curve.repeats(), args.statistic.show());
    let mut table = Table::new(
        format!("{data}: {statistic}s over {repeats} repeats"),
        ["n", "p", "test MSE", "test error", "train MSE", "norm", "σ_min"],
    );
    let last = tables[0].iter().rposition(|summary| summary.arm == 1);
    let shown = tables[0].iter().enumerate().filter(|(i, s)| s.arm == 0 || Some(*i) == last);
    for (_, summary) in shown {
        let value = |table: &Vec<Summary>| {
            let same = |s: &&Summary| (s.n, s.p, s.arm) == (summary.n, summary.p, summary.arm);
            Item::from(table.iter().find(same).map(|s| args.middle(s)))
        };
        let p = if summary.arm == 0 { Item::from(summary.p) } else { Item::from("∞") };
        table.push([summary.n.into(), p].into_iter().chain(tables.iter().map(value)).collect());
    }
    table.print();
    Ok(())
}
