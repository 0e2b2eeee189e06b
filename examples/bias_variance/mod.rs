//! Bias, variance and noise across the threshold, in closed form and by Monte Carlo over training sets, label noise and
//! feature seeds: bias falls, the peak is variance, and nearly all of it is due to label noise and training inputs
//! together (Adlam and Pennington 2020; d'Ascoli et al. 2020).
//!
//! Run: `cargo run --release --example bias_variance`

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
mod figures;
mod study;

use crate::common::flags::{Count, Failure, Program, flags, refused};
use crate::common::shards::ShardArgs;
use crate::common::table::{Table, row};
use crate::common::{PrintArgs, check_noise, counted, save_table, say};
use double_descent::Error;
use std::cell::Cell;
use std::path::{Path, PathBuf};
use study::{Measured, Plan};

flags! {
    /// Bias and variance in closed form and by Monte Carlo: weak features over p, a covariate shift over n, random
    /// features of a network with the symmetric split of their variance. Writes OUT/bias_variance/parts.csv and
    /// figures.
    pub struct Cli {
        /// Number of training samples n for weak features, and of features p for the covariate shift
        samples: Count<8, 4000> = Count(40), "N";
        /// Number of training samples n for the network, whose inputs have n/3 dimensions
        network_samples: Count<12, 4000> = Count(90), "N";
        /// Number of training sets
        sets: Count<3> = Count(40), "N";
        /// Number of label noise draws per training set
        draws: Count<3> = Count(5), "N";
        /// Number of draws of the network's weights per training set and noise draw
        seeds: Count<3> = Count(8), "N";
        /// Number of designs to average over, for closed forms that hold for a given design
        designs: Count<2> = Count(400), "N";
        /// Standard deviation of the label noise; noise-free targets have standard deviation 1
        noise: f64 = 0.5, "DEVIATION";
        /// Seed for all random draws
        seed: u64 = 0, "SEED";
        /// Number of threads; results do not depend on it [default: all]
        threads: Option<usize> = None, "N";
        /// Write tables only, no figures
        no_figures: bool = false, "";
        /// Folder for the results
        out: PathBuf = "results".into(), "DIR";
        ..shards: ShardArgs = ShardArgs::default();
        ..print: PrintArgs = PrintArgs::default();
    }
}

impl Program for Cli {
    const NAME: &'static str = "bias_variance";

    fn run(&self) -> Result<(), Failure> {
        run(self)
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    check_noise(cli.noise)?;
    let plan = Plan {
        samples: cli.samples.into(),
        network_samples: cli.network_samples.into(),
        sets: cli.sets.into(),
        draws: cli.draws.into(),
        seeds: cli.seeds.into(),
        designs: cli.designs.into(),
        noise: cli.noise,
        seed: cli.seed,
        threads: cli.threads,
        out: cli.out.clone(),
        shards: ShardArgs { shard: cli.shards.shard },
        failed: Cell::default(),
    };
    let folder = plan.folder();
    cli.shards.make_folder(&folder)?;
    let parts = [plan.weak_features()?, plan.covariate_shift()?, plan.network()?];
    if !cli.shards.has_results() {
        return Ok(());
    }
    let measured: Vec<Measured> = parts.into_iter().flatten().collect();
    save_parts(&measured, &folder.join("parts.csv"))?;
    closing_table(&measured);
    say!("written: {}: parts.csv", folder.display());
    if !cli.no_figures {
        let figures = [
            ("threshold", figures::threshold(&plan, &measured)),
            ("features", figures::features(&plan, &measured)),
        ];
        crate::common::figures::save(&cli.print, &folder, figures)?;
    }
    match plan.failed.get() {
        0 => Ok(()),
        failed => refused(format!("{} could not be computed", counted(failed, "fit"))),
    }
}

/// Writes every part at every size.
fn save_parts(measured: &[Measured], path: &Path) -> Result<(), Error> {
    let header = ["experiment", "part", "n", "p", "monte_carlo", "standard_error", "closed_form"];
    let header: Vec<&str> = header.into_iter().chain(["closed_form_error"]).collect();
    let mut rows = Vec::new();
    for experiment in measured {
        for line in &experiment.lines {
            for point in &line.points {
                let error = point.found.standard_error.unwrap_or(f64::NAN);
                let numbers = [point.found.value, error, point.known, point.known_error];
                let words = [experiment.name.to_owned(), line.part.to_owned()];
                let counts = [point.n, point.p].map(|count| count.to_string());
                let words = words.into_iter().chain(counts);
                rows.push(words.chain(numbers.map(|number| number.to_string())).collect());
            }
        }
    }
    save_table(path, &header, rows)
}

/// Prints the differences between Monte Carlo and closed forms, in standard errors of the difference.
fn closing_table(measured: &[Measured]) {
    let columns = ["experiment", "part", "points", "root mean square z", "largest z", "at p/n"];
    let mut table = Table::new("Closed form against Monte Carlo", columns);
    for experiment in measured {
        for line in &experiment.lines {
            let found: Vec<(f64, f64)> = line.points.iter().filter_map(study::Point::z).collect();
            // NaN, and so blank, without any.
            let mean = found.iter().map(|(_, z)| z * z).sum::<f64>() / found.len() as f64;
            let largest = found.iter().copied().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
            let (at, largest) = largest.unzip();
            row!(table, experiment.name, line.part, found.len(), mean.sqrt(), largest, at);
        }
    }
    table.note(
        "minimum-norm fits with |n − p| ≤ 3 are left out, as estimates have no variance there; the network's closed \
         form is a limit, from which points deviate less the larger the size",
    );
    table.print();
}
