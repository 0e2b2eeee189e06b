//! Stochastic gradient descent on least squares, in expectation and simulated: the excess risk over the steps for
//! several batch sizes and step sizes from the exact recursion of its second moments, with simulated runs on top, the
//! level at which it settles, and the step size at which it becomes unstable (Wu, Ma and E 2018).
//!
//! Run: `cargo run --release --example sgd`

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
mod figures;
mod study;

use crate::common::flags::{Count, Failure, Program, flags, usage};
use crate::common::table::{Table, row};
use crate::common::{PrintArgs, check_noise, make_folder, save_table, say};
use std::path::{Path, PathBuf};
use study::{Study, Trace};

flags! {
    /// Expected risk of stochastic gradient descent, compared with simulated runs. Writes OUT/sgd/risk.csv,
    /// stability.csv and a figure.
    pub struct Cli {
        /// Number of training samples n
        samples: Count<4, 400> = Count(60), "N";
        /// Number of features p
        features: Count<2, 400> = Count(20), "P";
        /// Standard deviation of the label noise; noise-free targets have standard deviation 1
        noise: f64 = 0.5, "X";
        /// Batch sizes, in rows
        batches: Vec<usize> = vec![1, 4, 16], "SIZES";
        /// Step sizes, as shares of the largest stable step size at the first batch size
        rates: Vec<f64> = vec![0.05, 0.2, 0.6], "SHARES";
        /// Number of steps
        steps: usize = 2000, "N";
        /// Number of simulated runs per setting, each with its own label noise
        runs: Count<2, { u32::MAX }> = Count(400), "N";
        /// Seed for all random draws
        seed: u64 = 0, "SEED";
        /// Write tables only, no figures
        no_figures: bool = false, "";
        /// Folder for the results
        out: PathBuf = "results".into(), "DIR";
        ..print: PrintArgs = PrintArgs::default();
    }
}

impl Program for Cli {
    const NAME: &'static str = "sgd";

    fn run(&self) -> Result<(), Failure> {
        run(self)
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    check_noise(cli.noise)?;
    if cli.batches.is_empty() || cli.batches.contains(&0) {
        return usage("--batches lists numbers of rows from 1 on");
    }
    if cli.rates.is_empty() || cli.rates.iter().any(|share| !(*share > 0.0 && *share < 1.0)) {
        return usage("--rates lists shares over 0 and under 1 of the largest stable step");
    }
    let folder = cli.out.join("sgd");
    make_folder(&folder)?;
    let study = Study::draw(cli)?;
    let (by_batch, by_rate) = (study.by_batch()?, study.by_rate()?);
    let stability = study.stability()?;
    let traces: Vec<&Trace> = by_batch.iter().chain(&by_rate[..by_rate.len() - 1]).collect();
    save(&folder, &traces)?;
    study.save_stability(&stability, &folder.join("stability.csv"))?;
    closing_table(cli, &traces);
    say!("written: {}: risk.csv, stability.csv", folder.display());
    if !cli.no_figures {
        let figure = figures::page(cli, &study, (&by_batch, &by_rate), &stability);
        crate::common::figures::save(&cli.print, &folder, [("risk", figure)])?;
    }
    Ok(())
}

fn save(folder: &Path, traces: &[&Trace]) -> Result<(), Failure> {
    let header =
        ["batch", "step_size", "step", "expected_excess", "full_batch", "simulated", "standard_error"];
    let rows = traces.iter().flat_map(|trace| {
        trace.points.iter().map(|point| {
            let numbers =
                [trace.step, point.step as f64, point.expected, point.full_batch, point.mean, point.error];
            std::iter::once(trace.batch.to_string()).chain(numbers.map(|v| format!("{v:?}"))).collect()
        })
    });
    Ok(save_table(&folder.join("risk.csv"), &header, rows.collect())?)
}

/// Prints where each setting ends, where it would settle, and the largest deviation of simulated runs from the
/// expectation.
fn closing_table(cli: &Cli, traces: &[&Trace]) {
    let title = format!("Excess risk after {} steps, {} runs", cli.steps, cli.runs.0);
    let columns =
        ["batch", "step size", "expected", "simulated", "stationary", "feedback of squares", "worst z"];
    let mut table = Table::new(title, columns);
    for trace in traces {
        let last = trace.points.last();
        let far = trace.points.iter().map(|point| point.z().abs()).fold(f64::NAN, f64::max);
        row!(
            table,
            trace.batch,
            trace.step,
            last.map(|point| point.expected),
            last.map(|point| point.mean),
            trace.stationary,
            trace.amplification,
            far
        );
    }
    table.note("feedback of squares: below 1, second moments decay; z: standard errors of the simulation");
    table.print();
}
