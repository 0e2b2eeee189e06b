//! Why the test error peaks at n = p: only there does the smallest non-zero singular value of random rows
//! come close to 0, and the fit divides by it (Schaeffer et al., arXiv:2303.14151, section 3).
//!
//! Run: `cargo run --release --example smallest_singular_value`

mod figures;

use crate::common::flags::{Failure, Program, Rule, flags};
use crate::common::shards::{self, ShardArgs};
use crate::common::{RunArgs, Sizes, closing, none_failed, rows_around, save_table, say};
use double_descent::Error;
use double_descent::curve::{Curve, Metric};
use double_descent::rng::normal;
use double_descent::sweep::{Arm, Draw, Source, Splits, Sweep};
use double_descent::theory::smallest_singular_value::limit;
use ndarray::{Array2, arr2};
use std::path::Path;

flags! {
    /// The smallest non-zero singular value of n Gaussian rows, over n: three correlated features, and p independent
    /// ones compared with the limit for large p. Writes OUT/smallest_singular_value/covariance_*.csv,
    /// isotropic_p*_*.csv, limit.csv and figures.
    pub struct Cli {
        /// Numbers of rows n for the three-dimensional Gaussian, as in 1..100 or 1..10,20..100:10
        sizes: Sizes = Sizes::of("1..100"), "SIZES";
        /// Numbers of features p for the isotropic Gaussian; n goes from p/10 to 4p
        features: Sizes = Sizes::of("10,30,100,300"), "SIZES";
        /// Number of matrices for each n
        repeats: usize = 50, "N";
        ..shards: ShardArgs = ShardArgs::default();
        ..run: RunArgs = RunArgs::over_axis();
    }
}

impl Program for Cli {
    const NAME: &'static str = "smallest_singular_value";
    const RULES: &'static [Rule] = &[Rule::Help(
        "x",
        "Horizontal axis of the figure of three features: p/n or n; the other figure is over n/p",
    )];

    fn run(&self) -> Result<(), Failure> {
        let folder = self.run.make_folder("smallest_singular_value", &self.shards)?;
        let correlated = self.measure(&folder, None)?;
        // Measure all of them before stopping at one that is not there yet.
        let isotropic = self.features.list.iter().map(|&p| self.measure(&folder, Some(p)));
        let isotropic = isotropic.collect::<Result<Vec<_>, Failure>>()?;
        let isotropic = isotropic.into_iter().collect::<Option<Vec<_>>>();
        let (Some(correlated), Some(isotropic)) = (correlated, isotropic) else { return Ok(()) };
        save_limit(&isotropic, &folder.join("limit.csv"))?;
        closing::smallest(&self.run, &correlated, &isotropic)?;
        say!("written: {}: covariance_*.csv, isotropic_p*_*.csv, limit.csv", folder.display());
        figures::save(&self.run, &folder, &correlated, &isotropic)
    }
}

/// The transpose of a root `L` of the covariance `L Lᵀ` = ((23, 9, 4), (9, 6, 2), (4, 2, 5)) of the three-dimensional
/// example.
fn mixing() -> Array2<f64> {
    let (a, b, c) = (23.0_f64.sqrt(), 9.0 / 23.0_f64.sqrt(), 4.0 / 23.0_f64.sqrt());
    let d = (6.0 - b * b).sqrt();
    let e = (2.0 - c * b) / d;
    arr2(&[[a, b, c], [0.0, d, e], [0.0, 0.0, (5.0 - (c * c + e * e)).sqrt()]])
}

impl Cli {
    /// Measures the smallest singular value of rows drawn anew for each n, with p independent features or the three
    /// correlated ones.
    fn measure(&self, folder: &Path, p: Option<usize>) -> Result<Option<Curve>, Failure> {
        let seed = self.run.seed;
        let file = &p.map_or("covariance".into(), |p| format!("isotropic_p{p}"));
        let source = Source::drawn_for_cells("Gaussian rows", move |repeat, n, _| {
            let z = normal(seed, (n, p.unwrap_or(3)), repeat)?;
            Ok(Draw::of_design(if p.is_some() { z } else { z.dot(&mixing()) }))
        });
        let name = if p.is_some() { "isotropic" } else { "covariance" };
        let setting = p.map(|p| p as f64);
        let sweep = Sweep {
            samples: p.map_or_else(|| self.sizes.list.clone(), rows_around),
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

/// Writes `p,n,n_over_p,q25,median,q75,limit,rows_left` for `σ_min/√n`.
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
