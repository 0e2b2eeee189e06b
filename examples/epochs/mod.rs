//! Double descent over training time in a linear model. In a design with two time scales, small models learn
//! monotonically, medium ones overfit, and large ones descend twice; one factorisation per p and training set gives all
//! t. Besides the p × t map: what a large model learns at which time, and the value of stopping.
//!
//! Nakkiran et al. 2019 (small, medium and large models over epochs); Heckel and Yilmaz 2021 (why: each feature has its
//! own bias-variance trade-off in time).
//!
//! Run: `cargo run --release --example epochs`

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
mod design;
mod figures;
mod stopping;
mod turns;

use crate::common::flags::{Count, Failure, Program, Rule, Value, flags};
use crate::common::shards::{self, ShardArgs};
use crate::common::table::{Table, row};
use crate::common::{
    BAND_IN_FIGURES, RunArgs, Sizes, check_noise, counted, keep_folder, report_failures, save_table, say,
    trimmed,
};
use design::Design;
use double_descent::Error;
use double_descent::curve::{Curve, Metric, ShapeReport, ShapeTest};
use std::path::Path;
use stopping::Stopped;

flags! {
    /// Test error over training time and model size: the p × t map, certified curve shapes and the benefit of early
    /// stopping. Writes OUT/epochs/cells.csv, stopping.csv and figures.
    pub struct Cli {
        /// Number of training samples n
        samples: Count<15, 2000> = Count(150), "N";
        /// Numbers of features p in the map
        features: Sizes = Sizes::of("5..300:5"), "SIZES";
        /// Numbers of features p of the models whose curves are drawn: small, medium and large
        shown: Sizes = Sizes::of("10,60,110"), "SIZES";
        /// Number of times on the gradient flow, from 10⁻² to 10⁶
        times: Count<8, 4000> = Count(200), "N";
        /// Standard deviation of the label noise
        noise: f64 = 1.0, "X";
        /// Number of training sets
        repeats: usize = 60, "N";
        ..shards: ShardArgs = ShardArgs::default();
        ..run: RunArgs = RunArgs::over_axis();
    }
}

impl Program for Cli {
    const NAME: &'static str = "epochs";
    const RULES: &'static [Rule] = &[
        Rule::Without("x"),
        BAND_IN_FIGURES,
        Rule::Help("statistic", "Statistic shown in stopping.csv, the figures and the closing table"),
    ];

    fn run(&self) -> Result<(), Failure> {
        run(self)
    }
}

/// The curve of one model over time, and its certified shape.
struct Model {
    p: usize,
    curve: Curve,
    /// `None` if there are too few repeats for any statement.
    report: Option<ShapeReport>,
    /// Whether the drawn medians turn where the report certifies nothing.
    turns_more: bool,
}

fn run(cli: &Cli) -> Result<(), Failure> {
    check_noise(cli.noise)?;
    let mut features = [&cli.features.list[..], &cli.shown.list].concat();
    features.sort_unstable();
    features.dedup();
    let largest = features.last().copied().unwrap_or(0);
    let design = Design::new(cli.samples.into(), largest, cli.noise, cli.run.seed);
    let count = usize::from(cli.times);
    let times: Vec<f64> = (0..count).map(|i| 10f64.powf(8.0 * i as f64 / (count - 1) as f64 - 2.0)).collect();
    let folder = cli.run.make_folder("epochs", &cli.shards)?;
    let sweep = design.sweep(features, &times, cli.repeats, cli.run.threads);
    let place = shards::Place { out: &cli.run.out, folder: &folder, name: None };
    let Some(map) = shards::surface(&cli.shards, place, "p × t", &sweep)? else { return Ok(()) };
    keep_folder(&folder)?;
    map.save_cells(folder.join("cells.csv"))?;
    if report_failures(map.cells()) > 0 {
        return Err(Error::Resource { reason: "some fits failed; all others are written".into() }.into());
    }
    let over_time = |p: usize| map.at_column(p as f64);
    let stopped: Vec<Stopped> =
        map.features().into_iter().filter_map(|p| Stopped::of(&cli.run, p, &over_time(p)?)).collect();
    save_stopping(&stopped, &folder.join("stopping.csv"))?;
    let test = ShapeTest::new(cli.run.seed);
    let model = |p: usize| {
        let curve = over_time(p)?;
        let report = curve.shape(0, Metric::TestMse, &test).ok();
        let turns_more = report.as_ref().is_some_and(|report| turns::uncertified(report, &curve));
        Some(Model { p, curve, report, turns_more })
    };
    let models: Vec<Model> = cli.shown.list.iter().filter_map(|&p| model(p)).collect();
    closing_table(cli, &models, &stopped);
    say!("written: {}: cells.csv, stopping.csv", folder.display());
    if !cli.run.no_figures {
        let timeline = design.timeline(cli.shown.list.last().copied().unwrap_or(largest), &times)?;
        let figures = [
            ("descents", figures::descents(&cli.run, &design, &models)?),
            ("map", figures::map(&cli.run, &design, &map, &stopped)?),
            ("modes", figures::modes(&design, &timeline, &times)),
        ];
        crate::common::figures::save(&cli.run.print, &folder, figures)?;
    }
    Ok(())
}

fn save_stopping(stopped: &[Stopped], path: &Path) -> Result<(), Error> {
    let row = |s: &Stopped| {
        let numbers = [s.never, s.first_rise, s.best, s.best_time].map(|v| format!("{v:?}"));
        std::iter::once(s.p.to_string()).chain(numbers).collect()
    };
    let header = ["p", "never_stopped", "at_first_rise", "at_best_time", "best_time"];
    save_table(path, &header, stopped.iter().map(row).collect())
}

/// Prints shapes with their certified changes, and where stopping at the first rise costs most.
fn closing_table(cli: &Cli, models: &[Model], stopped: &[Stopped]) {
    let (n, statistic) = (cli.samples.0, cli.run.statistic.show());
    let title =
        format!("{statistic} test error over time, n = {n}, {}", counted(cli.repeats, "training set"));
    let columns = ["p", "shape", "changes at 95 %", "never stopped", "at first rise", "at best time"];
    let mut table = Table::new(title, columns);
    for model in models {
        let s = stopped.iter().find(|s| s.p == model.p);
        let (shape, changes) = match &model.report {
            Some(report) => (turns::shape(report, model.turns_more), turns::changes(report)),
            None => ("too few training sets".into(), String::new()),
        };
        row!(table, model.p, shape, changes, s.map(|s| s.never), s.map(|s| s.first_rise), s.map(|s| s.best));
    }
    if models.iter().any(|model| model.turns_more) {
        table.note("at least: the medians turn again, which these training sets do not certify");
    }
    table.note(figures::first_rise_costs(stopped));
    let worst = stopped.iter().max_by(|a, b| a.loss().total_cmp(&b.loss()));
    if let Some(worst) = worst.filter(|worst| worst.loss() > stopping::LOSS_COUNTS) {
        table.note(format!("most at p = {}: by a factor of {}", worst.p, trimmed(worst.loss())));
    }
    table.print();
}
