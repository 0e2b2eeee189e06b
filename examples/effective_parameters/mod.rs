//! The same curve on three axes (Curth, Jeffares and van der Schaar 2023). Over the number of features p, the test
//! error of random Fourier features descends twice; over degrees of freedom, the second descent is a vertical line;
//! over effective parameters p̂⁰ on the test rows, it folds back. Also: other complexity measures along p, and where
//! each peaks.
//!
//! Run: `cargo run --release --example effective_parameters`

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
mod figures;

use crate::common::flags::{Count, Failure, Program, Value, flags};
use crate::common::shards::{self, ShardArgs};
use crate::common::table::{Table, row};
use crate::common::{RunArgs, Sizes, around_threshold, check_positive, counted, none_failed, say};
use double_descent::Error;
use double_descent::curve::{Curve, Metric};
use double_descent::dataset::Dataset;
use double_descent::features::RandomFourier;
use double_descent::sweep::{Arm, Intercept, Maps, Source, Splits, Sweep};

flags! {
    /// Test error of random Fourier features on the diabetes table, over p, degrees of freedom and effective
    /// parameters. Writes OUT/effective_parameters/cells.csv, summary.csv and figures.
    pub struct Cli {
        /// Number of training samples n, of 442 rows; the other rows are for testing
        samples: Count<8, 400> = Count(100), "N";
        /// Numbers of features p, as in 10..100:10,200 [default: n/20 to 8n, denser around n]
        sizes: Option<Sizes> = None, "SIZES";
        /// Factor γ in the kernel exp(−γ ‖x − x'‖²) of the features, for inputs of variance 1
        gamma: f64 = 0.05, "GAMMA";
        /// Number of training sets, each with its own feature map
        repeats: usize = 30, "N";
        ..shards: ShardArgs = ShardArgs::default();
        ..run: RunArgs = RunArgs::over_axis();
    }
}

/// All metrics measured for a fit.
const METRICS: [Metric; 10] = [
    Metric::TestMse,
    Metric::TrainMse,
    Metric::DegreesOfFreedom,
    Metric::EffectiveParameters,
    Metric::EffectiveParametersTrain,
    Metric::CoefficientNorm,
    Metric::RademacherBound,
    Metric::FisherRaoNorm,
    Metric::StableRank,
    Metric::ParticipationRatio,
];

impl Program for Cli {
    const NAME: &'static str = "effective_parameters";

    fn run(&self) -> Result<(), Failure> {
        run(self)
    }
}

/// The experiment.
fn sweep(cli: &Cli) -> Result<Sweep, Error> {
    let data = Dataset::diabetes().standardised()?;
    let (n, seed, gamma) = (usize::from(cli.samples), cli.run.seed, cli.gamma);
    let features = cli.sizes.as_ref().map_or_else(|| around_threshold(n), |sizes| sizes.list.clone());
    let (inputs, widest) = (data.features().ncols(), features.iter().copied().max().unwrap_or(1));
    let map = move |repeat: usize| {
        let seed = seed.wrapping_mul(1_000_003).wrapping_add(repeat as u64);
        RandomFourier::gaussian(inputs, widest, gamma, seed)
    };
    Ok(Sweep {
        maps: Maps::drawn(map),
        samples: vec![n],
        features,
        arms: vec![Arm::min_norm()],
        metrics: METRICS.to_vec(),
        intercept: Intercept::Free,
        threads: cli.run.threads,
        ..Sweep::of(Source::Table(data), Splits::Drawn { repeats: cli.repeats, seed })
    })
}

fn run(cli: &Cli) -> Result<(), Failure> {
    check_positive("gamma", cli.gamma)?;
    let folder = cli.run.make_folder("effective_parameters", &cli.shards)?;
    let sweep = sweep(cli)?;
    let place = shards::Place { out: &cli.run.out, folder: &folder, name: None };
    let Some(curve) = shards::curve(&cli.shards, place, "effective parameters", &sweep)? else {
        return Ok(());
    };
    none_failed(&curve)?;
    cli.run.save_tables(&curve, &folder, "", &METRICS)?;
    closing_table(&cli.run, &curve)?;
    say!("written: {}: cells.csv, summary.csv", folder.display());
    if !cli.run.no_figures {
        let figures = [
            ("three_axes", figures::three_axes(&cli.run, &curve, sweep.source.train())?),
            ("measures", figures::measures(&cli.run, &curve)?),
        ];
        crate::common::figures::save(&cli.run.print, &folder, figures)?;
    }
    Ok(())
}

fn closing_table(args: &RunArgs, curve: &Curve) -> Result<(), Error> {
    let shown = [0, 2, 3, 4, 1];
    let tables = shown.map(|i| curve.summaries(METRICS[i], None));
    let tables = tables.into_iter().collect::<Result<Vec<_>, _>>()?;
    let columns = ["p", "test MSE", "degrees of freedom", "p̂⁰ test", "p̂⁰ train", "train MSE"];
    let n = curve.cells.first().map_or(0, |cell| cell.n);
    let title = format!("n = {n}: {}s over {}", args.statistic.show(), counted(curve.repeats(), "repeat"));
    let mut table = Table::new(title, columns);
    for (i, first) in tables[0].iter().enumerate() {
        let value = |of: usize| tables[of].get(i).map(|s| args.middle(s));
        row!(table, first.p, value(0), value(1), value(2), value(3), value(4));
    }
    if let (Some(highest), Some(last)) = (args.highest(tables[2].iter()), tables[2].last()) {
        let (peak, end) = (args.middle(highest), args.middle(last));
        let same = tables[2].iter().find(|s| args.middle(s) >= end).map_or(0, |s| s.p);
        table.note(format!(
            "p̂⁰ on test rows is largest, {}, at p = {}; {} features count as {}, no more than {same} features",
            crate::common::trimmed(peak),
            highest.p,
            last.p,
            crate::common::trimmed(end),
        ));
    }
    table.print();
    Ok(())
}
