//! The peak of double descent is there for any features: what label noise adds to the test error of minimum-norm
//! least squares, over the number of samples and over the number of features, for Gaussian features, the
//! sphere, random networks, Fourier and polynomial features, against a lower bound that holds for all
//! (Holzmüller, *On the universality of the double descent peak in ridgeless regression*, ICLR 2021).
//!
//! No noise is drawn: given the training features the noise term is `tr((X⁺)ᵀ Σ X⁺)`, and the nested engine gives it
//! for all n, or all p, of eight repeats at once. What takes time is Σ: that of a random network is estimated
//! from 10,000 draws, anew in each repeat.
//!
//! Run: `cargo run --release --example universality`. Finished repeats are kept in OUT/universality/*.values: a
//! run that was stopped goes on where it was, and one with more repeats adds to them.

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // places in sorted lists
#![allow(clippy::doc_markdown)] // doc comments are help texts

mod common;
#[path = "universality/figures.rs"]
mod figures;
#[path = "universality/maps.rs"]
mod maps;
#[path = "universality/study.rs"]
mod study;
#[path = "universality/tables.rs"]
mod tables;

use clap::Parser;
use common::{Statistic, finish, keep_folder, say, short, with_progress};
use double_descent::Error;
use double_descent::sweep::Record;
use double_descent::theory::noise::lower_bound;
use maps::Map;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use study::{CHUNK, Plan};
use tables::{Curves, Row};

/// The noise term of minimum-norm least squares over n and over p, for many kinds of features. Writes
/// OUT/universality/MAP_samples.csv, MAP_features.csv and figures, and keeps finished repeats in MAP.values.
#[derive(Parser)]
#[command(name = "universality")]
struct Cli {
    /// gaussian, sphere; networks: sigmoid, tanh, gelu, softplus, relu, selu, elu; fourier, polynomial; tangent
    /// features of networks: tangent-sigmoid, …; several, separated by commas [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    maps: Vec<String>,

    /// Repeats of each map
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    repeats: usize,

    /// Draws for the second moments Σ of a random network, in each repeat
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    draws: usize,

    /// The number of features of the curves over n, and of samples of the curves over p
    #[arg(long, value_name = "N", default_value_t = 30)]
    fixed: usize,

    /// Curves go from 1 to this
    #[arg(long, value_name = "N", default_value_t = 256)]
    largest: usize,

    /// Seed of everything that is drawn
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,

    /// Threads [default: all]; results do not depend on it
    #[arg(long, value_name = "N")]
    threads: Option<usize>,

    /// Write tables only
    #[arg(long)]
    no_figures: bool,

    /// What the lines of the figures show: means with their standard errors, or medians with quartiles
    #[arg(long, value_enum, default_value_t = Statistic::Mean)]
    statistic: Statistic,

    /// Folder for the results
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,

    #[command(flatten)]
    print: common::PrintArgs,
}

fn main() -> ExitCode {
    finish(run(&Cli::parse()))
}

fn run(cli: &Cli) -> Result<(), Error> {
    let counts = [
        ("--repeats", cli.repeats),
        ("--draws", cli.draws),
        ("--fixed", cli.fixed),
        ("--largest", cli.largest),
    ];
    if let Some((name, _)) = counts.iter().find(|(_, count)| *count == 0) {
        return Err(Error::Resource { reason: format!("{name} is 0; it must be at least 1") });
    }
    let maps = chosen(&cli.maps)?;
    let folder = cli.out.join("universality");
    keep_folder(&folder)?;
    let mut results = Vec::new();
    for map in maps {
        let plan = Plan { map, seed: cli.seed, draws: cli.draws, fixed: cli.fixed, largest: cli.largest };
        let curves = study(cli, &plan, &folder)?;
        tables::save(&curves.0, &folder.join(format!("{}_samples.csv", map.name())))?;
        if !curves.1.is_empty() {
            tables::save(&curves.1, &folder.join(format!("{}_features.csv", map.name())))?;
        }
        results.push((map, curves));
    }
    closing_table(&results);
    say!("written: {}: *_samples.csv, *_features.csv", folder.display());
    if !cli.no_figures {
        common::figures::save(&cli.print, &folder, figures::all(cli, &results))?;
    }
    Ok(())
}

fn chosen(names: &[String]) -> Result<Vec<Map>, Error> {
    if names.is_empty() {
        return Ok(Map::all());
    }
    let named = |name: &String| {
        Map::all().into_iter().find(|map| map.name() == *name).ok_or_else(|| Error::UnknownName {
            what: "feature map",
            name: name.clone(),
            choices: Map::all().into_iter().map(Map::name).collect(),
        })
    };
    let mut maps = Vec::new();
    for name in names {
        let map = named(name)?;
        if !maps.contains(&map) {
            maps.push(map);
        }
    }
    Ok(maps)
}

/// Computes the chunks that are not there yet, and summarises all.
fn study(cli: &Cli, plan: &Plan, folder: &Path) -> Result<Curves, Error> {
    let name = plan.map.name();
    let record = Record::open(&folder.join(format!("{name}.values")), &plan.identity())?;
    let count = cli.repeats.div_ceil(CHUNK);
    let computed = with_progress(&name, |bar| {
        record.run(0..count, 1, cli.threads, bar, |chunks| chunks.map(|chunk| plan.compute(chunk)).collect())
    });
    for notice in record.notices() {
        eprintln!("warning: {notice}");
    }
    computed?;
    let mut chunks = BTreeMap::new();
    for chunk in 0..count {
        chunks.extend(record.get(chunk)?.map(|values| (chunk, values)));
    }
    Ok(tables::summarise(plan, &chunks, cli.repeats))
}

/// Means at a few points, over the lower bound there.
fn closing_table(results: &[(Map, Curves)]) {
    say!("\nmean noise term (standard error) over its lower bound");
    say!("{:<18}{:>22}{:>22}{:>22}{:>22}", "map", "n = p/2", "n = 2p", "p = n/2", "p = 2n");
    let at = |rows: &[Row], (n, p): (usize, usize)| {
        let row = rows.iter().find(|row| (row.n, row.p) == (n, p));
        row.map_or("-".into(), |row| {
            let bound = lower_bound(n, p);
            format!("{} ({})", short(row.mean / bound), short(row.standard_error / bound))
        })
    };
    for (map, (samples, features)) in results {
        let p = samples.first().map_or(0, |row| row.p);
        let n = features.first().map_or(0, |row| row.n);
        say!(
            "{:<18}{:>22}{:>22}{:>22}{:>22}",
            map.name(),
            at(samples, (p / 2, p)),
            at(samples, (2 * p, p)),
            at(features, (n, n / 2)),
            at(features, (n, 2 * n))
        );
    }
}
