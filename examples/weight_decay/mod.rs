//! Weight decay and double descent: the test error over the number of features p and the penalty λ, from λ = 0 on, with
//! the best penalty at each p. With a tuned penalty, the error has no peak (Nakkiran, Venkat, Kakade and Ma 2021). As a
//! critique: without a penalty, more features beat the best small model only past the threshold, if at all; tuned, each
//! increase in size lowers the error.
//!
//! Run: `cargo run --release --example weight_decay`

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
mod design;
mod figures;

use crate::common::flags::{Count, Failure, Program, Rule, Value, flags};
use crate::common::shards::{self, ShardArgs};
use crate::common::table::{Item, Table, row};
use crate::common::{
    RunArgs, Sizes, check_noise, check_not_negative, counted, feature_sizes, keep_folder, report_failures,
    save_table, say,
};
use design::Design;
use double_descent::Error;
use double_descent::curve::Surface;
use ndarray::{Array2, ArrayView1};
use std::path::Path;

flags! {
    /// Test error over model size and weight decay, starting at 0, and how tuning the weight decay changes double
    /// descent. Writes OUT/weight_decay/cells.csv, sizes.csv and a figure.
    pub struct Cli {
        /// Number of training samples n
        samples: Count<4, 2000> = Count(100), "N";
        /// Numbers of features p; the largest is the number of all features, which the teacher uses
        features: Sizes = Sizes::of("4..80:4,84..116:2,120..200:5,210..300:10"), "SIZES";
        /// Penalties λ in ‖Xβ − y‖²/n + λ‖β‖², for rows of mean squared norm 1 [default: 0 and 10⁻⁶ to 0.1]
        penalties: Vec<f64> = Vec::new(), "VALUES";
        /// Standard deviation of the label noise; noise-free targets have standard deviation 1
        noise: f64 = 0.5, "X";
        /// Number of training sets
        repeats: usize = 60, "N";
        ..shards: ShardArgs = ShardArgs::default();
        ..run: RunArgs = RunArgs::over_axis();
    }
}

impl Program for Cli {
    const NAME: &'static str = "weight_decay";
    const RULES: &'static [Rule] = &[
        // The figure has a map, whose legends are always on the right, and no bands; there is no summary.csv.
        Rule::Without("x"),
        Rule::Without("legend"),
        Rule::Without("bootstrap"),
        Rule::Help("statistic", "Statistic shown in sizes.csv, the figure and the closing table"),
    ];

    fn run(&self) -> Result<(), Failure> {
        run(self)
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    check_noise(cli.noise)?;
    let mut penalties = cli.penalties.clone();
    if penalties.is_empty() {
        // Ten per factor of ten, and zero.
        penalties =
            std::iter::once(0.0).chain((-60..=-10).map(|i| 10f64.powf(f64::from(i) / 10.0))).collect();
    }
    penalties.sort_unstable_by(f64::total_cmp);
    check_not_negative("penalties", &penalties)?;
    let features = feature_sizes("features", Some(&cli.features), cli.samples.into())?;
    let all = features.last().copied().unwrap_or(0);
    let design = Design { n: cli.samples.into(), features: all, deviation: cli.noise, seed: cli.run.seed };
    let folder = cli.run.make_folder("weight_decay", &cli.shards)?;
    let sweep = design.sweep(features, &penalties, cli.repeats, cli.run.threads);
    let place = shards::Place { out: &cli.run.out, folder: &folder, name: None };
    let Some(map) = shards::surface(&cli.shards, place, "p × λ", &sweep)? else { return Ok(()) };
    keep_folder(&folder)?;
    map.save_cells(folder.join("cells.csv"))?;
    if report_failures(map.cells()) > 0 {
        return Err(Error::Resource { reason: "some fits failed; all others are written".into() }.into());
    }
    let found = Found::new(&cli.run, &map, design.n)?;
    save(&found, &folder.join("sizes.csv"))?;
    closing_table(cli, &found);
    say!("written: {}: cells.csv, sizes.csv", folder.display());
    if !cli.run.no_figures {
        let figure = figures::page(&cli.run, &design, &map, &found);
        crate::common::figures::save(&cli.run.print, &folder, [("weight_decay", figure)])?;
    }
    Ok(())
}

/// Medians or means over the training sets (penalties × features), and the best penalty of each column.
struct Found {
    n: usize,
    penalties: Vec<f64>,
    features: Vec<f64>,
    errors: Array2<f64>,
    /// The index of the best penalty for each p.
    best: Vec<usize>,
}

impl Found {
    fn new(args: &RunArgs, map: &Surface, n: usize) -> Result<Self, Error> {
        let errors = args.middles(map)?;
        let best = errors.columns().into_iter().map(lowest).collect();
        Ok(Self { n, penalties: map.row_values(), features: map.column_values(), errors, best })
    }

    /// The error over p with the best penalty at each.
    fn tuned(&self) -> Vec<f64> {
        self.best.iter().enumerate().map(|(p, &row)| self.errors[[row, p]]).collect()
    }

    /// The rows shown: no penalty, and each power of ten.
    fn shown(&self) -> Vec<usize> {
        let is_decade = |v: f64| v == 0.0 || (v.log10() - v.log10().round()).abs() < 1e-9 && v > 3e-6;
        (0..self.penalties.len()).filter(|&row| is_decade(self.penalties[row])).collect()
    }

    /// Summarises a curve over p on both sides of the threshold.
    fn sizes(&self, errors: ArrayView1<'_, f64>) -> Sides {
        let small = self.features.iter().filter(|&&p| p < self.n as f64).count();
        let (before, after) = (errors.slice(ndarray::s![..small]), errors.slice(ndarray::s![small..]));
        let classical = lowest(before);
        let peak = (0..errors.len()).fold(0, |most, p| if errors[p] > errors[most] { p } else { most });
        let beats = after.iter().position(|error| *error < errors[classical]);
        let steps = || errors.windows(2).into_iter().map(|pair| pair[1] / pair[0]);
        Sides {
            classical: (self.features[classical], errors[classical]),
            highest: (self.features[peak], errors[peak]),
            last: errors[errors.len() - 1],
            beats: beats.map(|at| self.features[small + at]),
            rises: steps().filter(|step| *step > 1.0).count(),
            steepest: steps().fold(1.0, f64::max),
        }
    }
}

/// A summary of the curve over p at one penalty.
struct Sides {
    /// The best p < n and its error.
    classical: (f64, f64),
    highest: (f64, f64),
    last: f64,
    /// The p ≥ n from which the error is below that of the best p < n.
    beats: Option<f64>,
    /// The number of steps in p at which the error rises, and the largest factor.
    rises: usize,
    steepest: f64,
}

fn lowest(errors: ArrayView1<'_, f64>) -> usize {
    (0..errors.len()).fold(0, |best, at| if errors[at] < errors[best] { at } else { best })
}

fn save(found: &Found, path: &Path) -> Result<(), Error> {
    let row = |(p, &best): (usize, &usize)| {
        let errors = [found.errors[[0, p]], found.penalties[best], found.errors[[best, p]]];
        let errors = errors.map(|v| format!("{v:?}"));
        [found.features[p].to_string()].into_iter().chain(errors).collect()
    };
    let header = ["p", "least_penalty", "best_penalty", "tuned"];
    save_table(path, &header, found.best.iter().enumerate().map(row).collect())
}

/// Prints, for each penalty and for the tuned one, whether and where larger models are better.
fn closing_table(cli: &Cli, found: &Found) {
    let statistic = cli.run.statistic.show();
    let title =
        format!("{statistic} test error over p, n = {}, {}", found.n, counted(cli.repeats, "training set"));
    let columns = [
        "penalty",
        "best p < n",
        "error there",
        "highest at p",
        "highest error",
        "at the last p",
        "beaten from p",
        "rises",
    ];
    let mut table = Table::new(title, columns);
    let mut add = |name: Item, sides: &Sides| {
        let (classical, highest) = (sides.classical, sides.highest);
        row!(
            table,
            name,
            Item::Setting(classical.0),
            classical.1,
            Item::Setting(highest.0),
            highest.1,
            sides.last,
            sides.beats.map(Item::Setting),
            sides.rises
        );
    };
    for row in found.shown() {
        add(found.penalties[row].into(), &found.sizes(found.errors.row(row)));
    }
    let tuned = found.tuned();
    add("tuned".into(), &found.sizes(ArrayView1::from(&tuned[..])));
    table.note("beaten from p: the first p ≥ n with an error under that of the best p < n; rises: of the steps along p");
    table.print();
}
