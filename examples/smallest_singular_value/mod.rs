//! Why the test error peaks at n = p: there, and only there, the smallest non-zero singular value of random rows
//! comes close to 0, and the fit divides by it (Schaeffer et al., arXiv:2303.14151, section 3).
//!
//! The reason is interlacing: up to n = p a further row brings a further singular value, no larger than the
//! smallest before it; beyond n = p it can only raise the smallest of the p there are.
//!
//! Run: `cargo run --release --example smallest_singular_value`

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
#![allow(clippy::doc_markdown)] // doc comments are help texts

use crate::common::figures::{options, save as save_figures};
use crate::common::flags::{Failure, Program, Rule, Value, flags, usage};
use crate::common::shards::{self, ShardArgs};
use crate::common::table::{Item, Table, row};
use crate::common::{RunArgs, Sizes, none_failed, rows_around, save_table, say};
use double_descent::Error;
use double_descent::curve::{Curve, Metric, Summary};
use double_descent::plot::study::{self, isotropic_limit as limit};
use double_descent::plot::{Figure, FigureOptions};
use double_descent::rng::stream;
use double_descent::sweep::{Arm, Draw, Source, Splits, Sweep, TestOn};
use ndarray::{Array2, arr2};
use rand::RngExt;
use rand_distr::StandardNormal;
use std::path::Path;

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
        ..shards: ShardArgs = ShardArgs::default();
        ..run: RunArgs = RunArgs::over_axis();
    }
}

/// A root `L` of the covariance `L Lᵀ` = ((23, 9, 4), (9, 6, 2), (4, 2, 5)) of the three-dimensional example, transposed.
fn mixing() -> Array2<f64> {
    let (a, b, c) = (23.0_f64.sqrt(), 9.0 / 23.0_f64.sqrt(), 4.0 / 23.0_f64.sqrt());
    let d = (6.0 - b * b).sqrt();
    let e = (2.0 - c * b) / d;
    arr2(&[[a, b, c], [0.0, d, e], [0.0, 0.0, (5.0 - (c * c + e * e)).sqrt()]])
}

impl Program for Cli {
    const NAME: &'static str = "smallest_singular_value";
    const RULES: &'static [Rule] = &[Rule::Help(
        "x",
        "What the figure of three features is drawn over: p/n, or n; the other one is over n/p",
    )];

    fn run(&self) -> Result<(), Failure> {
        let (sizes, features) = (&self.sizes.list, &self.features.list);
        if sizes.contains(&0) || features.contains(&0) {
            return usage("--sizes and --features: `0` is too few rows or columns; each is at least 1");
        }
        let folder = self.run.make_folder("smallest_singular_value")?;
        let correlated = self.measure(&folder, "covariance", None, sizes.clone(), mixing())?;
        let isotropic = features.iter().map(|&p| {
            self.measure(&folder, &format!("isotropic_p{p}"), Some(p as f64), rows_around(p), Array2::eye(p))
        });
        // All of them, before one that is not there yet ends it.
        let isotropic = isotropic.collect::<Result<Vec<_>, Failure>>()?;
        let isotropic = isotropic.into_iter().collect::<Option<Vec<_>>>();
        let (Some(correlated), Some(isotropic)) = (correlated, isotropic) else { return Ok(()) };
        save_limit(&isotropic, &folder.join("limit.csv"))?;
        closing_table(&self.run, &correlated, &isotropic)?;
        say!("written: {}: covariance_*.csv, isotropic_p*_*.csv, limit.csv", folder.display());
        if !self.run.no_figures {
            save_figures(&self.run.print, &folder, figures(&self.run, &correlated, &isotropic)?)?;
        }
        Ok(())
    }
}

impl Cli {
    /// The smallest singular value of rows `Z · mixing`, `Z` of independent standard normals drawn anew for each n.
    fn measure(
        &self,
        folder: &Path,
        file: &str,
        setting: Option<f64>,
        samples: Vec<usize>,
        mixing: Array2<f64>,
    ) -> Result<Option<Curve>, Failure> {
        let (seed, p) = (self.run.seed, mixing.ncols());
        let source = Source::drawn_for_cells("Gaussian rows", move |repeat, n, _| {
            let z = normal(seed, (n, p), repeat);
            let inputs = if setting.is_some() { z } else { z.dot(&mixing) };
            let test = TestOn::Rows { inputs: Array2::zeros((1, p)), targets: Array2::zeros((1, 1)) };
            Ok(Draw { inputs, targets: Array2::zeros((n, 1)), test })
        });
        let name = if setting.is_some() { "isotropic" } else { "covariance" };
        let sweep = Sweep {
            samples,
            arms: vec![Arm { name: name.into(), setting, ..Arm::min_norm() }],
            metrics: vec![Metric::SmallestSingularValue],
            threads: self.run.threads,
            ..Sweep::of(source, Splits::Drawn { repeats: self.repeats, seed })
        };
        let place = shards::Place { out: &self.run.out, folder, name: Some(file) };
        let Some(curve) = shards::curve(&self.shards, place, file, &sweep)? else { return Ok(None) };
        self.run.save_tables(&curve, folder, &format!("{file}_"), &sweep.metrics)?;
        none_failed(&curve)?;
        Ok(Some(curve))
    }
}

/// Independent standard normals, others for each number of rows and each repeat.
fn normal(seed: u64, (n, p): (usize, usize), repeat: usize) -> Array2<f64> {
    let mut rng = stream(seed, n, repeat);
    Array2::from_shape_simple_fn((n, p), || rng.sample(StandardNormal))
}

fn figures(
    args: &RunArgs,
    correlated: &Curve,
    curves: &[Curve],
) -> Result<[(&'static str, Figure); 3], Error> {
    let options: FigureOptions = options(args);
    let mut covariance = study::panels(correlated, &[&[Metric::SmallestSingularValue]], &options).drawn()?;
    covariance.caption.push_str(
        " Rows are from the three-dimensional Gaussian of mean 0 and covariance ((23,\u{a0}9,\u{a0}4), \
         (9,\u{a0}6,\u{a0}2), (4,\u{a0}2,\u{a0}5)), drawn anew for each n.",
    );
    let isotropic = study::isotropic(curves, &options).drawn()?;
    let directions =
        study::directions(&normal(args.seed, (100, 3), 0).dot(&mixing()), &[1, 2, 3, 4, 10, 50]).drawn()?;
    Ok([
        ("covariance", covariance.with_title("The smallest singular value is smallest at n = p")),
        ("isotropic", isotropic.with_title("σ_min nears 0 at n = p alone, the closer the larger p")),
        ("directions", directions.with_title("At n = p the rows leave one direction almost empty")),
    ])
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
    let mut table = Table::new("smallest non-zero singular value σ_min of three features over n", columns);
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
