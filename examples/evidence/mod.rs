//! Does Bayes remove the peak? Ridge regression with the penalty of maximum evidence, chosen on the training rows
//! alone, has no peak, nor does a draw from its posterior. The evidence itself is smooth across the threshold: what a
//! fit gains from more features it pays for in the Occam factor (MacKay 1992).
//!
//! Run: `cargo run --release --example evidence`

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
mod figures;

use crate::common::flags::{Count, Failure, Program, Value, flags};
use crate::common::shards::{self, ShardArgs};
use crate::common::table::{Table, row};
use crate::common::{RunArgs, Sizes, around_threshold, check_noise, none_failed, say};
use double_descent::Error;
use double_descent::curve::{Curve, Metric, Summary};
use double_descent::rng::stream;
use double_descent::sweep::{Arm, Draw, Source, Splits, Sweep, TestOn};
use ndarray::Array2;
use rand::RngExt;
use rand_distr::StandardNormal;

flags! {
    /// Test error, posterior-predictive error, log evidence and Occam factor over the number of features. Writes
    /// OUT/evidence/{cells,bayes_cells,…}.csv and a figure.
    pub struct Cli {
        /// Number of training samples n; inputs have 8n dimensions
        samples: Count<8, 2000> = Count(80), "N";
        /// Numbers of features p (the first p inputs) [default: n/20 to 8n, denser around n]
        sizes: Option<Sizes> = None, "SIZES";
        /// Standard deviation of the label noise; noise-free targets have standard deviation 1
        noise: f64 = 0.5, "DEVIATION";
        /// Number of penalties per decade, from 10⁻² to 10⁴, among which the evidence chooses
        penalties: Count<1, 100> = Count(4), "N";
        /// Number of training sets
        repeats: usize = 50, "N";
        ..shards: ShardArgs = ShardArgs::default();
        ..run: RunArgs = RunArgs::over_axis();
    }
}

const METRICS: [Metric; 5] = [
    Metric::TestMse,
    Metric::TrainMse,
    Metric::LogEvidence,
    Metric::LogOccamFactor,
    Metric::PosteriorVariance,
];

impl Program for Cli {
    const NAME: &'static str = "evidence";

    fn run(&self) -> Result<(), Failure> {
        run(self)
    }
}

/// Coefficients of the teacher, scaled to norm 1; their squares fall as 1/j.
fn teacher(d: usize) -> Array2<f64> {
    let raw = Array2::from_shape_fn((d, 1), |(j, _)| ((j + 1) as f64).sqrt().recip());
    let length = raw.iter().map(|b| b * b).sum::<f64>().sqrt();
    raw / length
}

/// The sweep over the first `p` of `8n` standard normal inputs. The part of the target in the others acts as noise.
fn sweep(cli: &Cli) -> Result<Sweep, Error> {
    let n = usize::from(cli.samples);
    let (d, seed, deviation) = (8 * n, cli.run.seed, cli.noise);
    let source = Source::drawn("independent standard normal inputs", move |repeat| {
        let mut rng = stream(seed, 1, repeat);
        let mut normal = |rows, columns| {
            Array2::from_shape_simple_fn((rows, columns), || rng.sample::<f64, _>(StandardNormal))
        };
        let (inputs, noise) = (normal(n, d), normal(n, 1));
        let teacher = teacher(d);
        let targets = inputs.dot(&teacher) + noise * deviation;
        let test = TestOn::Population { covariance: Array2::eye(d), teacher, deviation };
        Ok(Draw { inputs, targets, test })
    });
    let per_decade = u32::try_from(usize::from(cli.penalties)).unwrap_or(1);
    let penalties = (0..=6 * per_decade).map(|i| 10_f64.powf(-2.0 + f64::from(i) / f64::from(per_decade)));
    let ridge = penalties.map(Arm::ridge).collect::<Result<Vec<_>, _>>()?;
    Ok(Sweep {
        samples: vec![n],
        features: cli.sizes.as_ref().map_or_else(|| around_threshold(n), |sizes| sizes.list.clone()),
        arms: std::iter::once(Arm::min_norm()).chain(ridge).collect(),
        metrics: METRICS.to_vec(),
        threads: cli.run.threads,
        ..Sweep::of(source, Splits::Drawn { repeats: cli.repeats, seed })
    })
}

/// Results from the ridge fits: those of maximum evidence, the errors of draws from their posteriors, and the best.
struct Bayes {
    mean: Curve,
    draw: Curve,
    /// The penalty with the least test error in every cell, which is unknown in practice.
    best: Curve,
}

fn run(cli: &Cli) -> Result<(), Failure> {
    check_noise(cli.noise)?;
    let folder = cli.run.make_folder("evidence", &cli.shards)?;
    let sweep = sweep(cli)?;
    let place = shards::Place { out: &cli.run.out, folder: &folder, name: None };
    let Some(curve) = shards::curve(&cli.shards, place, "evidence", &sweep)? else { return Ok(()) };
    none_failed(&curve)?;
    let mean = curve.most_of("ridge", Metric::LogEvidence)?;
    let mut draw = mean.clone();
    for cell in &mut draw.cells {
        cell.test_mse =
            Some(cell.test_mse.unwrap_or(f64::NAN) + cell.posterior_variance().unwrap_or(f64::NAN));
    }
    let bayes = Bayes { mean, draw, best: curve.least_of("ridge", Metric::TestMse)? };
    cli.run.save_tables(&curve, &folder, "", &METRICS)?;
    cli.run.save_tables(&bayes.mean, &folder, "bayes_", &METRICS)?;
    cli.run.save_tables(&bayes.draw, &folder, "draw_", &[Metric::TestMse])?;
    closing_table(&cli.run, &curve, &bayes)?;
    say!("written: {}: {{,bayes_,draw_}}{{cells,summary}}.csv", folder.display());
    if !cli.run.no_figures {
        let figure = figures::errors(cli, &curve, &bayes)?;
        crate::common::figures::save(&cli.run.print, &folder, [("evidence", figure)])?;
    }
    Ok(())
}

fn closing_table(args: &RunArgs, curve: &Curve, bayes: &Bayes) -> Result<(), Error> {
    let of = |curve: &Curve, metric| {
        let summaries = curve.summaries(metric, None)?;
        Ok::<Vec<Summary>, Error>(summaries.into_iter().filter(|s| s.arm == 0).collect())
    };
    let tables = [
        of(curve, Metric::TestMse)?,
        of(&bayes.mean, Metric::TestMse)?,
        of(&bayes.draw, Metric::TestMse)?,
        of(&bayes.best, Metric::TestMse)?,
        of(&bayes.mean, Metric::LogEvidence)?,
        of(&bayes.mean, Metric::LogOccamFactor)?,
    ];
    let n = curve.cells.first().map_or(0, |cell| cell.n);
    let title = format!("n = {n}: {}s over {} training sets", args.statistic.show(), curve.repeats());
    let columns =
        ["p", "minimum norm", "by evidence", "a draw", "best λ", "log evidence / n", "log Occam factor / n"];
    let mut table = Table::new(title, columns);
    for (i, first) in tables[0].iter().enumerate() {
        let value = |of: usize, scale: f64| tables[of].get(i).map(|s| scale * args.middle(s));
        let (per, error) = ((n as f64).recip(), |of| value(of, 1.0));
        row!(table, first.p, error(0), error(1), error(2), error(3), value(4, per), value(5, per));
    }
    table.print();
    Ok(())
}
