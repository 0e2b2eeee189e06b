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

mod figures;
mod maps;
mod study;
mod tables;

use crate::common::flags::{Failure, Program, flags, usage};
use crate::common::inputs::split_lists;
use crate::common::shards::{self, ShardArgs};
use crate::common::table::{Item, Table};
use crate::common::{Statistic, keep_folder, say};
use double_descent::Error;
use double_descent::sweep::Workload;
use double_descent::theory::noise::lower_bound;
use maps::Map;
use std::path::{Path, PathBuf};
use study::{CHUNK, Plan};
use tables::{Curves, Row};

flags! {
    /// The noise term of minimum-norm least squares over n and over p, for many kinds of features. Writes
    /// OUT/universality/MAP_samples.csv, MAP_features.csv and figures, and keeps finished repeats in MAP.values.
    pub struct Cli {
        /// gaussian, sphere; networks: sigmoid, tanh, gelu, softplus, relu, selu, elu; fourier, polynomial; tangent
        /// features of networks: tangent-sigmoid, …; several, separated by commas [default: all]
        maps: Vec<String> = Vec::new(), "NAMES";
        /// Repeats of each map
        repeats: usize = 10_000, "N";
        /// Draws for the second moments Σ of a random network, in each repeat
        draws: usize = 10_000, "N";
        /// The number of features of the curves over n, and of samples of the curves over p
        fixed: usize = 30, "N";
        /// Curves go from 1 to this
        largest: usize = 256, "N";
        /// Seed of everything that is drawn
        seed: u64 = 0, "SEED";
        /// Threads [default: all]; results do not depend on it
        threads: Option<usize> = None, "N";
        /// Write tables only
        no_figures: bool = false, "";
        /// What the lines of the figures show: means with their standard errors, or medians with quartiles
        statistic: Statistic = Statistic::Mean, "STATISTIC";
        /// Folder for the results
        out: PathBuf = "results".into(), "DIR";
        ..shards: ShardArgs = ShardArgs::default();
        ..print: crate::common::PrintArgs = crate::common::PrintArgs::default();
    }
}

impl Program for Cli {
    const NAME: &'static str = "universality";

    fn run(&self) -> Result<(), Failure> {
        run(self)
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    let counts = [
        ("--repeats", cli.repeats),
        ("--draws", cli.draws),
        ("--fixed", cli.fixed),
        ("--largest", cli.largest),
    ];
    if let Some((name, _)) = counts.iter().find(|(_, count)| *count == 0) {
        return usage(format!("{name} is 0; it must be at least 1"));
    }
    let maps = chosen(&split_lists(&cli.maps)?)?;
    let folder = cli.out.join("universality");
    keep_folder(&folder)?;
    let mut results = Vec::new();
    for map in maps {
        let plan = Plan { map, seed: cli.seed, draws: cli.draws, fixed: cli.fixed, largest: cli.largest };
        let Some(curves) = study(cli, &plan, &folder)? else { continue };
        tables::save(&curves.0, &folder.join(format!("{}_samples.csv", map.name())))?;
        if !curves.1.is_empty() {
            tables::save(&curves.1, &folder.join(format!("{}_features.csv", map.name())))?;
        }
        results.push((map, curves));
    }
    if !cli.shards.has_results() {
        return Ok(());
    }
    closing_table(&results);
    say!("written: {}: *_samples.csv, *_features.csv", folder.display());
    if !cli.no_figures {
        crate::common::figures::save(&cli.print, &folder, figures::all(cli, &results))?;
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

/// Computes the chunks that are not there yet, or takes them from shards, and summarises all.
fn study(cli: &Cli, plan: &Plan, folder: &Path) -> Result<Option<Curves>, Failure> {
    let (name, identity) = (plan.map.name(), plan.identity());
    let place = shards::Place { out: &cli.out, folder, name: Some(&name) };
    let workload = Workload::equal(cli.repeats.div_ceil(CHUNK), plan.flops());
    let what = (name.as_str(), &identity, workload);
    let chunks = shards::payloads(&cli.shards, place, what, cli.threads, |chunks| {
        chunks.map(|chunk| plan.compute(chunk)).collect()
    })?;
    Ok(chunks.map(|chunks| tables::summarise(plan, &chunks, cli.repeats)))
}

/// Means at a few points, over the lower bound there.
fn closing_table(results: &[(Map, Curves)]) {
    let columns = ["n = p/2", "n = 2p", "p = n/2", "p = 2n"];
    let columns = columns.iter().flat_map(|place| [(*place).to_owned(), format!("± at {place}")]);
    let columns = std::iter::once("map".to_owned()).chain(columns);
    let mut table = Table::new("mean noise term over its lower bound, with standard errors", columns);
    let at = |rows: &[Row], (n, p): (usize, usize)| {
        let row = rows.iter().find(|row| (row.n, row.p) == (n, p));
        let values = row.map(|row| [row.mean, row.standard_error].map(|value| value / lower_bound(n, p)));
        [0, 1].map(|i| Item::from(values.map(|values| values[i])))
    };
    for (map, (samples, features)) in results {
        let p = samples.first().map_or(0, |row| row.p);
        let n = features.first().map_or(0, |row| row.n);
        let places = [
            at(samples, (p / 2, p)),
            at(samples, (2 * p, p)),
            at(features, (n, n / 2)),
            at(features, (n, 2 * n)),
        ];
        table.push(std::iter::once(map.name().into()).chain(places.into_iter().flatten()).collect());
    }
    table.print();
}
