//! Why the test error peaks at n = p: there, and only there, the smallest non-zero singular value of random rows
//! comes close to 0, and the fit divides by it (Schaeffer et al., arXiv:2303.14151, section 3).
//!
//! The reason is interlacing: up to n = p a further row brings a further singular value, no larger than the
//! smallest before it; beyond n = p it can only raise the smallest of the p there are.
//!
//! Run: `cargo run --release --example smallest_singular_value`

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rounded, positive and small
#![allow(clippy::doc_markdown)] // doc comments are help texts

mod figures;
mod study;

use crate::common::flags::{Failure, Program, Rule, Value, flags, usage};
use crate::common::table::{Item, Table, row};
use crate::common::{RunArgs, Sizes, none_failed, save_table, say, with_progress};
use double_descent::Error;
use double_descent::curve::{Curve, Metric, Summary};
use std::path::Path;
use study::{Plan, limit};

/// The help text of --x.
const ABSCISSA: &str =
    "What the figure of three features is drawn over: p/n, or n; the other one is drawn over n/p";

flags! {
    /// The smallest non-zero singular value of Gaussian rows, over their number n: three correlated features, and p
    /// independent ones against the limit for large p. Writes OUT/smallest_singular_value/covariance_*.csv,
    /// isotropic_p*_*.csv, limit.csv and figures.
    pub struct Cli {
        /// Numbers of rows n of the three-dimensional Gaussian, as in 1..100 or 1..10,20..100:10
        sizes: Sizes = Sizes::of("1..100"), "SIZES";
        /// Numbers of features p of the isotropic Gaussian; n goes from p/10 to 4p
        features: Sizes = Sizes::of("10,30,100,300"), "SIZES";
        /// Matrices for each n
        repeats: usize = 50, "N";
        ..run: RunArgs = RunArgs::over_axis();
    }
}

impl Program for Cli {
    const NAME: &'static str = "smallest_singular_value";
    const RULES: &'static [Rule] = &[Rule::Help("x", ABSCISSA)];

    fn run(&self) -> Result<(), Failure> {
        run(self)
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    let plan = Plan { repeats: cli.repeats, seed: cli.run.seed, threads: cli.run.threads };
    let (sizes, features) = (cli.sizes.list.clone(), cli.features.list.clone());
    if sizes.contains(&0) || features.contains(&0) {
        return usage("--sizes and --features count rows and columns: each is at least 1");
    }
    let folder = cli.run.make_folder("smallest_singular_value")?;
    let correlated = with_progress("three features", |observer| study::correlated(plan, &sizes, observer))?;
    save(cli, &correlated, &folder, "covariance")?;
    let mut isotropic = Vec::new();
    for &p in &features {
        let curve = with_progress(&format!("p = {p}"), |observer| study::isotropic(plan, p, observer))?;
        save(cli, &curve, &folder, &format!("isotropic_p{p}"))?;
        isotropic.push(curve);
    }
    save_limit(&isotropic, &folder.join("limit.csv"))?;
    closing_table(&cli.run, &correlated, &isotropic)?;
    say!("written: {}: covariance_*.csv, isotropic_p*_*.csv, limit.csv", folder.display());
    if !cli.run.no_figures {
        let figures = [
            ("covariance".to_owned(), figures::correlated(&cli.run, &correlated)?),
            ("isotropic".to_owned(), figures::isotropic(&cli.run, &isotropic)?),
        ];
        crate::common::figures::save(&cli.run.print, &folder, figures)?;
    }
    Ok(())
}

fn save(cli: &Cli, curve: &Curve, folder: &Path, name: &str) -> Result<(), Error> {
    cli.run.save_tables(curve, folder, &format!("{name}_"), &[Metric::SmallestSingularValue])?;
    none_failed(curve)
}

/// `p,n,n_over_p,q25,median,q75,limit,rows_left`, of `σ_min/√n`.
fn save_limit(curves: &[Curve], path: &Path) -> Result<(), Error> {
    let mut rows = Vec::new();
    for curve in curves {
        for s in curve.summaries(Metric::SmallestSingularValue, None)? {
            let (ratio, root) = (s.n as f64 / s.p as f64, (s.n as f64).sqrt());
            let numbers = [ratio, s.q25 / root, s.median / root, s.q75 / root, limit(ratio)];
            let counts = [s.p, s.n].map(|count| count.to_string());
            rows.push(counts.into_iter().chain(numbers.map(|number| number.to_string())).collect());
        }
    }
    save_table(path, &["p", "n", "n_over_p", "q25", "median", "q75", "limit"], rows)
}

fn closing_table(args: &RunArgs, correlated: &Curve, isotropic: &[Curve]) -> Result<(), Error> {
    let statistic = args.statistic.show();
    let summaries = correlated.summaries(Metric::SmallestSingularValue, None)?;
    let lowest = |summaries: &[Summary]| args.lowest(summaries.iter()).map(|s| s.n);
    let columns = ["n", &statistic, "lower quartile", "upper quartile"];
    let mut table = Table::new("smallest non-zero singular value of three features over n", columns);
    for s in summaries.iter().filter(|s| [1, 2, 3, 4, 6, 10, 30, 100].contains(&s.n)) {
        row!(table, s.n, args.middle(s), s.q25, s.q75);
    }
    table.note(format!("lowest at n = {}", lowest(&summaries).unwrap_or(0)));
    table.print();
    let title = format!("σ_min/√n of isotropic rows, {statistic}, and its limit |1 − √(p/n)|");
    let mut table = Table::new(title, ["p", "n = p/10", "n = p", "n = 4p", "lowest at n"]);
    for curve in isotropic {
        let summaries = curve.summaries(Metric::SmallestSingularValue, None)?;
        let Some(first) = summaries.first() else { continue };
        let at = |n: usize| summaries.iter().find(|s| s.n == n).map(|s| args.middle(s) / (s.n as f64).sqrt());
        let p = first.p;
        row!(table, p, at(p.div_ceil(10)), at(p), at(4 * p), lowest(&summaries));
    }
    row!(table, "limit", limit(0.1), limit(1.0), limit(4.0), Item::Nothing);
    table.print();
    Ok(())
}
